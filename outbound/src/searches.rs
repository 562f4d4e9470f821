//! Searches the platform's logs for tests that failed, and keeps the answer with them (docs/evidence.md).
//!
//! It may fail without consequence: what it came to is evidence either way, and each test is asked about once. What waits
//! is in the ledger; what has waited for too long has left the logs and is left alone.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, Moment, backoff, iso, scrub};
use canary_store::{Leadership, LogSearch, NotLeading, Outbox, Seat, StoreError, Unsearched};
use canary_telemetry::{SearchMetrics, Searched};
use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Client;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::following::{next, while_leading};
use crate::outage::Outage;
use crate::secret::Secret;
use crate::{ClientError, SeatLost, wire};

/// How often failures are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Searches at once.
const AT_ONCE: usize = 4;
/// How old a failure may get before it is not asked about any more.
const OLDEST: TimeDelta = TimeDelta::hours(1);
/// How much of an answer is kept.
const KEPT: usize = 16 << 10;
/// How far the span that is searched reaches beyond registration and verdict.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

/// How logs are searched.
#[derive(Clone, Debug)]
pub struct SearchSettings {
    /// The address, with `{transfer_id}`, `{test_id}`, `{from}` and `{to}` in it.
    pub url: Secret,
    /// The header that bears what the log server is signed in to with.
    pub auth_header: HeaderName,
    /// Its value, whole.
    pub auth: Option<Secret>,
    /// How long after the verdict: lines take a while to get there.
    pub after: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Why an address is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not an address of a web server.
    #[error("is no http or https address")]
    Address,
    /// Says nothing of the test.
    #[error("names neither {{transfer_id}} nor {{test_id}}, so every search would be the same")]
    Constant,
    /// Names something else.
    #[error("knows {{transfer_id}}, {{test_id}}, {{from}} and {{to}}, and no `{{{0}}}`")]
    Unknown(String),
}

impl SearchSettings {
    /// Checks an address with placeholders.
    ///
    /// # Errors
    /// When it can't be used.
    pub fn check_template(text: &str) -> Result<(), TemplateError> {
        let names = text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
        for name in names {
            // Braces that are no placeholder are the query language's.
            let word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if word && !["transfer_id", "test_id", "from", "to"].contains(&name) {
                return Err(TemplateError::Unknown(name.to_owned()));
            }
        }
        if !text.contains("{transfer_id}") && !text.contains("{test_id}") {
            return Err(TemplateError::Constant);
        }
        address(text, &example()).map(drop).ok_or(TemplateError::Address)
    }
}

fn example() -> Unsearched {
    let (test_id, at) = (canary_domain::TestId::random(), Moment::UNIX_EPOCH);
    Unsearched { test_id, transfer_id: None, registered_at: at, observed_at: at }
}

/// What searching works with.
pub struct SearchParts {
    /// What is to be searched for.
    pub outbox: Arc<dyn Outbox>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<SearchMetrics>,
}

/// Searches logs for what failed.
pub struct LogSearches {
    settings: SearchSettings,
    parts: SearchParts,
    client: Client,
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

impl LogSearches {
    /// Has searched for nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(settings: SearchSettings, parts: SearchParts) -> Result<Self, ClientError> {
        Ok(Self { settings, parts, client: wire::client()? })
    }

    /// Searches whenever this instance leads, until told to stop.
    ///
    /// # Errors
    /// When the seat's other end is gone before the stop.
    pub async fn run(self, mut seat: Seat, stop: CancellationToken) -> Result<(), SeatLost> {
        while let Some(lead) = next(&mut seat, &stop).await? {
            while_leading(&lead, &stop, self.lead(&lead)).await;
        }
        Ok(())
    }

    async fn lead(&self, lead: &Leadership) {
        let (mut delays, mut outage) = (backoff(), Outage::new("searching logs"));
        loop {
            match self.round(lead).await {
                Ok(searched) => {
                    outage.worked();
                    delays = backoff();
                    if searched == 0 {
                        sleep(LOOK_EVERY).await;
                    }
                }
                Err(RoundError::NotLeading(_)) => return,
                Err(RoundError::Ledger(cause)) => {
                    outage.failed(&cause);
                    sleep(delays.next().unwrap_or(LOOK_EVERY)).await;
                }
            }
        }
    }

    /// Searches for some, a few at once; answers how many that were.
    async fn round(&self, lead: &Leadership) -> Result<usize, RoundError> {
        let now = self.parts.clock.now();
        let limit = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
        let wanted = self.parts.outbox.unsearched(now - OLDEST, now - self.settings.after, limit).await?;
        lead.check()?;
        let searches: Vec<_> = wanted.iter().map(|wanted| self.search_and_keep(wanted)).collect();
        join_all(searches).await.into_iter().collect::<Result<(), _>>()?;
        Ok(wanted.len())
    }

    async fn search_and_keep(&self, wanted: &Unsearched) -> Result<(), StoreError> {
        let search = self.search(wanted).await;
        let answered = search.status.is_some_and(|status| (200..300).contains(&status));
        self.parts.metrics.searched(if answered { Searched::Answered } else { Searched::Failed });
        if let Some(error) = &search.error {
            warn!(test_id = %wanted.test_id, error, "the platform's logs could not be searched");
        }
        if !self.parts.outbox.keep_search(wanted.test_id, &search).await? {
            debug!(test_id = %wanted.test_id, "somebody else has searched");
        }
        Ok(())
    }

    /// Asks the log server once.
    async fn search(&self, wanted: &Unsearched) -> LogSearch {
        let asked = self.ask(wanted).await;
        let at = self.parts.clock.now();
        match asked {
            Ok(answer) => LogSearch { at, ..answer },
            Err(error) => LogSearch { at, status: None, body: None, truncated: false, error: Some(error) },
        }
    }

    async fn ask(&self, wanted: &Unsearched) -> Result<LogSearch, String> {
        let template = self.settings.url.read()?;
        let auth = self.settings.auth.as_ref().map(Secret::read).transpose()?;
        let url = address(template.expose_secret(), wanted);
        let url = url.ok_or("its address is no http or https address")?;
        let mut request = self.client.get(url.clone()).timeout(self.settings.timeout);
        if let Some(auth) = &auth {
            request = request.header(&self.settings.auth_header, sensitive(auth)?);
        }
        let response = request.send().await.map_err(wire::cause)?;
        let status = response.status().as_u16();
        // Read somewhat farther than is kept: a secret at the cut has to be seen whole.
        let (body, more) = wire::begin_of(response, 2 * KEPT).await?;
        let secrets: Vec<&str> =
            auth.iter().map(secrecy::ExposeSecret::expose_secret).flat_map(secrets_in).collect();
        let secrets: Vec<&str> = secrets.into_iter().chain(url.password()).collect();
        let mut body = scrub(&String::from_utf8_lossy(&body), &secrets);
        let truncated = more || body.len() > KEPT;
        body.truncate(body.floor_char_boundary(KEPT));
        let at = Moment::UNIX_EPOCH;
        Ok(LogSearch { at, status: Some(status), body: Some(body), truncated, error: None })
    }
}

/// A header's value as it stands, and what follows the scheme in it.
fn secrets_in(value: &str) -> impl Iterator<Item = &str> {
    [Some(value), value.split_once(' ').map(|(_, token)| token.trim())].into_iter().flatten()
}

fn sensitive(value: &SecretString) -> Result<HeaderValue, String> {
    let mut header = HeaderValue::from_str(value.expose_secret())
        .map_err(|_| "what it is signed in to with can't be a header's value".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}

/// The address that asks about this test. Where no transfer id is known the test's own id stands for it: memo and
/// idempotency key bear it.
fn address(template: &str, wanted: &Unsearched) -> Option<Url> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let test_id = wanted.test_id.to_string();
    let text = template
        .trim()
        .replace("{transfer_id}", &encoded(wanted.transfer_id.as_deref().unwrap_or(&test_id)))
        .replace("{test_id}", &test_id)
        .replace("{from}", &encoded(&iso(wanted.registered_at - MARGIN)))
        .replace("{to}", &encoded(&iso(wanted.observed_at + MARGIN)));
    Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::parse_iso;

    fn wanted(transfer_id: Option<&str>) -> Unsearched {
        Unsearched {
            test_id: "6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab".parse().unwrap(),
            transfer_id: transfer_id.map(str::to_owned),
            registered_at: parse_iso("2026-11-21T01:22:33Z").unwrap(),
            observed_at: parse_iso("2026-11-21T01:23:09.5Z").unwrap(),
        }
    }

    #[test]
    fn an_address_bears_what_is_asked_and_nothing_that_a_transfer_id_may_smuggle_in() {
        let template = r#"https://logs.example/q?query={app="teg"} |= "{transfer_id}"&start={from}&end={to}&t={test_id}"#;
        let url = address(template, &wanted(Some("tx/1&limit=9#x"))).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs,
            [
                pair("query", r#"{app="teg"} |= "tx/1&limit=9#x""#),
                pair("start", "2026-11-21T01:21:33.000000Z"),
                pair("end", "2026-11-21T01:24:09.500000Z"),
                pair("t", "6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab"),
            ]
        );
        let unknown = address("http://logs/{transfer_id}", &wanted(None)).unwrap();
        assert_eq!(unknown.path(), "/6f1e0d8a-1b2c-8d3e-9f4a-0123456789ab");
    }

    #[test]
    fn a_template_that_can_t_work_is_refused() {
        let check = SearchSettings::check_template;
        assert_eq!(check(r#"http://logs/q?query={app="teg"}{transfer_id}"#), Ok(()));
        assert_eq!(check("http://logs/q?id={test_id}&from={from}"), Ok(()));
        assert_eq!(check("http://logs/q?from={from}"), Err(TemplateError::Constant));
        assert_eq!(check("http://logs/{transferid}"), Err(TemplateError::Unknown("transferid".into())));
        for text in ["ftp://logs/{test_id}", "logs/{test_id}", "http://{test_id}:x/"] {
            assert_eq!(check(text), Err(TemplateError::Address), "{text}");
        }
    }
}
