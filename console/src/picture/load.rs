//! Reads a whole picture: at the start, once an hour, and when the ledger is another one than before.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Moment, Outcome, TestId};
use canary_store::{Annotation, Brief, Filter, Ledger, Result, ResultRow};
use chrono::TimeDelta;

use super::feed::Feed;
use super::hours::{ByPath, KEPT, begin, by_path, hour_of};
use super::path::{Before, RECENT, begin_ms};
use super::state::{State, first_hour};
use crate::plan::Plan;

/// Rows of all paths read at once.
const ROWS: i64 = 2_000;
const HOUR_MS: i64 = 3_600_000;
/// Rows of a path read at once.
const PAGE: i64 = 100;
/// Pages read at most in search of one thing.
const PAGES: usize = 40;
/// The newest marks that the time line shows.
const MARKS: i64 = 500;

/// The feed as it begins now.
pub(super) async fn feed(ledger: &dyn Ledger, generation: u64) -> Result<Feed> {
    let head = ledger.latest_change().await?;
    let newest = ledger.changes(head - 1, 1).await?;
    let anchor = newest.first().filter(|brief| brief.change == Some(head)).map(|brief| brief.test_id);
    Ok(Feed::new(generation, head, anchor))
}

/// The days of the rollup that are kept, as spans of hours. A month read at once would take more memory than all the rest
/// of the process, and hold up the threads that read the platform's frames.
pub(super) fn days(now: Moment) -> impl Iterator<Item = Range<i64>> {
    let hour = hour_of(now);
    (hour - KEPT..=hour).step_by(24).map(|first| first..first + 24)
}

/// Some of the rollup's hours.
pub(super) async fn hours(ledger: &dyn Ledger, span: Range<i64>) -> Result<ByPath> {
    Ok(by_path(ledger.hours(begin(span.start), begin(span.end)).await?))
}

/// The marks that the time line shows.
pub(super) async fn marks(ledger: &dyn Ledger, now: Moment) -> Result<Vec<Annotation>> {
    ledger.annotations(begin(hour_of(now) - KEPT), MARKS).await
}

/// Rows registered at or after `since`, a page at a time.
pub(super) async fn rows(ledger: &dyn Ledger, since: Moment, outcome: Option<Outcome>) -> Result<Vec<Brief>> {
    let before_all =
        TestId::from_str("00000000-0000-0000-0000-000000000000").expect("it has the form of one");
    let (mut rows, mut after) = (Vec::new(), (since, before_all));
    loop {
        let page = ledger.briefs(after, outcome, ROWS).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = (last.registered_at, last.test_id);
        rows.extend(page);
    }
}

/// Everything that is kept as of `now`, but the hours, beside a feed that was begun before.
pub(super) async fn state(ledger: &dyn Ledger, plan: &Plan, feed: Feed, now: Moment) -> Result<State> {
    let mut state = State::begin(plan, now, feed);
    for brief in rows(ledger, state.since(), None).await? {
        state.take(plan, &Arc::new(brief));
    }
    state.marks = marks(ledger, now).await?;
    for (path, kept) in plan.paths.iter().zip(&mut state.paths) {
        let lacking = RECENT.saturating_sub(kept.verdicts().count());
        if lacking > 0 || kept.last_pass().is_none() {
            let (first, period) = (first_hour(now), plan.cadence.period());
            kept.before = Reader { ledger, path: &path.name, first, period }.before(lacking).await?;
        }
    }
    Ok(state)
}

/// Looks back in the slots of one path, to those whose cycles began before the hour `first`.
struct Reader<'a> {
    ledger: &'a dyn Ledger,
    path: &'a str,
    first: i64,
    period: Duration,
}

impl Reader<'_> {
    async fn before(&self, verdicts: usize) -> Result<Before> {
        let passed = Filter { outcome: Some(Outcome::Passed), ..Filter::default() };
        let last_pass = self.slots(passed, self.first, 1).await?.into_iter().next();
        let (failures, summed_from) = match &last_pass {
            Some(pass) => {
                let next = hour_begun(pass) + 1;
                (self.wrong_after(pass, next).await?, next)
            }
            None => (0, i64::MIN),
        };
        let verdicts = match verdicts {
            0 => Vec::new(),
            lacking => self.slots(Filter::default(), self.first, lacking).await?,
        };
        let last_pass = last_pass.map(|pass| pass.registered_at);
        let verdicts = verdicts.into_iter().map(Arc::new).collect();
        Ok(Before { last_pass, failures, summed_from, verdicts })
    }

    /// Slots after this one that went wrong, of cycles before the hour `end`.
    async fn wrong_after(&self, pass: &Brief, end: i64) -> Result<i64> {
        let from = Some(pass.registered_at + TimeDelta::microseconds(1));
        let slots = self.slots(Filter { from, ..Filter::default() }, end, usize::MAX).await?;
        let wrong = slots.iter().filter(|slot| slot.outcome.tells() && slot.outcome != Outcome::Passed);
        Ok(i64::try_from(wrong.count()).unwrap_or(i64::MAX))
    }

    /// Slots with a verdict of cycles that began before the hour `end`, newest first, until there are `wanted`.
    async fn slots(&self, filter: Filter, end: i64, wanted: usize) -> Result<Vec<Brief>> {
        // A slot is registered some time after its cycle began.
        let filter =
            Filter { path: Some(self.path.to_owned()), to: Some(begin(end) + self.period), ..filter };
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.ledger.results(&filter, cursor, PAGE).await?;
            found.extend(
                page.rows
                    .into_iter()
                    .map(brief)
                    .filter(|slot| slot.outcome != Outcome::Pending && hour_begun(slot) < end),
            );
            cursor = page.next;
            if found.len() >= wanted || cursor.is_none() {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }
}

/// The hour in which a slot's cycle began.
fn hour_begun(slot: &Brief) -> i64 {
    begin_ms(slot).map_or(i64::MAX, |ms| ms.div_euclid(HOUR_MS))
}

fn brief(row: ResultRow) -> Brief {
    let test = row.facts.test;
    Brief {
        test_id: test.test_id,
        path: test.path,
        backend: test.backend,
        origin: test.origin,
        cycle: test.cycle,
        period_ms: test.period_ms,
        registered_at: test.registered_at,
        judged_at: row.judged_at,
        outcome: row.outcome,
        reason: row.reason,
        missing: row.missing,
        latency_ms: row.latency_ms,
        revision: row.revision,
        change: None,
    }
}
