//! The picture itself: every path of the plan, the marks on the time line, and the feed of changes.

use std::ops::Range;
use std::sync::Arc;

use canary_domain::Moment;
use canary_store::{Annotation, Brief};
use chrono::TimeDelta;

use super::feed::Feed;
use super::hours::{ByPath, KEPT, begin, hour_of};
use super::path::{PathKept, begin_ms};
use crate::plan::Plan;

/// The ledger as it was read last.
#[derive(Debug)]
pub(crate) struct State {
    /// When that was.
    pub(crate) as_of: Moment,
    /// In the plan's order.
    pub(crate) paths: Vec<PathKept>,
    /// Marks of the last 30 days, oldest first.
    pub(crate) marks: Vec<Annotation>,
    /// The newest changes.
    pub(crate) feed: Feed,
    /// Grows whenever slots, hours or marks changed.
    pub(crate) version: u64,
    /// The hour it was begun in; each hour it is begun anew, and so lets go of what has become old.
    hour: i64,
}

/// Two hours for the cycles, and up to one more, so that the kept slots begin with a full hour.
const KEPT_SLOTS: TimeDelta = TimeDelta::hours(2);

/// The hour that the kept slots begin with, of a picture begun at `now`.
pub(super) fn first_hour(now: Moment) -> i64 {
    hour_of(now - KEPT_SLOTS)
}

impl State {
    /// A picture without anything in it, begun at `now`.
    pub(super) fn begin(plan: &Plan, now: Moment, feed: Feed) -> Self {
        let paths = vec![PathKept::default(); plan.paths.len()];
        Self { as_of: now, paths, marks: Vec::new(), feed, version: 0, hour: hour_of(now) }
    }

    pub(super) fn hour(&self) -> i64 {
        self.hour
    }

    /// The moment from which on slots are kept one by one.
    pub(super) fn since(&self) -> Moment {
        begin(first_hour(begin(self.hour)))
    }

    /// Takes a row, if it is a slot of a path of the plan and not too old; what was fired outside any slot has no cycle.
    pub(super) fn take(&mut self, plan: &Plan, brief: &Arc<Brief>) {
        let young = begin_ms(brief).is_some_and(|begin| begin >= self.since().timestamp_millis());
        if !young {
            return;
        }
        if let Some(index) = plan.paths.iter().position(|path| path.name == brief.path) {
            self.version += u64::from(self.paths[index].take(brief));
        }
    }

    /// Takes a span of the rollup's hours in the place of what is kept of them; [`State::sum_up`] is due then.
    pub(super) fn take_hours(&mut self, plan: &Plan, span: Range<i64>, mut hours: ByPath) {
        for (path, kept) in plan.paths.iter().zip(&mut self.paths) {
            kept.hours.replace(span.clone(), hours.remove(&path.name).unwrap_or_default());
        }
    }

    /// Goes on where `old` was: with its hours, and its feed.
    pub(super) fn follow(&mut self, old: Self) {
        let oldest = self.hour - KEPT;
        for (kept, mut old) in self.paths.iter_mut().zip(old.paths) {
            old.hours.forget(oldest);
            kept.hours = old.hours;
        }
        (self.feed, self.version) = (old.feed, old.version);
    }

    /// Sums the hours before the kept slots: whenever either was read.
    pub(super) fn sum_up(&mut self) {
        let first = first_hour(begin(self.hour));
        self.paths.iter_mut().for_each(|kept| kept.sum_up(self.hour, first));
        self.version += 1;
    }
}
