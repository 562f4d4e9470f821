//! How far a leadership's export has come.
//!
//! Two places in the change feed matter: up to the front everything was accepted; up to the mark, which lies behind it,
//! that was so long ago that the receiver has it on disk. Each round begins at the mark, so that whatever the
//! receiver may have lost with its memory is sent again, and only the mark is kept in the ledger.

use std::collections::VecDeque;
use std::time::Duration;

use canary_domain::Moment;
use canary_store::{ExportMark, ExportRow};
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::closed::closes_at;
use crate::delivery::Aside;
use crate::samples::stamped_at;

/// What a target that has no mark yet gets of the history by itself: what 30-day views show. Receivers need not keep
/// more than 60 days, and what is older can be had on order.
const HISTORY: TimeDelta = TimeDelta::days(31);

/// Where a leadership stands.
#[derive(Debug)]
pub(crate) struct Course {
    /// What the ledger has.
    mark: i64,
    /// Ends of pages beyond the mark, ascending, and when each was accepted for the first time.
    accepted: VecDeque<(Instant, ExportMark)>,
    /// What closed before this moment is exported.
    done_until: Moment,
    passed_over: Option<History>,
    pub aside: Aside,
}

impl Course {
    /// A leadership that began at `now`, where the mark is.
    pub fn marked(mark: i64, now: Moment) -> Self {
        let (accepted, aside) = (VecDeque::new(), Aside::default());
        Self { mark, accepted, done_until: now, passed_over: None, aside }
    }

    /// A leadership that began at `now` with a target that never got anything; `latest` is the feed's last number.
    pub fn unmarked(latest: i64, now: Moment) -> Self {
        let history = History { latest, before: now - HISTORY };
        Self { passed_over: Some(history), ..Self::marked(0, now) }
    }

    /// Whether this row is not for this target: too old when the target was new.
    pub fn passes_over(&self, row: &ExportRow) -> bool {
        self.passed_over.as_ref().is_some_and(|history| {
            row.change.is_some_and(|change| change <= history.latest) && stamped_at(row) < history.before
        })
    }

    /// Where a round begins.
    pub fn mark(&self) -> i64 {
        self.mark
    }

    /// Up to where everything was accepted.
    pub fn front(&self) -> i64 {
        self.accepted.back().map_or(self.mark, |(_, end)| end.change)
    }

    /// Everything up to the end of this page was accepted.
    pub fn accept(&mut self, end: ExportMark) {
        if end.change > self.front() {
            self.accepted.push_back((Instant::now(), end));
        }
    }

    /// Where the mark may be moved to, if anywhere: what was accepted so long ago, or longer.
    pub fn ripe(&self, overlap: Duration) -> Option<ExportMark> {
        let ripe = self.accepted.iter().take_while(|(at, _)| at.elapsed() >= overlap);
        ripe.last().map(|(_, end)| *end)
    }

    /// The ledger has this mark.
    pub fn moved(&mut self, mark: ExportMark) {
        self.mark = mark.change;
        while self.accepted.front().is_some_and(|(_, end)| end.change <= mark.change) {
            self.accepted.pop_front();
        }
        self.aside.forget(mark.change);
    }

    /// This row is the next beyond the front; `None`: there was none at `now`.
    pub fn waits(&mut self, next: Option<&ExportRow>, now: Moment) {
        self.done_until = next.map_or(now, |row| closes_at(row).min(now));
    }

    /// How long the oldest closed row has waited.
    pub fn lag(&self, now: Moment) -> Duration {
        (now - self.done_until).to_std().unwrap_or_default()
    }
}

/// What was there before a target was new, and is too old for it.
#[derive(Debug)]
struct History {
    /// Changes up to this number.
    latest: i64,
    before: Moment,
}
