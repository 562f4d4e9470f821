//! Who may call a frame: clients sign in for a token that looks like a JWT and is looked up like a session.
//!
//! A token's validity is decided against the table of issued tokens, not its signature, so it can be disowned
//! before it expires, under the feet of a caller who has just looked at its `exp`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{answers::Refusal, config::Config};

/// Issued tokens are swept of expired ones when there are this many.
const SWEPT_AT: usize = 1_024;

/// The form of the token call; OAuth2's other fields are accepted and not looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct SignIn {
    pub username: Option<String>,
    pub password: Option<String>,
}

/// A frame's clients and the tokens they were given; shared by all of its calls.
#[derive(Debug)]
pub(crate) struct Auth {
    frame: String,
    ttl: TimeDelta,
    clients: HashMap<String, Client>,
    service_token: String,
    issued: Mutex<HashMap<String, Grant>>,
}

#[derive(Debug)]
struct Client {
    secret: String,
    did: String,
}

#[derive(Debug)]
struct Grant {
    did: String,
    expires_at: DateTime<Utc>,
}

impl Auth {
    pub fn new(frame: &str, config: &Config) -> Self {
        let home = config.agents.iter().filter(|agent| agent.frame == frame);
        let client = |secret: &str, did: &str| Client { secret: secret.to_owned(), did: did.to_owned() };
        Self {
            frame: frame.to_owned(),
            ttl: TimeDelta::from_std(config.token_ttl).unwrap_or(TimeDelta::MAX),
            clients: home
                .map(|agent| (agent.client_id.clone(), client(&agent.client_secret, &agent.did)))
                .collect(),
            service_token: format!("event-store-{frame}-{}", Uuid::new_v4().simple()),
            issued: Mutex::default(),
        }
    }

    /// The bearer that the EventStore always takes.
    pub fn service_token(&self) -> &str {
        &self.service_token
    }

    /// Signs a client in and answers the token call's body.
    pub fn sign_in(&self, form: SignIn, now: DateTime<Utc>) -> Result<Value, Refusal> {
        let field = |name: &'static str, value: Option<String>| {
            value.ok_or_else(|| Refusal::invalid(["body", name], "missing", "Field required"))
        };
        let (username, password) = (field("username", form.username)?, field("password", form.password)?);
        let client = self.clients.get(&username).filter(|client| client.secret == password);
        let client = client.ok_or_else(|| Refusal::unauthorized("Incorrect username or password"))?;
        let expires_at = now.checked_add_signed(self.ttl).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let token = self.token(&client.did, now, expires_at);
        let mut issued = self.issued();
        if issued.len() >= SWEPT_AT {
            issued.retain(|_, grant| grant.expires_at > now);
        }
        issued.insert(token.clone(), Grant { did: client.did.clone(), expires_at });
        Ok(json!({ "access_token": token, "token_type": "bearer" }))
    }

    /// The DID of whoever bears a good token.
    pub fn agent(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<String, Refusal> {
        let token = bearer(headers).ok_or_else(|| Refusal::unauthorized("Not authenticated"))?;
        match self.issued().get(token) {
            Some(grant) if grant.expires_at > now => Ok(grant.did.clone()),
            Some(_) | None => Err(Refusal::unauthorized("Could not validate credentials")),
        }
    }

    /// Lets in the service token and agents.
    pub fn reader(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<(), Refusal> {
        match bearer(headers) {
            Some(token) if token == self.service_token => Ok(()),
            Some(_) | None => self.agent(headers, now).map(drop),
        }
    }

    /// Disowns the token that a call bears.
    pub fn disown(&self, headers: &HeaderMap) {
        if let Some(token) = bearer(headers) {
            self.issued().remove(token);
        }
    }

    fn token(&self, did: &str, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(&json!({ "alg": "HS256", "typ": "JWT" }));
        let claims = part(&json!({
            "iss": self.frame,
            "sub": did,
            "iat": now.timestamp(),
            "exp": expires_at.timestamp(),
            "jti": Uuid::new_v4(),
        }));
        let signature = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        format!("{head}.{claims}.{signature}")
    }

    fn issued(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;

    use super::*;

    fn auth() -> Auth {
        Auth::new("a", &Config { token_ttl: Duration::from_secs(60), ..Config::default() })
    }

    fn form(username: &str, password: &str) -> SignIn {
        SignIn { username: Some(username.to_owned()), password: Some(password.to_owned()) }
    }

    fn bearing(token: &str) -> HeaderMap {
        let value = format!("Bearer {token}").parse().unwrap();
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    #[test]
    fn a_token_names_its_agent_until_it_expires_or_is_disowned() {
        let (auth, start) = (auth(), DateTime::UNIX_EPOCH);
        let answer = auth.sign_in(form("client-alpha", "secret-alpha"), start).unwrap();
        let token = answer["access_token"].as_str().unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!((&claims["sub"], &claims["exp"]), (&json!("did:avt:agent-alpha"), &json!(60)));
        let headers = bearing(token);
        let almost = start + TimeDelta::milliseconds(59_999);
        assert_eq!(auth.agent(&headers, almost).unwrap(), "did:avt:agent-alpha");
        assert!(auth.agent(&headers, start + TimeDelta::seconds(60)).is_err());
        auth.disown(&headers);
        assert!(auth.agent(&headers, start).is_err());
    }

    #[test]
    fn wrong_secrets_other_frames_agents_and_missing_fields_are_refused() {
        let (auth, now) = (auth(), DateTime::UNIX_EPOCH);
        for (username, password) in
            [("client-alpha", "wrong"), ("client-charlie", "secret-charlie"), ("", "")]
        {
            let refused = auth.sign_in(form(username, password), now).unwrap_err();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        }
        let refused = auth.sign_in(SignIn { username: None, password: None }, now).unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn the_service_token_reads_events_and_is_no_agent() {
        let auth = auth();
        let headers = bearing(auth.service_token());
        assert!(auth.reader(&headers, DateTime::UNIX_EPOCH).is_ok());
        assert!(auth.agent(&headers, DateTime::UNIX_EPOCH).is_err());
        assert!(auth.reader(&HeaderMap::new(), DateTime::UNIX_EPOCH).is_err());
    }
}
