//! When nothing changes a row any more.
//!
//! The watch's end alone does not say it: a judge that was away amends a row after its watch with what was stamped before,
//! and a slot that was thought unfired is taken by its test once the judge sees it on the board. Both
//! happen to tests that are open there, and to no others. The open tests have to be asked for before the rows
//! are read: a test that was not open then has its last words in the ledger already.

use std::collections::HashSet;

use canary_domain::{Moment, TestId};
use canary_store::{Board, ExportRow, Result};

/// What is known of open tests at one moment.
#[derive(Debug)]
pub(crate) struct Closed {
    /// The moment.
    pub now: Moment,
    open: HashSet<TestId>,
}

impl Closed {
    /// Asks the board.
    pub async fn ask(board: &dyn Board, now: Moment) -> Result<Self> {
        let open = board.open_tests().await?;
        Ok(Self { now, open: open.into_iter().map(|facts| facts.test.test_id).collect() })
    }

    /// Whether this row, read after the question, is as it will stay.
    pub fn is_closed(&self, row: &ExportRow) -> bool {
        self.now >= row.watched_until && !self.open.contains(&row.test_id)
    }
}

/// From when on a row could be exported.
pub(crate) fn closes_at(row: &ExportRow) -> Moment {
    row.watched_until.max(row.judged_at)
}
