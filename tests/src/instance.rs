//! One `canary run`: a process, its console and its log.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};

use crate::binary;
use crate::guardian::Guardian;
use crate::metrics::Metrics;
use crate::wait::{until, until_some};

/// Lines of the log that a failed test shows.
const SHOWN: usize = 150;

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: to stop in order.
    Terminate,
    /// SIGKILL: dead at once.
    Kill,
    /// SIGSTOP: frozen where it is.
    Stop,
    /// SIGCONT: runs on.
    Continue,
}

/// A running canary. Dropping it kills it; if the test has failed, the end of its log is shown.
#[derive(Debug)]
pub struct Instance {
    child: Child,
    ended: Option<ExitStatus>,
    console: SocketAddr,
    log: PathBuf,
    client: Client,
    guardian: Arc<Guardian>,
}

impl Instance {
    pub(crate) fn start(
        guardian: Arc<Guardian>,
        config: &Path,
        console: SocketAddr,
        log_filter: &str,
    ) -> Self {
        let log = config.with_extension("log");
        let output = File::create(&log).unwrap();
        let child = Command::new(binary::program())
            .args(["run", "--config"])
            .arg(config)
            .env_clear()
            .env("RUST_LOG", log_filter)
            .current_dir(guardian.folder())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        guardian.watch(child.id());
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Self { child, ended: None, console, log, client, guardian }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its console answers.
    #[must_use]
    pub fn console(&self) -> SocketAddr {
        self.console
    }

    /// Everything it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks its console; `path` begins with a slash. `None` if nobody answers.
    pub async fn get(&self, path: &str) -> Option<Response> {
        self.client.get(format!("http://{}{path}", self.console)).send().await.ok()
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
            assert!(self.has_ended().is_none(), "the canary ended instead of getting ready:\n{}", self.log());
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

    /// Whether it leads a role (`runner`, `judge`), as its metrics say; false if it doesn't answer.
    pub async fn leads(&self, role: &str) -> bool {
        let Some(answer) = self.get("/metrics").await else { return false };
        let Ok(text) = answer.text().await else { return false };
        Metrics::parse(&text).sum("canary_leader", &[("role", role)]) == Some(1.0)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended and was waited for.
    pub fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Terminate => "TERM",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        assert!(self.ended.is_none(), "it has ended already");
        let id = self.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &id]).status();
        assert!(sent.unwrap().success(), "SIG{name} could not be sent to {id}");
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() && is_dead(self.child.id()) {
            self.reap();
        }
        self.ended
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it still runs after `seconds`.
    pub async fn end(&mut self, seconds: u64) -> ExitStatus {
        until_some("the canary's end", seconds, async || self.has_ended()).await
    }

    /// SIGTERM, and the end that it has to come to within 10 s.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::Terminate);
        self.end(10).await
    }

    /// SIGKILL, and its end.
    pub async fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.end(10).await;
    }

    fn reap(&mut self) {
        self.guardian.forget(self.child.id());
        self.ended = self.child.wait().ok();
    }

    /// Prints the end of its log.
    #[expect(clippy::print_stderr, reason = "a failed test says why")]
    pub fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(SHOWN);
        eprintln!("--- the end of {} ---\n{}", self.log.display(), lines[from..].join("\n"));
    }
}

/// Dead, but not reaped yet: its id can't be another's.
fn is_dead(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // A failed kill means that it is dead.
            self.child.kill().ok();
            self.reap();
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}
