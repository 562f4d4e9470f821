//! The receiver on the wire: one request, and what its answer means.
//!
//! An answer of 4xx but 429 may be about the samples in the request, so that others would be taken. Any other answer, and
//! none, is about the receiver: it is waited for, however long that takes (nothing is lost meanwhile but time).

use std::error::Error as _;
use std::time::Duration;

use canary_telemetry::remote_write::{HEADERS, compress};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

/// A receiver that takes no connection in this time is away.
const CONNECT: Duration = Duration::from_secs(5);
/// How long one push may take; a megabyte takes a busy receiver no second.
const REQUEST: Duration = Duration::from_secs(30);
/// How long reading a window of samples back may take.
const READ: Duration = Duration::from_secs(120);
/// The longest that a receiver's wish for patience is heeded at once.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What is read of an answer that says what is wrong.
const MESSAGE: usize = 512;
/// What is read of a page of metrics.
const METRICS: usize = 16 << 20;
/// What the path of a receiver ends with.
const WRITE: &str = "/api/v1/write";

/// Prometheus 2.42 says so with 500 where it means 400, and would for ever.
const TOO_OLD: &str = "too old sample";

/// A receiver of remote write. One of them serves many tasks.
#[derive(Clone)]
pub struct Receiver {
    client: Client,
    url: Url,
    name: String,
    timeout: Duration,
}

/// Without the URL, which may hold a password (I8).
impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a receiver can't be used, or can't be asked.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// Not an address of a web server.
    #[error("{0} is not an http or https URL")]
    Url(String),
    /// The HTTP client could not be made.
    #[error("the HTTP client could not be set up: {0}")]
    Client(#[source] reqwest::Error),
    /// A question went unanswered.
    #[error("asking {name}: {cause}")]
    Asking {
        /// Who was asked.
        name: String,
        /// What came of it.
        cause: String,
    },
}

/// What became of a push.
#[derive(Debug)]
pub(crate) enum Answer {
    /// All of it was taken.
    Taken,
    /// None of it was, or not all; others might be.
    Refused(String),
    /// The receiver can't be used for now.
    Away(Absence),
}

/// A receiver that can't be used for now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct Absence {
    pub cause: String,
    /// How long it asks for patience.
    pub wait: Option<Duration>,
}

/// Rows that a receiver says it has dropped, though it answered that it took them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why, in the receiver's word.
    pub reason: String,
    /// How many since it started.
    pub rows: u64,
}

impl Receiver {
    /// The receiver at this address, user and password included where it wants them. Nothing is connected yet.
    ///
    /// # Errors
    /// When it is no address of a web server, or there is no provider of TLS.
    pub fn new(url: &Url) -> Result<Self, ReceiverError> {
        let name = without_secrets(url);
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(ReceiverError::Url(name));
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .user_agent(concat!("canary-reactor/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ReceiverError::Client)?;
        Ok(Self { client, url: url.clone(), name, timeout: REQUEST })
    }

    /// Gives a push up after this time instead of 30 seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Its address without user, password and query: its name in messages, and the target of its mark in the ledger.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends it an empty request: whether it is there, and takes what is pushed at this address by this user.
    ///
    /// # Errors
    /// When it is away, or refuses us.
    pub async fn reach(&self) -> Result<(), ReceiverError> {
        match self.push(&[]).await {
            Answer::Taken => Ok(()),
            Answer::Refused(cause) | Answer::Away(Absence { cause, .. }) => {
                Err(ReceiverError::Asking { name: self.name.clone(), cause })
            }
        }
    }

    /// How many rows it says it drops while it answers that it takes them: VictoriaMetrics counts rows outside of its
    /// retention, and broken ones. Empty for a receiver that has no such count.
    ///
    /// # Errors
    /// When it doesn't answer.
    pub async fn dropped(&self) -> Result<Vec<Dropped>, ReceiverError> {
        let Some(mut url) = self.beside_write("") else { return Ok(Vec::new()) };
        url.set_path(&format!("{}metrics", url.path()));
        let page = self.get(&url, METRICS).await?;
        Ok(page.map(|page| page.lines().filter_map(dropped).collect()).unwrap_or_default())
    }

    /// Pushes one request, given before compression.
    pub(crate) async fn push(&self, request: &[u8]) -> Answer {
        let headers = HEADERS
            .iter()
            .fold(self.client.post(self.url.clone()), |request, (name, value)| request.header(*name, *value));
        match headers.body(compress(request)).timeout(self.timeout).send().await {
            Ok(response) => self.understand(response).await,
            Err(error) => Answer::Away(Absence { cause: cause(error), wait: None }),
        }
    }

    async fn understand(&self, response: Response) -> Answer {
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        let wait = retry_after(response.headers());
        // The status says enough if the message can't be read.
        let message = text(response, MESSAGE).await.unwrap_or_default();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = self.url.query().map_or(message.clone(), |query| message.replace(query, "…"));
        let cause = if message.is_empty() { status.to_string() } else { format!("{status}: {message}") };
        if about_the_samples(status, &message) {
            Answer::Refused(cause)
        } else {
            Answer::Away(Absence { cause, wait })
        }
    }

    /// The address of a neighbour of `…/api/v1/write`: with `path` in its place, and without a query.
    pub(crate) fn beside_write(&self, path: &str) -> Option<Url> {
        let before = self.url.path().strip_suffix(WRITE)?;
        let mut url = self.url.clone();
        url.set_path(&format!("{before}/{}", path.trim_start_matches('/')));
        url.set_query(None);
        Some(url)
    }

    /// The body of what is there; `None` for 404.
    pub(crate) async fn get(&self, url: &Url, limit: usize) -> Result<Option<String>, ReceiverError> {
        let asking = |cause| ReceiverError::Asking { name: without_secrets(url), cause };
        let response =
            self.client.get(url.clone()).timeout(READ).send().await.map_err(|error| asking(cause(error)))?;
        let status = response.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = text(response, limit).await.map_err(asking)?;
        if status.is_success() {
            return Ok(Some(body));
        }
        let message: String = body.chars().take(MESSAGE).collect();
        Err(asking(format!("{status}: {}", message.split_whitespace().collect::<Vec<_>>().join(" "))))
    }
}

/// Whether other samples might be taken.
fn about_the_samples(status: StatusCode, message: &str) -> bool {
    status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::INTERNAL_SERVER_ERROR && message == TOO_OLD
}

/// In whole seconds; dates are not understood, the backoff does as well.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// The body, cut to so many bytes.
async fn text(mut response: Response, limit: usize) -> Result<String, String> {
    let mut body = Vec::new();
    while body.len() < limit
        && let Some(bytes) = response.chunk().await.map_err(cause)?
    {
        body.extend_from_slice(&bytes);
    }
    body.truncate(limit);
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// What a failed request says of itself, down to its root, without the URL.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = error.source();
    }
    words
}

fn without_secrets(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

/// Of a line like `vm_rows_ignored_total{reason="small_timestamp"} 3`.
fn dropped(line: &str) -> Option<Dropped> {
    let (labels, rows) = line.strip_prefix("vm_rows_ignored_total{")?.split_once("} ")?;
    let reason = labels.split_once("reason=\"")?.1.split_once('"')?.0;
    let rows = rows.trim().parse().ok().filter(|rows| *rows > 0)?;
    Some(Dropped { reason: reason.to_owned(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(url: &str) -> Receiver {
        rustls::crypto::ring::default_provider().install_default().ok();
        Receiver::new(&url.parse().unwrap()).unwrap()
    }

    #[test]
    fn neither_its_name_nor_its_debug_form_tells_a_secret() {
        let receiver = receiver("https://ann:s3cret@vm.example:8427/insert/0/api/v1/write?key=s3cret");
        assert_eq!(receiver.name(), "https://vm.example:8427/insert/0/api/v1/write");
        assert!(!format!("{receiver:?}").contains("s3cret"));
        let beside = receiver.beside_write("api/v1/export").unwrap();
        assert_eq!((beside.path(), beside.query()), ("/insert/0/api/v1/export", None));
    }

    #[test]
    fn only_addresses_of_web_servers_are_taken() {
        for wrong in ["ftp://vm/api/v1/write", "file:///tmp/x", "mailto:vm"] {
            assert!(matches!(Receiver::new(&wrong.parse().unwrap()), Err(ReceiverError::Url(_))), "{wrong}");
        }
    }

    #[test]
    fn only_4xx_but_429_speaks_of_the_samples() {
        let speaks = |status: u16| about_the_samples(StatusCode::from_u16(status).unwrap(), "");
        assert!([400, 401, 404, 413, 422].into_iter().all(speaks));
        assert!(![301, 429, 500, 502, 503, 504].into_iter().any(speaks));
        assert!(about_the_samples(StatusCode::INTERNAL_SERVER_ERROR, TOO_OLD));
        assert!(!about_the_samples(StatusCode::BAD_GATEWAY, TOO_OLD));
    }

    #[test]
    fn dropped_rows_are_read_from_victoria_metrics_own_words() {
        let line = r#"vm_rows_ignored_total{reason="small_timestamp"} 3"#;
        assert_eq!(dropped(line), Some(Dropped { reason: "small_timestamp".into(), rows: 3 }));
        assert_eq!(dropped(r#"vm_rows_ignored_total{reason="big_timestamp"} 0"#), None);
        assert_eq!(dropped("vm_rows_inserted_total{type=\"x\"} 3"), None);
    }
}
