//! Signing in, ahead of need (contract §1).

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canary_domain::{Clock, Moment};
use chrono::DateTime;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::Agent;
use crate::answer::kept_of;
use crate::platform::{NoReply, Platform, Reply, bearer};

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The platform did not accept the credentials, or they could not be read: the canary's own fault.
    #[error("agent `{agent}` can't sign in: {detail}")]
    Credentials {
        /// The agent's name.
        agent: String,
        /// The HTTP status, if it came to a call.
        code: Option<u16>,
        /// What was said.
        detail: String,
    },
    /// The platform could not be asked, or gave no token.
    #[error("agent `{agent}` can't sign in: the registry {detail}")]
    Unavailable {
        /// The agent's name.
        agent: String,
        /// The HTTP status, if there was an answer.
        code: Option<u16>,
        /// What happened.
        detail: String,
    },
}

#[derive(Debug)]
struct Token {
    secret: SecretString,
    /// `None`: it does not say, so it is good until it is refused.
    expires: Option<Moment>,
}

#[derive(Debug, Default)]
struct Place {
    token: Option<Token>,
    /// The last sign-in that failed, and when it had.
    failed: Option<(Instant, SignInError)>,
}

/// The tokens of all agents. Each has its own lock, held while it signs in, so that paths that share an agent share
/// its sign-in.
#[derive(Clone)]
pub struct Agents {
    platform: Platform,
    clock: Arc<dyn Clock>,
    places: Arc<HashMap<String, Mutex<Place>>>,
}

impl Agents {
    /// Knows these agents, none of them signed in.
    #[must_use]
    pub fn new<'a>(
        platform: Platform,
        clock: Arc<dyn Clock>,
        agents: impl IntoIterator<Item = &'a Agent>,
    ) -> Self {
        let places = agents.into_iter().map(|agent| (agent.name.clone(), Mutex::default())).collect();
        Self { platform, clock, places: Arc::new(places) }
    }

    /// A token that is good for a while, asked for if need be.
    ///
    /// # Errors
    /// When the agent can't sign in.
    pub async fn token(&self, agent: &Agent) -> Result<SecretString, SignInError> {
        let asked = Instant::now();
        let mut place = self.place(agent)?.lock().await;
        if let Some(token) = place.token.as_ref().filter(|token| self.good(token)) {
            return Ok(token.secret.clone());
        }
        // Who waited while somebody else signed in gets what came of it: a sign-in that hangs is not tried again
        // by every path of the agent in turn.
        if let Some((_, error)) = place.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        match self.sign_in(agent).await {
            Ok(token) => {
                let secret = token.secret.clone();
                *place = Place { token: Some(token), failed: None };
                Ok(secret)
            }
            Err(error) => {
                place.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// The platform refused this token: the next one is asked for anew. A newer one is kept.
    pub async fn refused(&self, agent: &Agent, refused: &SecretString) {
        let Ok(place) = self.place(agent) else { return };
        let mut place = place.lock().await;
        if place.token.as_ref().is_some_and(|token| token.secret.expose_secret() == refused.expose_secret()) {
            place.token = None;
        }
    }

    fn place(&self, agent: &Agent) -> Result<&Mutex<Place>, SignInError> {
        self.places.get(&agent.name).ok_or_else(|| SignInError::Credentials {
            agent: agent.name.clone(),
            code: None,
            detail: "it is not configured".into(),
        })
    }

    /// No call may begin with a token that could expire before it ends.
    fn good(&self, token: &Token) -> bool {
        token.expires.is_none_or(|expires| self.clock.now() + self.platform.call_timeout() * 2 < expires)
    }

    async fn sign_in(&self, agent: &Agent) -> Result<Token, SignInError> {
        let name = agent.name.clone();
        let secret = agent.client_secret.read().map_err(|detail| SignInError::Credentials {
            agent: name.clone(),
            code: None,
            detail,
        })?;
        let unavailable = |code, detail| SignInError::Unavailable { agent: name.clone(), code, detail };
        // Who stood still over it asks again: signing in changes nothing.
        let answer = loop {
            match self.platform.token(agent, &secret).await {
                Err(NoReply::StoodStill) => {}
                answer => break answer,
            }
        };
        match answer {
            Ok(reply) if matches!(reply.status, 401 | 403) => Err(SignInError::Credentials {
                agent: name,
                code: Some(reply.status),
                detail: format!("the registry answered {} to client id `{}`", reply.status, agent.client_id),
            }),
            Ok(reply) => {
                read(&reply).ok_or_else(|| unavailable(Some(reply.status), without_token(&reply, &secret)))
            }
            Err(NoReply::TimedOut | NoReply::StoodStill) => {
                Err(unavailable(None, "did not answer in time".into()))
            }
            Err(NoReply::Broken(cause)) => Err(unavailable(None, format!("could not be reached: {cause}"))),
        }
    }
}

/// What an answer without a token said. One of 2xx may hold the token where it isn't looked for.
fn without_token(reply: &Reply, secret: &SecretString) -> String {
    let said = match reply.status {
        200..=299 => String::new(),
        _ => kept_of(reply, &[secret.expose_secret()]),
    };
    let colon = if said.is_empty() { "" } else { ": " };
    format!("answered {} without a token{colon}{said}", reply.status)
}

fn read(reply: &Reply) -> Option<Token> {
    let json = reply.json().filter(|_| reply.status == 200)?;
    // What can't stand in a header is no token: a call without one would only be refused, and the sign-in not blamed.
    let text = json.get("access_token")?.as_str().filter(|token| bearer(token).is_some())?;
    Some(Token { expires: expiry(text), secret: text.to_owned().into() })
}

/// The `exp` of a JWT (RFC 7519 §4.1.4). Its signature is the platform's business.
fn expiry(token: &str) -> Option<Moment> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let seconds = serde_json::from_slice::<Value>(&payload).ok()?.get("exp")?.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a moment beyond 2^63 seconds is no moment and gives None"
    )]
    DateTime::from_timestamp(seconds as i64, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_test_hostile::{Corpus, times};
    use proptest::prelude::*;

    fn tokens() -> Corpus {
        Corpus::read(env!("CARGO_MANIFEST_DIR"), "tokens")
    }

    fn check(body: &[u8]) -> Result<(), TestCaseError> {
        let token = read(&Reply { status: 200, retry_after: None, body: body.to_vec() });
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let given = json.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let fit =
            !given.is_empty() && given.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 127));
        prop_assert_eq!(
            token.map(|token| token.secret.expose_secret().to_owned()),
            fit.then(|| given.to_owned())
        );
        Ok(())
    }

    #[test]
    fn the_corpus_holds_tokens_and_what_is_none() {
        tokens().entries().for_each(|entry| check(&entry.bytes).unwrap());
        let corpus = tokens();
        let good = corpus.entries().filter(|entry| {
            read(&Reply { status: 200, retry_after: None, body: entry.bytes.clone() }).is_some()
        });
        assert_eq!(good.map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["jwt.json", "opaque.json"]);
    }

    proptest! {
        #![proptest_config(times(4))]

        #[test]
        fn whatever_a_sign_in_is_answered_a_token_is_what_can_be_sent(body in tokens().bytes()) {
            check(&body)?;
        }

        #[test]
        fn whatever_a_token_says_its_expiry_is_a_moment_or_none(token in tokens().texts(), exp in "[-+0-9.e\"]{1,30}") {
            expiry(&token);
            let payload = URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}}}"));
            expiry(&format!("h.{payload}.s"));
        }
    }

    #[test]
    fn the_expiry_is_read_from_a_jwt_and_other_tokens_have_none() {
        let payload = URL_SAFE_NO_PAD.encode(br#"{"sub":"did:x","exp":1800000000}"#);
        assert_eq!(expiry(&format!("h.{payload}.s")), DateTime::from_timestamp(1_800_000_000, 0));
        for token in ["opaque", "a.b.c", "h.e30.s"] {
            assert_eq!(expiry(token), None, "{token}");
        }
    }
}
