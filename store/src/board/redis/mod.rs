//! The board on Redis or Valkey (design §4).
//!
//! What must not be cut in two is one Lua script, which the server runs with nothing in between. An answer can get
//! lost, the server can come back empty, and two instances can do the same at once: every call may be made again, and
//! none undoes what another wrote. Nothing is read, changed here and written back.

mod agents;
mod announce;
mod fields;
mod keys;
mod link;
mod reactors;
mod read;
mod scripts;
mod tests_in_flight;

use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId, Withheld,
};
use chrono::DateTime;
use redis::pipe;
use secrecy::SecretString;
use tracing::debug;

use self::keys::Keys;
use self::link::Link;
use self::scripts::Scripts;
use super::{AgentState, Announcements, Board, Due, Holder, REACTOR_SILENCE, ReactorState, Registration};
use crate::source::Source;
use crate::{Leadership, Result, StoreError};

/// Reactors that are read at once. A process that starts again and again leaves more behind: those that write are
/// always among the ones that wrote last.
const MOST_REACTORS: u32 = 1_000;

/// A board on Redis or Valkey. It connects when first used, and again by itself whenever the connection broke.
#[derive(Debug)]
pub struct RedisBoard {
    link: Link,
    keys: Keys,
    scripts: Scripts,
}

impl RedisBoard {
    /// Prepares a board behind this URL; `prefix` goes before every key and channel. Nothing is connected yet, so
    /// a service can start while Redis is away: the first call says whether it is there.
    ///
    /// # Errors
    /// When the URL is none of Redis. The error does not repeat it, as it may hold a password.
    pub fn connect(url: &SecretString, prefix: String) -> Result<Self> {
        let url = url.clone();
        Self::connect_from(move || Ok(url.clone()), prefix)
    }

    /// As [`RedisBoard::connect`], with a URL that is read again when the server refuses the login: its user and
    /// password may have been changed (design §6). Another host or port is not followed.
    ///
    /// # Errors
    /// When the URL can't be read, or is none of Redis.
    pub fn connect_from(
        url: impl Fn() -> std::result::Result<SecretString, String> + Send + Sync + 'static,
        prefix: String,
    ) -> Result<Self> {
        Ok(Self { link: Link::new(Source::new(url))?, keys: Keys::new(prefix), scripts: Scripts::new() })
    }

    fn unreadable(&self, step: &'static str, what: &str) -> StoreError {
        StoreError::Broken {
            store: self.link.name().to_owned(),
            step,
            cause: format!("cannot make sense of `{what}`"),
        }
    }
}

#[async_trait]
impl Board for RedisBoard {
    fn describe(&self) -> String {
        self.link.name().to_owned()
    }

    async fn time(&self) -> Result<Moment> {
        const STEP: &str = "read its clock";
        let ((seconds, micros),): ((i64, i64),) = self.link.pipeline(STEP, pipe().cmd("TIME")).await?;
        DateTime::from_timestamp_micros(seconds.saturating_mul(1_000_000).saturating_add(micros))
            .ok_or_else(|| self.unreadable(STEP, &seconds.to_string()))
    }

    async fn acquire(&self, role: Role, node: &NodeId, ttl: Duration) -> Result<Option<Term>> {
        let mut call = self.scripts.acquire.key(self.keys.lease(role));
        call.key(self.keys.term(role)).arg(node).arg(millis(ttl));
        self.link.script("acquire a lease", &call).await
    }

    async fn renew(&self, role: Role, holder: &Holder, ttl: Duration) -> Result<bool> {
        let mut call = self.scripts.renew.key(self.keys.lease(role));
        call.arg(lease(holder)).arg(millis(ttl));
        self.link.script("renew a lease", &call).await
    }

    async fn release(&self, role: Role, holder: &Holder) -> Result<()> {
        let mut call = self.scripts.release.key(self.keys.lease(role));
        call.arg(lease(holder));
        self.link.script::<bool>("hand back a lease", &call).await.map(drop)
    }

    async fn holder(&self, role: Role) -> Result<Option<Holder>> {
        const STEP: &str = "ask who holds a lease";
        let (text,): (Option<String>,) =
            self.link.pipeline(STEP, pipe().cmd("GET").arg(self.keys.lease(role))).await?;
        let Some(text) = text else { return Ok(None) };
        let holder =
            text.rsplit_once(':').and_then(|(node, term)| Some((node.to_owned(), term.parse().ok()?)));
        let (node, term) = holder.ok_or_else(|| self.unreadable(STEP, &text))?;
        Ok(Some(Holder { node, term }))
    }

    async fn register(&self, lead: &Leadership, test: &Test) -> Result<Registration> {
        self.put_test(lead, test).await
    }

    async fn register_free(&self, test: &Test) -> Result<bool> {
        self.put_free_test(test).await
    }

    async fn claimed(&self, path: &str, cycles: &[i64]) -> Result<Vec<i64>> {
        if cycles.is_empty() {
            return Ok(Vec::new());
        }
        let slots: Vec<String> = cycles.iter().map(|cycle| self.keys.slot(path, *cycle)).collect();
        let (claims,): (Vec<Option<String>>,) =
            self.link.pipeline("read claims", pipe().cmd("MGET").arg(slots)).await?;
        let claimed = cycles.iter().zip(claims).filter(|(_, claim)| claim.is_some());
        Ok(claimed.map(|(cycle, _)| *cycle).collect())
    }

    async fn note_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool> {
        self.put_fired(test_id, fired_at, error_us).await
    }

    async fn note_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool> {
        self.put_answer(test_id, answer).await
    }

    async fn note_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool> {
        self.put_withheld(test_id, withheld).await
    }

    async fn restore(&self, facts: &[Facts]) -> Result<()> {
        self.put_back(facts).await
    }

    async fn open_tests(&self) -> Result<Vec<Facts>> {
        const STEP: &str = "read the open tests";
        let range = pipe().cmd("ZRANGE").arg(self.keys.open()).arg(0).arg(-1).clone();
        let (open,): (Vec<String>,) = self.link.pipeline(STEP, &range).await?;
        Ok(self.facts(STEP, &open).await?.facts)
    }

    async fn announcements(&self) -> Result<Announcements> {
        Ok(announce::stream(self.link.listen("listen for announcements", &self.keys.fires()).await?))
    }

    async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        self.put_stamps(batch).await
    }

    async fn note_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool> {
        self.put_mismatch(test_id, mismatch).await
    }

    async fn save_reactor(&self, state: &ReactorState) -> Result<()> {
        let name = reactors::name(state);
        let mut call = self.scripts.save_reactor.key(self.keys.reactor(&name));
        call.key(self.keys.reactors()).key(self.keys.position(&state.frame, state.event_type));
        let position = state.position.map(|position| position.to_string()).unwrap_or_default();
        call.arg(name).arg(millis(REACTOR_SILENCE)).arg(position).arg(reactors::fields(state).flat());
        self.link.script("save a reactor", &call).await
    }

    async fn reactors(&self) -> Result<Vec<ReactorState>> {
        const STEP: &str = "read the reactors";
        let mut call = self.scripts.reactors.key(self.keys.reactors());
        call.arg(millis(REACTOR_SILENCE)).arg(MOST_REACTORS);
        let names: Vec<String> = self.link.script(STEP, &call).await?;
        let keys: Vec<String> = names.iter().map(|name| self.keys.reactor(name)).collect();
        let hashes = read::hashes(&self.link, STEP, &keys).await?;
        let states = hashes.iter().zip(names).filter_map(|(hash, name)| {
            let state = hash.as_ref().and_then(reactors::state);
            if state.is_none() {
                debug!(reactor = name, "skipped a reactor whose state can't be read");
            }
            state
        });
        Ok(states.collect())
    }

    async fn position(&self, frame: &str, event_type: EventType) -> Result<Option<i64>> {
        let get = pipe().cmd("GET").arg(self.keys.position(frame, event_type)).clone();
        let (position,): (Option<i64>,) = self.link.pipeline("read a position", &get).await?;
        Ok(position)
    }

    async fn save_agent(&self, state: &AgentState) -> Result<()> {
        self.put_agent(state).await
    }

    async fn agents(&self) -> Result<Vec<AgentState>> {
        self.read_agents().await
    }

    async fn due(&self, now: Moment, limit: usize) -> Result<Due> {
        const STEP: &str = "read what is due";
        let mut call = self.scripts.due.key(self.keys.open());
        call.key(self.keys.touched()).arg(score(now)).arg(limit);
        let due: Vec<String> = self.link.script(STEP, &call).await?;
        self.facts(STEP, &due).await
    }

    async fn reschedule(&self, looks: &[(TestId, Moment)]) -> Result<()> {
        if looks.is_empty() {
            return Ok(());
        }
        let mut commands = pipe();
        let add = commands.cmd("ZADD").arg(self.keys.open()).arg("XX");
        for (test_id, look) in looks {
            add.arg(score(*look)).arg(test_id.to_string());
        }
        self.link.pipeline::<()>("reschedule tests", add.ignore()).await
    }

    async fn close(&self, tests: &[TestId]) -> Result<()> {
        if tests.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = tests.iter().map(ToString::to_string).collect();
        let mut commands = pipe();
        commands.atomic();
        commands.cmd("ZREM").arg(self.keys.open()).arg(&ids).ignore();
        commands.cmd("SREM").arg(self.keys.touched()).arg(&ids).ignore();
        self.link.pipeline("close tests", &commands).await
    }

    async fn keep(&self, tests: &[TestId]) -> Result<()> {
        self.prolong(tests).await
    }

    async fn open_count(&self) -> Result<u64> {
        let (count,) =
            self.link.pipeline("count the open tests", pipe().cmd("ZCARD").arg(self.keys.open())).await?;
        Ok(count)
    }
}

/// A lease's value.
fn lease(holder: &Holder) -> String {
    format!("{}:{}", holder.node, holder.term)
}

/// Milliseconds as commands take them: never 0, which they refuse.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// A moment as a score: milliseconds, and the microseconds behind the point, so that no moment is rounded.
fn score(moment: Moment) -> String {
    let micros = moment.timestamp_micros();
    format!("{}.{:03}", micros.div_euclid(1_000), micros.rem_euclid(1_000))
}
