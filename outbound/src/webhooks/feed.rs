//! Reads the change feed, and writes what follows from it: which path changed its state, and the messages that say so.
//!
//! Messages and the place in the feed are written in one transaction that begins where this reader stood, so that of two
//! leaders (one deposed, one new) only one tells. Whatever goes wrong, all that is remembered is thrown away and read
//! again from the ledger: up to the place in the feed and no further, so that what lies beyond is seen as it happened.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use canary_domain::{Moment, Origin, backoff};
use canary_store::{Brief, Leadership, NotLeading, Notice, Step, StoreError, Told, ToldState};
use canary_telemetry::Delivered;
use chrono::TimeDelta;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

use super::message::{Changed, changed, link};
use super::recent::{KEPT, Recent};
use super::{Webhooks, post};
use crate::outage::Outage;

/// How often the feed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Changes read at once.
const PAGE: i64 = 500;
/// Messages that may wait for one receiver.
const QUEUE: i64 = 1_000;
/// What was judged longer ago is not told change by change, but by what came of it.
const HISTORY: TimeDelta = TimeDelta::hours(24);
/// How long messages are kept, also those that nobody waits for any more.
const RETENTION: TimeDelta = TimeDelta::days(30);
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
const PRUNE_LIMIT: i64 = 5_000;

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Ledger(#[from] StoreError),
    #[error("another instance has told what was to be told")]
    Overtaken,
}

/// What is remembered of one leadership's reading.
struct Reading {
    at: i64,
    told: HashMap<String, ToldState>,
    recent: HashMap<String, Recent>,
}

impl Webhooks {
    /// Reads and tells until the leadership ends.
    pub(super) async fn follow(&self, lead: &Leadership) {
        let (mut delays, mut outage, mut reading) = (backoff(), Outage::new("telling of changes"), None);
        let mut prune = Instant::now();
        loop {
            match self.round(&mut reading, lead).await {
                Ok(more) => {
                    outage.worked();
                    delays = backoff();
                    if !more {
                        self.prune(&mut prune).await;
                        sleep(LOOK_EVERY).await;
                    }
                    continue;
                }
                Err(RoundError::NotLeading(_)) => return,
                Err(RoundError::Ledger(cause)) => outage.failed(&cause),
                Err(error @ RoundError::Overtaken) => debug!(%error, "reading again"),
            }
            reading = None;
            sleep(delays.next().unwrap_or(LOOK_EVERY)).await;
        }
    }

    /// Reads a page; answers whether there may be more.
    async fn round(&self, reading: &mut Option<Reading>, lead: &Leadership) -> Result<bool, RoundError> {
        let reading = match reading {
            Some(reading) => reading,
            None => reading.insert(self.begin(lead).await?),
        };
        let page = self.parts.ledger.changes(reading.at, PAGE).await?;
        let Some(to) = page.last().and_then(|brief| brief.change) else { return Ok(false) };
        let now = self.parts.clock.now();
        let mut step = Step { from: Some(reading.at), to, at: now, told: Vec::new(), notices: Vec::new() };
        for brief in page.iter().filter(|brief| brief.origin == Origin::Schedule) {
            self.hear(reading, brief, &mut step);
        }
        lead.check()?;
        if !self.parts.outbox.tell(&step).await? {
            return Err(RoundError::Overtaken);
        }
        reading.at = to;
        self.announce(&step).await?;
        Ok(true)
    }

    /// Where this leadership begins: where the last one ended, or now if there was none.
    async fn begin(&self, lead: &Leadership) -> Result<Reading, RoundError> {
        let (ledger, outbox) = (&self.parts.ledger, &self.parts.outbox);
        let telling = outbox.telling().await?;
        let (at, told) = match telling {
            Some(telling) => (telling.change, telling.told),
            None => {
                let (to, at) = (ledger.latest_change().await?, self.parts.clock.now());
                lead.check()?;
                let first = Step { from: None, to, at, told: Vec::new(), notices: Vec::new() };
                if !outbox.tell(&first).await? {
                    return Err(RoundError::Overtaken);
                }
                info!("nothing was ever told: changes from now on are");
                (to, Vec::new())
            }
        };
        let mut recent = HashMap::new();
        for path in self.settings.paths.iter().collect::<HashSet<_>>() {
            let mut heard = Recent::default();
            let history = outbox.path_history(path, at, i64::try_from(KEPT).unwrap_or(i64::MAX)).await?;
            history.iter().rev().for_each(|brief| heard.hear(brief));
            recent.insert(path.clone(), heard);
        }
        Ok(Reading { at, told: told.into_iter().map(|told| (told.path, told.state)).collect(), recent })
    }

    fn hear(&self, reading: &mut Reading, brief: &Brief, step: &mut Step) {
        let recent = reading.recent.entry(brief.path.clone()).or_default();
        recent.hear(brief);
        let told = reading.told.get(&brief.path).copied().unwrap_or(ToldState::Passing);
        let is_history = brief.judged_at.is_some_and(|at| at < step.at - HISTORY);
        if is_history || !brief.outcome.tells() {
            return;
        }
        let Some(to) = recent.change(told, self.settings.failing_after) else { return };
        reading.told.insert(brief.path.clone(), to);
        let change = Change { from: told, to, brief, decided: recent.newest().unwrap_or(brief) };
        self.tell(&change, recent, step);
    }

    /// Adds to a step what says so. Of several changes of a path in one step the last one counts as told.
    fn tell(&self, change: &Change<'_>, recent: &Recent, step: &mut Step) {
        let Change { from, to, brief, decided } = *change;
        let (failures, failing_since) = match to {
            ToldState::Failing => (recent.failures(), recent.failing_since()),
            ToldState::Passing => recent.failed_before_newest(),
        };
        let failing_since = failing_since.unwrap_or(decided.registered_at);
        let since = match to {
            ToldState::Failing => failing_since,
            ToldState::Passing => decided.registered_at,
        };
        let body = changed(
            &self.settings.canary,
            decided,
            Changed {
                path: &brief.path,
                backend: brief.backend,
                from,
                to,
                since,
                failing_since,
                consecutive_failures: failures,
                test_id: decided.test_id,
                outcome: decided.outcome,
                failure_signal: decided.reason,
                missing_stages: &decided.missing,
                total_latency_ms: decided.latency_ms,
                link: self.settings.console_url.as_ref().map(|console| link(console, decided.test_id)),
            },
        );
        info!(path = brief.path, %from, %to, test_id = %decided.test_id, failures, "a path changed its state");
        step.told.push(Told { path: brief.path.clone(), state: to, since, test_id: decided.test_id });
        let (id, at, change) = (post::fresh_id(), step.at, brief.change.unwrap_or(step.to));
        step.notices.extend(self.settings.endpoints.iter().map(|endpoint| Notice {
            endpoint: endpoint.name.clone(),
            id: id.clone(),
            path: brief.path.clone(),
            body: body.clone(),
            change,
            told_at: at,
            attempts: 0,
        }));
    }

    /// Lets deliveries know, and keeps what waits in bounds.
    async fn announce(&self, step: &Step) -> Result<(), StoreError> {
        if step.notices.is_empty() {
            return Ok(());
        }
        for (endpoint, news) in self.settings.endpoints.iter().zip(&self.news) {
            news.notify_one();
            let dropped = self.parts.outbox.bound_notices(&endpoint.name, QUEUE, step.at).await?;
            if dropped > 0 {
                warn!(
                    endpoint = endpoint.name,
                    dropped, "too many messages wait for a receiver: the oldest were dropped"
                );
                self.parts.metrics.delivery(&endpoint.name, Delivered::Dropped, dropped);
            }
        }
        Ok(())
    }

    async fn prune(&self, due: &mut Instant) {
        if Instant::now() < *due {
            return;
        }
        *due = Instant::now() + PRUNE_EVERY;
        let before: Moment = self.parts.clock.now() - RETENTION;
        if let Err(error) = self.parts.outbox.prune_notices(before, PRUNE_LIMIT).await {
            debug!(%error, "old messages were not deleted; it will be tried again");
        }
    }
}

/// A change of a path's state.
#[derive(Clone, Copy)]
struct Change<'a> {
    from: ToldState,
    to: ToldState,
    /// The change of the feed that it follows from.
    brief: &'a Brief,
    /// The test that lies last.
    decided: &'a Brief,
}
