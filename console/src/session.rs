//! Sessions of the page: what a sign-in with a token becomes, so that the browser need not keep the token.
//!
//! A session is kept nowhere: its cookie says whose it is and until when, under a keyed hash. The key comes from
//! the slot key, which all instances share, so it is good on each of them. The hash covers the token's line
//! as it stands in the token file, and the role is that of the file now: a line that is removed or changed ends its
//! sessions at once. Signing out takes the cookie from the browser; a copy of it stays good until it expires.
//!
//! Browsers send a host's cookies to all its ports. So the cookie's name tells the deployment, and the key covers its name,
//! lest two consoles on one host take each other's; and all cookies of the name are tried, since another may be there too.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canary_domain::{Moment, SlotKey};
use chrono::{DateTime, TimeDelta};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::header::COOKIE;
use sha2::{Digest, Sha256};

use crate::access::Pass;
use crate::tokens::{Token, Tokens};

/// How long a session is good.
const GOOD_FOR: TimeDelta = TimeDelta::hours(12);
/// What the sessions' key is derived with; another use of the slot key has another label.
const LABEL: &[u8] = b"canary console session v2 of ";
const TIME_BYTES: usize = 8;
const MAC_BYTES: usize = 32;

/// Makes and checks sessions.
pub(crate) struct Sessions {
    key: Arc<dyn Fn() -> Option<SlotKey> + Send + Sync>,
    clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    canary: String,
}

/// The key is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoKey;

/// The two cookies that a session may be kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Where there is TLS: no other host and no page without TLS can set one of this name.
    Host,
    /// Where there is none.
    Plain,
}

/// The cookies of one deployment.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    host: String,
    plain: String,
}

impl Sessions {
    pub(crate) fn new(
        key: Arc<dyn Fn() -> Option<SlotKey> + Send + Sync>,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
        canary: &str,
    ) -> Self {
        Self { key, clock, canary: canary.to_owned() }
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

    /// The parts before the last have fixed lengths, in either hash: no two sessions hash the same bytes.
    fn mac(&self, until: [u8; TIME_BYTES], token: &Token) -> Result<Hmac<Sha256>, NoKey> {
        let slot_key = (self.key)().ok_or(NoKey)?;
        let key =
            keyed(slot_key.expose()).chain_update(LABEL).chain_update(&self.canary).finalize().into_bytes();
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

impl Cookies {
    pub(crate) fn of(canary: &str) -> Self {
        let hash = Sha256::digest(canary);
        let hash: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { host: format!("__Host-canary-{hash}"), plain: format!("canary-session-{hash}") }
    }

    /// The name of one.
    pub(crate) fn name(&self, cookie: Cookie) -> &str {
        match cookie {
            Cookie::Host => &self.host,
            Cookie::Plain => &self.plain,
        }
    }

    /// The header that sets it.
    pub(crate) fn set(&self, cookie: Cookie, value: &str) -> String {
        self.header(cookie, value, GOOD_FOR.num_seconds())
    }

    /// The header that takes it away.
    pub(crate) fn clear(&self, cookie: Cookie) -> String {
        self.header(cookie, "", 0)
    }

    fn header(&self, cookie: Cookie, value: &str, seconds: i64) -> String {
        let name = self.name(cookie);
        let secure = match cookie {
            Cookie::Host => "; Secure",
            Cookie::Plain => "",
        };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The sessions that a request presents; those that only TLS can have set go first.
    pub(crate) fn presented<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> + Send {
        [Cookie::Host, Cookie::Plain].into_iter().flat_map(move |cookie| {
            let wanted = self.name(cookie);
            let given = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
            let pairs =
                given.flat_map(|pairs| pairs.split(';')).filter_map(|pair| pair.trim().split_once('='));
            pairs.filter(move |(name, _)| *name == wanted).map(|(_, value)| value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn deployments_that_share_a_host_a_key_and_their_tokens_leave_each_others_sessions_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        std::fs::write(&file, format!("ann:viewer:{}\n", "0".repeat(64))).unwrap();
        let tokens = Tokens::open(file).await.unwrap();
        let of = |canary| {
            let key = || Some(SlotKey::new(vec![7; 32]).unwrap());
            Sessions::new(Arc::new(key), Arc::new(|| Moment::UNIX_EPOCH), canary)
        };
        let session = of("prod").begin(&tokens.named("ann").await.unwrap()).unwrap();
        assert!(of("prod").check(&session, &tokens).await.unwrap().is_some());
        assert_eq!(of("test").check(&session, &tokens).await.unwrap(), None);

        let (prod, test) = (Cookies::of("prod"), Cookies::of("test"));
        for cookie in [Cookie::Host, Cookie::Plain] {
            assert_ne!(prod.name(cookie), test.name(cookie));
        }
        assert_eq!(prod.name(Cookie::Host), "__Host-canary-6754af96");
        let given = [&test, &prod].map(|cookies| cookies.name(Cookie::Plain).to_owned() + "=a");
        let given = format!("{}; {}b; {}=c", given.join("; "), given[1], prod.name(Cookie::Host));
        let headers = HeaderMap::from_iter([(COOKIE, given.parse().unwrap())]);
        assert_eq!(prod.presented(&headers).collect::<Vec<_>>(), ["c", "a", "ab"]);
    }
}
