//! One `canary run`: a process and its console.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};

use crate::Process;
use crate::guardian::Guardian;
use crate::metrics::Metrics;
use crate::wait::until;

/// A running canary: a [`Process`] that can be asked.
#[derive(Debug)]
pub struct Instance {
    process: Process,
    console: SocketAddr,
    client: Client,
}

impl Instance {
    pub(crate) fn start(
        guardian: Arc<Guardian>,
        config: &Path,
        console: SocketAddr,
        environment: &[(&str, &str)],
    ) -> Self {
        let log = config.with_extension("log");
        let config = config.to_str().unwrap();
        let process =
            Process::start(guardian, &["run", "--config", config], log.to_str().unwrap(), environment);
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Self { process, console, client }
    }

    /// Where its console answers.
    #[must_use]
    pub fn console(&self) -> SocketAddr {
        self.console
    }

    /// A request to its console, to be sent; `path` begins with a slash.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.console))
    }

    /// Asks its console; `path` begins with a slash. `None` if nobody answers.
    pub async fn get(&self, path: &str) -> Option<Response> {
        self.request(path).send().await.ok()
    }

    /// Asks its console for JSON.
    ///
    /// # Panics
    /// If the answer is none, or isn't 200.
    pub async fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path).await.unwrap();
        assert!(answer.status().is_success(), "{path} is answered {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Whether `/readyz` says 200.
    pub async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_some_and(|answer| answer.status().is_success())
    }

    /// Waits for 200 on `/readyz`.
    ///
    /// # Panics
    /// If it ends instead, or isn't ready within a minute.
    pub async fn ready(&mut self) {
        until("a canary that is ready", 60, async || {
            let ended = self.process.has_ended();
            assert!(ended.is_none(), "the canary ended instead of getting ready: {ended:?}");
            self.is_ready().await
        })
        .await;
    }

    /// What `/metrics` says now.
    ///
    /// # Panics
    /// If it doesn't answer.
    pub async fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics").await.unwrap();
        Metrics::parse(&answer.text().await.unwrap())
    }

    /// Waits until it leads as runner and as judge.
    ///
    /// # Panics
    /// If it doesn't within half a minute.
    pub async fn takes_the_lead(&self) {
        until("an instance that leads", 30, async || self.leads("runner").await && self.leads("judge").await)
            .await;
    }

    /// Whether it leads a role (`runner`, `judge`), as its metrics say; false if it doesn't answer.
    pub async fn leads(&self, role: &str) -> bool {
        let Some(answer) = self.get("/metrics").await else { return false };
        let Ok(text) = answer.text().await else { return false };
        Metrics::parse(&text).sum("canary_leader", &[("role", role)]) == Some(1.0)
    }
}

impl Deref for Instance {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Instance {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}
