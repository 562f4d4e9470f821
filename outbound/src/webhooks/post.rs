//! One message on the wire, and what its answer means.

use std::time::Duration;

use canary_domain::Moment;
use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret as _;
use url::Url;
use uuid::Uuid;

use super::Endpoint;
use super::sign::Keys;
use crate::wire::{cause, retry_after};

/// What came of sending a message.
#[derive(Debug)]
pub(crate) enum Posted {
    /// Any 2xx.
    Taken,
    /// Anything else.
    Refused {
        /// What was said, without address or key.
        cause: String,
        /// How long the receiver asks for patience.
        wait: Option<Duration>,
        /// It will never take it: 410.
        for_good: bool,
    },
}

/// A new message's id.
pub(crate) fn fresh_id() -> String {
    format!("msg_{}", Uuid::new_v4().simple())
}

/// Sends a message (its id and body) once. Address and keys are read for it, so a file that was changed counts at once.
pub(crate) async fn post(
    client: &Client,
    endpoint: &Endpoint,
    (id, body): (&str, &str),
    now: Moment,
) -> Posted {
    let refused = |cause| Posted::Refused { cause, wait: None, for_good: false };
    let (url, keys) = match (address(endpoint), keys(endpoint)) {
        (Ok(url), Ok(keys)) => (url, keys),
        (Err(what), _) | (_, Err(what)) => return refused(what),
    };
    let timestamp = now.timestamp();
    let request = client
        .post(url)
        .timeout(endpoint.timeout)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", keys.sign(id, timestamp, body))
        .body(body.to_owned());
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return refused(cause(error)),
    };
    let status = answer.status();
    if status.is_success() {
        return Posted::Taken;
    }
    let cause = if status.is_redirection() {
        format!("answered {status}; redirects are not followed")
    } else {
        format!("answered {status}")
    };
    Posted::Refused { cause, wait: retry_after(answer.headers()), for_good: status == StatusCode::GONE }
}

pub(super) fn address(endpoint: &Endpoint) -> Result<Url, String> {
    let text = endpoint.url.read()?;
    let url = Url::parse(text.expose_secret().trim());
    let url = url.map_err(|error| format!("its address can't be used: {error}"))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("its address is neither http nor https".to_owned())
    }
}

pub(super) fn keys(endpoint: &Endpoint) -> Result<Keys, String> {
    let text = endpoint.keys.read()?;
    Keys::read(text.expose_secret()).map_err(|error| format!("its secret can't be used: {error}"))
}
