//! Sessions of the page: what a sign-in with a token becomes, so that the browser need not keep the token.
//!
//! A session is kept nowhere: its cookie says whose it is and until when, under a keyed hash. The key comes from
//! the slot key, which all instances share, so it is good on each of them. The hash covers the token's line
//! as it stands in the token file, and the role is that of the file now: a line that is removed or changed ends its
//! sessions at once. Signing out takes the cookie from the browser; a copy of it stays good until it expires.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canary_domain::{Moment, SlotKey};
use chrono::{DateTime, TimeDelta};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::COOKIE;
use sha2::Sha256;

use crate::access::Pass;
use crate::tokens::{Token, Tokens};

/// How long a session is good.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);
/// What the sessions' key is derived with; another use of the slot key has another label.
const LABEL: &[u8] = b"canary console session v1";
const TIME_BYTES: usize = 8;
const MAC_BYTES: usize = 32;

/// Makes and checks sessions.
pub(crate) struct Sessions {
    key: Arc<dyn Fn() -> Option<SlotKey> + Send + Sync>,
    clock: Arc<dyn Fn() -> Moment + Send + Sync>,
}

/// The key is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoKey;

/// The two names of the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Where there is TLS: no other host and no page without TLS can set one of this name.
    Host,
    /// Where there is none.
    Plain,
}

impl Sessions {
    pub(crate) fn new(
        key: Arc<dyn Fn() -> Option<SlotKey> + Send + Sync>,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Self {
        Self { key, clock }
    }

    /// A session of this token: the cookie's value.
    pub(crate) fn begin(&self, token: &Token) -> Result<String, NoKey> {
        let until = ((self.clock)() + GOOD_FOR).timestamp().to_be_bytes();
        let mac = self.mac(until, token)?.finalize().into_bytes();
        Ok(URL_SAFE_NO_PAD.encode([&until[..], &mac[..], token.name.as_bytes()].concat()))
    }

    /// What a cookie's value lets in, if it is a good session.
    pub(crate) async fn check(&self, value: &str, tokens: &Tokens) -> Result<Option<Pass>, NoKey> {
        let Some((until, mac, name)) = parts(value) else { return Ok(None) };
        let Some(token) = tokens.named(&name).await else { return Ok(None) };
        // Compares in constant time.
        let genuine = self.mac(until, &token)?.verify_slice(&mac).is_ok();
        let until = DateTime::from_timestamp(i64::from_be_bytes(until), 0);
        let good = until.filter(|until| genuine && self.is_before(*until));
        Ok(good.map(|until| Pass::Session(token, until)))
    }

    /// Whether a session that is good until then is so now.
    pub(crate) fn is_before(&self, until: Moment) -> bool {
        (self.clock)() < until
    }

    /// The first two parts have fixed lengths: no two sessions hash the same bytes.
    fn mac(&self, until: [u8; TIME_BYTES], token: &Token) -> Result<Hmac<Sha256>, NoKey> {
        let slot_key = (self.key)().ok_or(NoKey)?;
        let key = keyed(slot_key.expose()).chain_update(LABEL).finalize().into_bytes();
        Ok(keyed(&key).chain_update(until).chain_update(token.digest).chain_update(&token.name))
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

fn parts(value: &str) -> Option<([u8; TIME_BYTES], [u8; MAC_BYTES], String)> {
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    let (until, rest) = bytes.split_first_chunk()?;
    let (mac, name) = rest.split_first_chunk()?;
    Some((*until, *mac, String::from_utf8(name.to_vec()).ok()?))
}

impl Cookie {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "__Host-canary",
            Self::Plain => "canary-session",
        }
    }

    /// The header that sets it.
    pub(crate) fn set(self, value: &str) -> String {
        self.header(value, GOOD_FOR.num_seconds())
    }

    /// The header that takes it away.
    pub(crate) fn clear(self) -> String {
        self.header("", 0)
    }

    fn header(self, value: &str, seconds: i64) -> String {
        let name = self.name();
        let secure = match self {
            Self::Host => "; Secure",
            Self::Plain => "",
        };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }
}

/// The session that a request presents; the one that only TLS can have set goes first.
pub(crate) fn presented(headers: &HeaderMap) -> Option<&str> {
    [Cookie::Host, Cookie::Plain].into_iter().find_map(|cookie| {
        let given = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            given.flat_map(|pairs| pairs.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == cookie.name()).map(|(_, value)| value)
    })
}
