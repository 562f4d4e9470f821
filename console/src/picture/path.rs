//! What is kept of one path.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Cadence, Freshness, Heard, Moment, Outcome, PathState};
use canary_store::Brief;

use super::hours::{Cell, Hours, WINDOWS, hour_of_ms};
use super::tally::Tally;

/// The verdicts of a sparkline.
pub(crate) const RECENT: usize = 30;

/// When a slot's cycle began and its period, both in milliseconds: with another period, another cycle may begin then.
type Key = (i64, i64);

/// How the path stood before its kept slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// When the last test that passed was registered.
    pub(super) last_pass: Option<Moment>,
    /// Tests since then that could tell, none of which passed: those within its hour, …
    pub(super) failures: i64,
    /// … and the hour from which on the rollup has the others.
    pub(super) summed_from: i64,
    /// The newest rows with a verdict, newest first; at least as many as a sparkline needs beside the kept slots.
    pub(super) verdicts: Vec<Arc<Brief>>,
}

/// One path: its slots of the last two hours one by one, and what was before in sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathKept {
    slots: BTreeMap<Key, Arc<Brief>>,
    pub(super) before: Before,
    pub(super) hours: Hours,
    /// The hours of each of [`WINDOWS`] that lie before the kept slots.
    sums: [Tally; WINDOWS.len()],
    /// Tests before the kept slots that could tell, since the last of them that passed.
    failures: i64,
}

/// When the cycle of a slot begins, in milliseconds, and its period; `None` for a test without a slot.
fn key(brief: &Brief) -> Option<Key> {
    let (cycle, period_ms) = brief.cycle.zip(brief.period_ms)?;
    Some((cycle.saturating_mul(period_ms), period_ms))
}

/// When the cycle of a slot begins, in milliseconds.
pub(crate) fn begin_ms(brief: &Brief) -> Option<i64> {
    Some(key(brief)?.0)
}

impl PathKept {
    /// Takes a slot, unless a higher revision of it is there; answers whether that changed anything.
    pub(super) fn take(&mut self, brief: &Arc<Brief>) -> bool {
        let Some(key) = key(brief) else { return false };
        let newer = self.slots.get(&key).is_none_or(|kept| {
            kept.test_id != brief.test_id
                || kept.revision < brief.revision
                || (kept.revision == brief.revision && kept.outcome != brief.outcome)
        });
        if newer {
            self.slots.insert(key, Arc::clone(brief));
        }
        newer
    }

    /// Sums the hours before the kept slots: those from `end` on are in the slots.
    pub(super) fn sum_up(&mut self, now: i64, end: i64) {
        self.sums = self.hours.windows(now, end);
        self.failures = self.before.failures + self.hours.wrong(self.before.summed_from, end);
    }

    pub(crate) fn hours(&self) -> &Hours {
        &self.hours
    }

    /// The hours of the kept slots, counted from these: the rollup is made once a minute.
    pub(crate) fn running(&self) -> BTreeMap<i64, Cell> {
        let mut hours: BTreeMap<i64, Tally> = BTreeMap::new();
        for ((begin, _), brief) in &self.slots {
            hours.entry(hour_of_ms(*begin)).or_default().add(brief.outcome, brief.latency_ms);
        }
        hours.into_iter().map(|(hour, tally)| (hour, Cell::of_tally(&tally))).collect()
    }

    /// Slots whose cycle began after `since`, oldest first.
    pub(crate) fn after(&self, since: Moment) -> impl DoubleEndedIterator<Item = &Arc<Brief>> {
        let since = since.timestamp_millis().saturating_add(1);
        self.slots.range((since, 0)..).map(|(_, brief)| brief)
    }

    /// The slot of a cycle.
    pub(crate) fn slot(&self, cycle: i64, cadence: Cadence) -> Option<&Arc<Brief>> {
        let period_ms = cadence.period_ms();
        self.slots.get(&(cycle.saturating_mul(period_ms), period_ms))
    }

    /// Slots whose cycle began after `since`.
    pub(crate) fn tally_after(&self, since: Moment) -> Tally {
        let mut tally = Tally::default();
        self.after(since).for_each(|brief| tally.add(brief.outcome, brief.latency_ms));
        tally
    }

    /// The longer windows: their hours, and all kept slots.
    pub(crate) fn windows(&self) -> [Tally; WINDOWS.len()] {
        let mut kept = Tally::default();
        self.slots.values().for_each(|brief| kept.add(brief.outcome, brief.latency_ms));
        self.sums.clone().map(|mut sum| {
            sum.merge(&kept);
            sum
        })
    }

    /// Rows with a verdict, newest first, as far back as they are kept.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = &Arc<Brief>> {
        let kept = self.slots.values().rev().filter(|brief| brief.outcome != Outcome::Pending);
        kept.chain(&self.before.verdicts)
    }

    /// When the last test that passed was registered.
    pub(crate) fn last_pass(&self) -> Option<Moment> {
        let kept = self.slots.values().rev().find(|brief| brief.outcome == Outcome::Passed);
        kept.map(|brief| brief.registered_at).or(self.before.last_pass)
    }

    /// Tests since the last that passed, of those that could tell.
    pub(crate) fn consecutive_failures(&self) -> i64 {
        let mut failures = 0;
        for brief in self.slots.values().rev().filter(|brief| brief.outcome.tells()) {
            if brief.outcome == Outcome::Passed {
                return failures;
            }
            failures += 1;
        }
        failures + self.failures
    }

    /// The path's state, as long as nothing holds it.
    pub(crate) fn state(&self, now: Moment, period: Duration, deadline: Duration) -> PathState {
        let telling = self.verdicts().find(|brief| brief.outcome.tells());
        let Some(newest) = telling else { return PathState::Unknown };
        // The count reaches further back than the rows that are kept, and is all that the state needs beside the newest.
        let wrong = usize::try_from(self.consecutive_failures()).unwrap_or(usize::MAX);
        let outcomes = std::iter::repeat_n(Outcome::Failed, wrong).chain([Outcome::Passed]);
        let heard = outcomes.map(|outcome| Heard { at: newest.registered_at, outcome });
        PathState::of(heard, now, Freshness { period, deadline })
    }
}
