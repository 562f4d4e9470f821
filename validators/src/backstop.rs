//! The polling backstop: reads over REST what no socket brings (contract §4).

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::backoff;
use canary_telemetry::RejectReason;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use reqwest::{Client, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::Credentials;

/// Events a page.
const LIMIT: usize = 500;
/// A page larger than this is not read.
const MAX_PAGE: usize = 32 << 20;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// From asking for the bearer to the page's last byte.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Where the pages are.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub client: Client,
    pub url: Url,
    /// The platform's name of the event.
    pub event_name: String,
    pub credentials: Arc<dyn Credentials>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Page {
    /// The position that was asked from; `None`: only the head was asked for.
    pub after: Option<i64>,
    /// Right before the request left.
    pub asked: Instant,
    pub received: Instant,
    pub events: Vec<Box<RawValue>>,
    pub head: i64,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PollError {
    #[error("no bearer: {0}")]
    Bearer(String),
    #[error("asking for events: {0}")]
    Network(String),
    #[error("no complete answer within {ANSWER_WITHIN:?}")]
    Timeout,
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("a page of more than {MAX_PAGE} bytes")]
    TooLarge,
    #[error("the answer is no page of events: {0}")]
    Garbage(String),
    #[error("the page's events do not lie behind position {0}, which was asked for")]
    Stuck(i64),
}

impl PollError {
    /// What is counted of it: an answer that can't be read, not one that never came.
    pub fn reject_reason(&self) -> Option<RejectReason> {
        match self {
            Self::TooLarge => Some(RejectReason::TooLarge),
            Self::Garbage(_) | Self::Stuck(_) => Some(RejectReason::Unparsable),
            Self::Bearer(_) | Self::Network(_) | Self::Timeout | Self::Status(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct Body {
    events: Vec<Box<RawValue>>,
    head: i64,
}

/// Asks for one page at a time, when it is due.
pub(crate) struct Backstop {
    shelf: Arc<Shelf>,
    every: Duration,
    due: Instant,
    request: Option<BoxFuture<'static, Result<Page, PollError>>>,
    delays: Box<dyn Iterator<Item = Duration> + Send>,
}

/// A client with time limits, shared by the five.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder().connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN).build()
}

impl Backstop {
    pub fn new(shelf: Arc<Shelf>, every: Duration, now: Instant) -> Self {
        Self { shelf, every, due: now + every, request: None, delays: Box::new(backoff()) }
    }

    /// The next page is due now.
    pub fn hurry(&mut self, now: Instant) {
        self.due = now;
    }

    /// All is read: the next page is due in a while.
    pub fn rest(&mut self, now: Instant) {
        self.due = now + self.every;
        self.delays = Box::new(backoff());
    }

    /// A page could not be had, or not be used.
    pub fn failed(&mut self, now: Instant) {
        self.due = now + self.delays.next().unwrap_or(self.every);
    }

    /// Asks for the page behind `after` if it is due.
    pub fn ask(&mut self, after: Option<i64>, now: Instant) {
        if self.request.is_none() && self.due <= now {
            let shelf = Arc::clone(&self.shelf);
            let request = async move {
                timeout(ANSWER_WITHIN, shelf.page(after)).await.map_err(|_| PollError::Timeout)?
            };
            self.request = Some(request.boxed());
        }
    }

    /// The answer to what was asked; waits for ever if nothing was.
    pub async fn answer(&mut self) -> Result<Page, PollError> {
        let Some(request) = &mut self.request else { return pending().await };
        let answer = request.await;
        self.request = None;
        answer
    }
}

impl Shelf {
    async fn page(&self, after: Option<i64>) -> Result<Page, PollError> {
        let bearer = self.credentials.bearer().await.map_err(PollError::Bearer)?;
        let limit = if after.is_some() { LIMIT } else { 1 };
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("event_type", &self.event_name)
            .append_pair("after", &after.unwrap_or(0).to_string())
            .append_pair("limit", &limit.to_string());
        let asked = Instant::now();
        let request = self.client.get(url).bearer_auth(bearer.expose_secret()).send();
        let answer = request.await.map_err(|error| PollError::Network(cause(&error)))?;
        if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.credentials.refused().await;
        }
        if !answer.status().is_success() {
            return Err(PollError::Status(answer.status()));
        }
        let bytes = body(answer).await?;
        let received = Instant::now();
        let (events, head) = read_page(&bytes)?;
        Ok(Page { after, asked, received, events, head })
    }
}

/// The events of a page as they stand in it, and its head.
pub(crate) fn read_page(bytes: &[u8]) -> Result<(Vec<Box<RawValue>>, i64), PollError> {
    let Body { events, head } =
        serde_json::from_slice(bytes).map_err(|error| PollError::Garbage(error.to_string()))?;
    Ok((events, head))
}

async fn body(answer: Response) -> Result<Vec<u8>, PollError> {
    let mut bytes = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| PollError::Network(cause(&error)))?;
        if bytes.len() + chunk.len() > MAX_PAGE {
            return Err(PollError::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The innermost cause: the outer ones repeat the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
