//! The platform's registry on the wire (contract §1, §2), through one warm client.
//!
//! A connection that has been idle for longer than a few seconds is not used again: servers close idle connections,
//! and a request that meets such a close would look like a fault of the platform.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use canary_domain::{Backend, Test};

use crate::Agent;
use crate::awake::{Ended, within};

/// Common servers keep an idle connection for five seconds or more.
const IDLE: Duration = Duration::from_secs(4);
/// An answer of the registry is small; what lies beyond this is not read.
const MAX_BODY: usize = 256 * 1024;
/// The longest that a path is left alone for one answer: a platform that says more has miscounted.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);

/// Where the calls go, under the registry's address (contract §6), and where an answer says its transfer id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Signing in.
    pub token: String,
    /// An account's balance.
    pub balance: String,
    /// A transfer within a frame.
    pub transfer: String,
    /// A transfer across registries; `{backend}` stands for the backend's word.
    pub cross_transfer: String,
    /// JSON pointer to the transfer id in the answer of a transfer.
    pub transfer_id: String,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            token: "/auth/agent/token".into(),
            balance: "/teg/balance".into(),
            transfer: "/teg/transfer".into(),
            cross_transfer: "/teg/cross-registry-transfer?backend={backend}".into(),
            transfer_id: "/transaction_id".into(),
        }
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: {0}")]
pub struct PlatformError(#[from] reqwest::Error);

/// An answer with its body, read to the end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON, if it is any.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// How a call ended without an answer.
#[derive(Debug)]
pub(crate) enum NoReply {
    /// Nothing came within the time limit.
    TimedOut,
    /// Refused, reset, or broken off; in words.
    Broken(String),
    /// It failed over a standstill of this very process: nothing is known of the other side.
    StoodStill,
}

/// The registry of every frame, over one client.
#[derive(Clone, Debug)]
pub struct Platform {
    client: Client,
    calls: Calls,
    call_timeout: Duration,
}

impl Platform {
    /// Sets up the client. `call_timeout` is the time from sending to the last byte of an answer.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(calls: Calls, call_timeout: Duration) -> Result<Self, PlatformError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            // The whole of a call is limited in `exchange`, by time that we were running.
            .connect_timeout(call_timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("canary-reactor/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, calls, call_timeout })
    }

    /// How long a call may take.
    pub(crate) fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    /// Where the answer of a transfer says its id.
    pub(crate) fn transfer_id<'a>(&self, answer: &'a Value) -> Option<&'a str> {
        answer.pointer(&self.calls.transfer_id)?.as_str().filter(|id| !id.is_empty())
    }

    /// Asks for a token; the answer is the server's, whatever it is.
    pub(crate) async fn token(&self, agent: &Agent, secret: &SecretString) -> Result<Reply, NoReply> {
        let form = [("username", agent.client_id.as_str()), ("password", secret.expose_secret())];
        self.exchange(self.client.post(join(&agent.registry, &self.calls.token)).form(&form)).await
    }

    /// Makes the transfer of a test.
    pub(crate) async fn transfer(
        &self,
        agent: &Agent,
        test: &Test,
        token: &SecretString,
    ) -> Result<Reply, NoReply> {
        let mut body = json!({
            "receiver_agent_id": test.receiver,
            "amount": test.amount,
            "message": test.test_id.memo(),
        });
        let path = match test.backend {
            Backend::Intra => self.calls.transfer.clone(),
            Backend::Async | Backend::TwoPc => {
                body["target_registry"] = json!(test.dest_frame);
                self.calls.cross_transfer.replace("{backend}", test.backend.as_str())
            }
        };
        let request = self
            .client
            .post(join(&agent.registry, &path))
            .header(AUTHORIZATION, authorization(token))
            .header("idempotency-key", test.test_id.to_string())
            .json(&body);
        self.exchange(request).await
    }

    /// The balance of an agent; `None` if the answer is none.
    pub(crate) async fn balance(
        &self,
        agent: &Agent,
        token: &SecretString,
    ) -> Result<Option<Decimal>, NoReply> {
        let request = self
            .client
            .get(join(&agent.registry, &self.calls.balance))
            .header(AUTHORIZATION, authorization(token));
        Ok(read_balance(&self.exchange(request).await?))
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Reply, NoReply> {
        let Ended { value, stood_still } = within(self.call_timeout, send(request)).await;
        match value {
            Some(Ok(reply)) => Ok(reply),
            Some(Err(_)) | None if stood_still => Err(NoReply::StoodStill),
            Some(Err(no_reply)) => Err(no_reply),
            None => Err(NoReply::TimedOut),
        }
    }
}

/// The header that carries a token; `None` if it is none.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| !token.is_empty())?;
    value.set_sensitive(true);
    Some(value)
}

/// The header of a token that the sign-in has found good.
fn authorization(token: &SecretString) -> HeaderValue {
    bearer(token.expose_secret()).unwrap_or_else(|| HeaderValue::from_static("Bearer"))
}

fn read_balance(reply: &Reply) -> Option<Decimal> {
    let json = reply.json().filter(|_| reply.status == 200)?;
    Decimal::from_str_exact(json.pointer("/balance")?.as_str()?).ok()
}

fn join(base: &Url, path: &str) -> String {
    format!("{}{path}", base.as_str().trim_end_matches('/'))
}

async fn send(request: RequestBuilder) -> Result<Reply, NoReply> {
    let mut response = request.send().await.map_err(no_reply)?;
    let (status, retry_after) = (response.status().as_u16(), retry_after(&response));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_reply)? {
        body.extend_from_slice(&chunk[..chunk.len().min(MAX_BODY - body.len())]);
        if body.len() == MAX_BODY {
            break;
        }
    }
    Ok(Reply { status, retry_after, body })
}

/// `Retry-After` in seconds (contract §2). A date, which RFC 9110 allows too, is not what the platform sends.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn no_reply(error: reqwest::Error) -> NoReply {
    if error.is_timeout() {
        return NoReply::TimedOut;
    }
    // The address could carry a secret in its query; the chain of causes is what helps.
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    NoReply::Broken(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_test_hostile::{Corpus, Written, times};
    use proptest::prelude::*;

    fn balances() -> Corpus {
        Corpus::read(env!("CARGO_MANIFEST_DIR"), "balances")
    }

    fn check(body: &[u8]) -> Result<(), TestCaseError> {
        let balance = read_balance(&Reply { status: 200, retry_after: None, body: body.to_vec() });
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let given = json.get("balance").and_then(Value::as_str).unwrap_or_default();
        // Never a rounded one.
        if let Some(balance) = balance {
            let digits = |text: &str| text.trim_start_matches(['-', '+', '0']).replace(['.', '_'], "");
            prop_assert_eq!(digits(&balance.to_string()), digits(given));
        }
        Ok(())
    }

    #[test]
    fn a_balance_is_exact_or_none() {
        balances().entries().for_each(|entry| check(&entry.bytes).unwrap());
    }

    proptest! {
        #![proptest_config(times(4))]

        #[test]
        fn whatever_is_answered_a_balance_is_exact_or_none(
            body in prop_oneof![
                balances().bytes(),
                balances().json(&["\"0.00000001\"", "\"-1\""], Written::AsNobodyDoes).prop_map(String::into_bytes),
            ]
        ) {
            check(&body)?;
        }
    }
}
