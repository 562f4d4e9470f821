//! Keeps due tests alive on the board while the ledger can't take them.
//!
//! Facts expire on the board an hour after their watch; an outage of the ledger may last longer, and loses
//! no row (I6).

use std::collections::HashSet;

use canary_domain::TestId;
use canary_store::Leadership;
use chrono::TimeDelta;

use crate::{Judge, SweepError};

impl Judge {
    /// Lets the facts of all due tests live their whole time again; answers how many there were.
    ///
    /// Due tests are read from the front of the board's queue, so those that are done with move a millisecond
    /// back: all are read, and all are due again in the next sweep.
    pub(crate) async fn keep_due(&self, lead: &Leadership) -> Result<usize, SweepError> {
        let now = self.clock.now();
        let later = now + TimeDelta::milliseconds(1);
        let mut seen = HashSet::new();
        loop {
            let due = self.board.due(now, self.settings.batch).await.map_err(SweepError::Board)?;
            let facts: Vec<TestId> = due.facts.iter().map(|facts| facts.test.test_id).collect();
            let page: Vec<(TestId, _)> =
                facts.iter().chain(&due.lost).map(|test_id| (*test_id, later)).collect();
            let news = page.iter().filter(|(test_id, _)| seen.insert(*test_id)).count();
            if news == 0 {
                return Ok(seen.len());
            }
            lead.check()?;
            self.board.keep(&facts).await.map_err(SweepError::Board)?;
            lead.check()?;
            self.board.reschedule(&page).await.map_err(SweepError::Board)?;
        }
    }
}
