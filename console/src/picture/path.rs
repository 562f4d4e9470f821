//! What is kept of one path.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use canary_domain::{Cadence, Freshness, Heard, Moment, Outcome, PathState};
use canary_store::Brief;

use super::hours::{Cell, Hours, WINDOWS, hour_of_ms};
use super::slots::{Key, Slot, Slots, key, key_of};
use super::span::Span;
use super::tally::Tally;

/// The verdicts of a sparkline.
pub(crate) const RECENT: usize = 30;

/// How the path stood before its kept slots.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    /// When the last test that passed was registered.
    pub(super) last_pass: Option<Moment>,
    /// Tests since then that could tell, none of which passed: those within its hour, …
    pub(super) failures: i64,
    /// … and the hour from which on the rollup has the others.
    pub(super) summed_from: i64,
    /// The newest rows with a verdict before those that can be shown, newest first, as many as a sparkline needs.
    pub(super) verdicts: VecDeque<Arc<Brief>>,
}

/// What has to be looked up of the time before the kept slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lookback {
    pub(super) span: Span,
    /// Verdicts that a sparkline lacks.
    pub(super) lacking: usize,
    /// Whether none of the kept slots passed, …
    pub(super) unpassed: bool,
    /// … and the hour before them that has the last pass.
    pub(super) pass_hour: Option<i64>,
}

/// One path: the rows that can be shown, the counts of somewhat older slots one by one, and what was before in sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathKept {
    /// By their cycle.
    shown: BTreeMap<Key, Arc<Brief>>,
    slots: Slots,
    before: Before,
    hours: Arc<Hours>,
    span: Span,
    /// Tests before the kept slots that could tell, since the last of them that passed.
    failures: i64,
    /// The hours of each of [`WINDOWS`] that lie before the kept slots: added up by the first who looks.
    sums: Arc<OnceLock<[Tally; WINDOWS.len()]>>,
}

impl PathKept {
    pub(super) fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// Takes a row in the place of what is there of its slot; answers whether that changed anything.
    pub(super) fn take(&mut self, brief: &Arc<Brief>) -> bool {
        let Some((key, slot)) = key(brief).zip(Slot::of(brief)) else { return false };
        if slot.begin_ms() < self.span.since_ms() {
            return false;
        }
        let counted = self.slots.take(slot);
        if slot.begin_ms() <= self.span.shown_ms {
            return counted;
        }
        let was = self.shown.insert(key, Arc::clone(brief));
        counted || was.is_none_or(|was| was != *brief)
    }

    /// Whether time has gone on so far that something has to leave.
    pub(super) fn is_behind(&self, span: Span) -> bool {
        let oldest = self.shown.first_key_value();
        self.span.hour != span.hour || oldest.is_some_and(|((begin, _), _)| *begin <= span.shown_ms)
    }

    /// Lets what has become old leave.
    pub(super) fn go_on(&mut self, span: Span) {
        let shown = self.shown.split_off(&(span.shown_ms + 1, 0));
        for old in std::mem::replace(&mut self.shown, shown).into_values() {
            if old.outcome != Outcome::Pending {
                self.before.verdicts.push_front(old);
            }
        }
        self.before.verdicts.truncate(RECENT);
        if self.span.hour != span.hour {
            let left = self.slots.forget(span.first);
            self.before.add(&left);
            Arc::make_mut(&mut self.hours).forget(span.oldest_hour());
        }
        let is_new_hour = self.span.hour != span.hour;
        self.span = span;
        if is_new_hour {
            self.sum_up();
        }
    }

    pub(super) fn set_before(&mut self, before: Before) {
        self.before = before;
        self.sum_up();
    }

    /// Takes a span of the rollup's hours in the place of what is kept of them; answers whether that changed anything.
    pub(super) fn take_hours(&mut self, span: std::ops::Range<i64>, hours: BTreeMap<i64, Cell>) -> bool {
        if self.hours.has(span.clone(), &hours) {
            return false;
        }
        // What the rollup says of the running hours matters when they are over.
        let summed = span.start..span.end.min(self.span.first);
        let changed = !self.hours.has(summed, &hours);
        Arc::make_mut(&mut self.hours).replace(span, hours);
        if changed {
            self.sum_up();
        }
        changed
    }

    fn sum_up(&mut self) {
        self.failures = self.before.failures + self.hours.wrong(self.before.summed_from, self.span.first);
        self.sums = Arc::default();
    }

    /// What has to be looked up of the time before.
    pub(super) fn lookback(&self) -> Lookback {
        let verdicts = self.shown.values().filter(|brief| brief.outcome != Outcome::Pending).count();
        Lookback {
            span: self.span,
            lacking: RECENT.saturating_sub(verdicts),
            unpassed: !self.slots.newest_first().any(|slot| slot.outcome() == Outcome::Passed),
            pass_hour: self.hours.last_pass(self.span.first),
        }
    }

    /// An hour: the running ones from their slots, the others from the rollup, which is made once a minute.
    pub(crate) fn hour(&self, hour: i64) -> Option<std::borrow::Cow<'_, Cell>> {
        use std::borrow::Cow;
        match self.slots.running().get(&hour) {
            Some(tally) => Some(Cow::Owned(Cell::of_tally(tally))),
            None => self.hours.get(hour).map(Cow::Borrowed),
        }
    }

    /// Slots whose cycle began after `since`, oldest first.
    pub(crate) fn after(&self, since: Moment) -> impl Iterator<Item = &Slot> {
        self.slots.after(since)
    }

    /// The slot of a cycle, if it can be shown.
    pub(crate) fn slot(&self, cycle: i64, cadence: Cadence) -> Option<&Arc<Brief>> {
        self.shown.get(&key_of(cycle, cadence.period_ms()))
    }

    /// Slots whose cycle began after `since`.
    pub(crate) fn tally_after(&self, since: Moment) -> Tally {
        self.slots.tally_after(since)
    }

    /// The longer windows: their hours, and all kept slots.
    pub(crate) fn windows(&self) -> [Tally; WINDOWS.len()] {
        let sums = self.sums.get_or_init(|| self.hours.windows(self.span.hour, self.span.first));
        sums.clone().map(|mut sum| {
            self.slots.running().values().for_each(|hour| sum.merge(hour));
            sum
        })
    }

    /// Rows with a verdict, newest first, as far back as they are kept.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = &Arc<Brief>> {
        let shown = self.shown.values().rev().filter(|brief| brief.outcome != Outcome::Pending);
        shown.chain(&self.before.verdicts)
    }

    /// When the last test that passed was registered.
    pub(crate) fn last_pass(&self) -> Option<Moment> {
        let kept = self.slots.newest_first().find(|slot| slot.outcome() == Outcome::Passed);
        kept.map(Slot::registered_at).or(self.before.last_pass)
    }

    /// Tests since the last that passed, of those that could tell.
    pub(crate) fn consecutive_failures(&self) -> i64 {
        let mut failures = 0;
        for slot in self.slots.newest_first().filter(|slot| slot.outcome().tells()) {
            if slot.outcome() == Outcome::Passed {
                return failures;
            }
            failures += 1;
        }
        failures + self.failures
    }

    /// The path's state, as long as nothing holds it.
    pub(crate) fn state(&self, now: Moment, period: Duration, deadline: Duration) -> PathState {
        let kept = self.slots.newest_first().find(|slot| slot.outcome().tells()).map(Slot::registered_at);
        let before = || self.before.verdicts.iter().find(|brief| brief.outcome.tells());
        let Some(at) = kept.or_else(|| Some(before()?.registered_at)) else { return PathState::Unknown };
        // The count reaches further back than the rows that are kept, and is all that the state needs beside the newest.
        let wrong = usize::try_from(self.consecutive_failures()).unwrap_or(usize::MAX);
        let outcomes = std::iter::repeat_n(Outcome::Failed, wrong).chain([Outcome::Passed]);
        PathState::of(outcomes.map(|outcome| Heard { at, outcome }), now, Freshness { period, deadline })
    }
}

impl Before {
    /// Adds slots of the hours after it, oldest first. The rollup has those of the hours after the last pass.
    fn add(&mut self, left: &[Slot]) {
        let passed = |slot: &Slot| slot.outcome() == Outcome::Passed;
        let Some(index) = left.iter().rposition(passed) else { return };
        let hour = hour_of_ms(left[index].begin_ms());
        let after = left[index + 1..].iter().filter(|slot| hour_of_ms(slot.begin_ms()) == hour);
        let wrong = after.filter(|slot| slot.outcome().tells()).count();
        self.last_pass = Some(left[index].registered_at());
        self.failures = i64::try_from(wrong).unwrap_or(i64::MAX);
        self.summed_from = hour + 1;
    }
}
