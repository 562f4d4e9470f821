//! How far a leadership's export has come.
//!
//! Two places in the change feed matter: up to the front everything was accepted; up to the mark, which lies behind it,
//! that was so long ago that the receiver has it on disk. Each round begins at the mark, so that whatever the
//! receiver may have lost with its memory is sent again, and only the mark is kept in the ledger.

use std::collections::VecDeque;
use std::time::Duration;

use canary_domain::Moment;
use canary_store::{ExportMark, ExportRow};
use tokio::time::Instant;

use crate::closed::closes_at;
use crate::delivery::Aside;

/// Where a leadership stands.
#[derive(Debug)]
pub(crate) struct Course {
    /// What the ledger has.
    mark: i64,
    /// Ends of pages beyond the mark, ascending, and when each was accepted for the first time.
    accepted: VecDeque<(Instant, ExportMark)>,
    /// What closed before this moment is exported.
    done_until: Moment,
    pub aside: Aside,
}

impl Course {
    /// A leadership that begins now, where the mark is.
    pub fn new(mark: Option<i64>, now: Moment) -> Self {
        Self { mark: mark.unwrap_or(0), accepted: VecDeque::new(), done_until: now, aside: Aside::default() }
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
