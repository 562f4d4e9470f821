//! Reads a picture piece by piece, each a small question: at the start, when the ledger is another one than before, and
//! once an hour to find what was changed where nobody looks any more.
//!
//! A piece that can't be read is asked for again later, without those that were.

use std::collections::VecDeque;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Moment, Outcome, TestId};
use canary_store::{Brief, Filter, Ledger, Result};
use chrono::TimeDelta;

use super::feed::Feed;
use super::hours::{KEPT, begin, by_path, hour_of};
use super::marks;
use super::path::{Before, Lookback};
use super::slots::key;
use super::span::Span;
use super::state::Piece;
use crate::plan::Plan;

/// Rows of all paths read at once.
pub(super) const ROWS: i64 = 2_000;
/// Rows of a path read at once.
const PAGE: i64 = 100;
/// Pages read at most in search of one thing: more than an hour has slots.
const PAGES: usize = 40;
/// The hours of the rollup that may still change without anybody judging again what is old.
const CHANGING: i64 = 4;

/// The place before all rows registered at or after a moment.
pub(super) fn place(since: Moment) -> (Moment, TestId) {
    let before_all = TestId::from_str("00000000-0000-0000-0000-000000000000");
    (since, before_all.expect("it has the form of an id"))
}

/// The feed as it begins now.
pub(super) async fn feed(ledger: &dyn Ledger, generation: u64) -> Result<Feed> {
    let head = ledger.latest_change().await?;
    let newest = ledger.changes(head - 1, 1).await?;
    let anchor = newest.first().filter(|brief| brief.change == Some(head)).map(|brief| brief.test_id);
    Ok(Feed::new(generation, head, anchor))
}

/// What is to be read.
#[derive(Debug)]
enum Step {
    /// Rows that follow this place.
    Rows((Moment, TestId)),
    Hours(Range<i64>),
    /// How a path stood before its kept slots, which the hours help to find.
    Before(usize),
    Marks,
}

/// What is still to be read.
#[derive(Debug, Default)]
pub(super) struct Load(VecDeque<Step>);

impl Load {
    /// Everything that is kept. The hours come day by day, the newest first: a month read at once would take more memory than all the rest
    /// of the process, and hold up the threads that read the platform's frames.
    pub(super) fn whole(plan: &Plan, span: Span) -> Self {
        let days = (span.oldest_hour()..=span.hour).rev().step_by(24).map(|last| last - 23..last + 1);
        let mut steps = VecDeque::from([Step::Rows(place(span.since()))]);
        steps.extend(days.map(Step::Hours));
        steps.extend((0..plan.paths.len()).map(Step::Before));
        steps.push_back(Step::Marks);
        Self(steps)
    }

    /// What is renewed as often as the judge rolls hours up.
    pub(super) fn newest(span: Span) -> Self {
        Self([Step::Hours(span.hour - CHANGING..span.hour + 1), Step::Marks].into())
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the next piece; where it fails, the next call asks for it again.
    pub(super) async fn read(
        &mut self,
        ledger: &dyn Ledger,
        plan: &Plan,
        now: Moment,
        lookback: impl Fn(usize) -> Lookback,
    ) -> Result<Option<Piece>> {
        let Some(step) = self.0.front_mut() else { return Ok(None) };
        let piece = match step {
            Step::Rows(after) => {
                let rows = ledger.briefs(*after, None, ROWS).await?;
                if let Some(last) = rows.last() {
                    *after = (last.registered_at, last.test_id);
                    return Ok(Some(Piece::Rows(rows)));
                }
                Piece::Rows(rows)
            }
            Step::Hours(span) => {
                let hours = ledger.hours(begin(span.start), begin(span.end)).await?;
                Piece::Hours(span.clone(), by_path(hours))
            }
            Step::Before(index) => {
                let (path, period) = (&plan.paths[*index].name, plan.cadence.period());
                let reader = Reader { ledger, path, period };
                Piece::Before(*index, reader.before(lookback(*index)).await?)
            }
            Step::Marks => Piece::Marks(marks::read(ledger, begin(hour_of(now) - KEPT), now).await?),
        };
        self.0.pop_front();
        Ok(Some(piece))
    }
}

/// Looks back in the slots of one path.
struct Reader<'a> {
    ledger: &'a dyn Ledger,
    path: &'a str,
    period: Duration,
}

impl Reader<'_> {
    async fn before(&self, back: Lookback) -> Result<Before> {
        let mut before = Before { summed_from: i64::MIN, ..Before::default() };
        if let Some(hour) = back.pass_hour.filter(|_| back.unpassed) {
            let passed =
                Filter { outcome: Some(Outcome::Passed), from: Some(begin(hour)), ..Filter::default() };
            let end = begin(hour + 1).timestamp_millis();
            if let Some(pass) = self.slots(passed, end, 1).await?.first() {
                before.failures = self.wrong_after(pass, end).await?;
                before.last_pass = Some(pass.registered_at);
            }
            before.summed_from = hour + 1;
        }
        if back.lacking > 0 {
            let verdicts = self.slots(Filter::default(), back.span.shown_ms + 1, back.lacking).await?;
            before.verdicts = verdicts.into_iter().map(Arc::new).collect();
        }
        Ok(before)
    }

    /// Slots after this one that went wrong, of cycles that began before `end_ms`.
    async fn wrong_after(&self, pass: &Brief, end_ms: i64) -> Result<i64> {
        let from = Some(pass.registered_at + TimeDelta::microseconds(1));
        let slots = self.slots(Filter { from, ..Filter::default() }, end_ms, usize::MAX).await?;
        let wrong = slots.iter().filter(|slot| slot.outcome.tells() && slot.outcome != Outcome::Passed);
        Ok(i64::try_from(wrong.count()).unwrap_or(i64::MAX))
    }

    /// Slots with a verdict of cycles that began before `end_ms`, newest first, until there are `wanted`.
    async fn slots(&self, filter: Filter, end_ms: i64, wanted: usize) -> Result<Vec<Brief>> {
        // A slot is registered some time after its cycle began.
        let to = Moment::UNIX_EPOCH + TimeDelta::milliseconds(end_ms) + self.period;
        let filter = Filter { path: Some(self.path.to_owned()), to: Some(to), ..filter };
        let begun = |slot: &Brief| key(slot).is_some_and(|(begin_ms, _)| begin_ms < end_ms);
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let page = self.ledger.results(&filter, cursor, PAGE).await?;
            let slots = page.rows.iter().map(Brief::from);
            found.extend(slots.filter(|slot| slot.outcome != Outcome::Pending && begun(slot)));
            cursor = page.next;
            if found.len() >= wanted || cursor.is_none() {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }
}
