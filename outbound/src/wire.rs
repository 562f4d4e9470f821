//! HTTP as both kinds of work use it: no redirect is followed, nothing is read without a limit, no message names an address.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, redirect};

/// A server that takes no connection in this time is away.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest that a server's wish for patience is heeded.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// A client without limits of its own for a whole exchange: each request has one.
pub(crate) fn client() -> Result<Client, ClientError> {
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .user_agent(concat!("canary-reactor/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// What a failed request says of itself, down to its root, without the address, which may be a secret (I8).
pub(crate) fn cause(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = inner.source();
    }
    words
}

/// In whole seconds; a date is not understood, the growing pauses do as well.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// The begin of a body, and whether there was more.
pub(crate) async fn begin_of(mut response: Response, limit: usize) -> Result<(Vec<u8>, bool), String> {
    let mut body = Vec::new();
    while body.len() <= limit
        && let Some(bytes) = response.chunk().await.map_err(cause)?
    {
        body.extend_from_slice(&bytes);
    }
    let more = body.len() > limit;
    body.truncate(limit);
    Ok((body, more))
}
