//! Judges past rows again, on order: what the present rules make of what was seen then (design §7).
//!
//! A row holds the facts it was judged from, but not the coverage: that is known as far as its verdict proves it, and no
//! further. So silence that was not certain when the row was written is held against nobody now (I5), and
//! a row that the rules of today would have given the same verdict comes out the same to the microsecond (I3).
//! Rows that are still watched, or open on the board, are the judge's. The race with a judge that
//! writes a row meanwhile ends as all amendments do: the row is changed in its own term, so a later one's word stands.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, Coverage, Facts, Moment, Outcome, Patience, Reason, TestId, Verdict, judge};
use canary_store::{Board, FactsRow, Filter, Ledger, ResultRow, StoreError};

use crate::page::prove;

/// Rows that are read, judged and written in one step.
const PAGE: i64 = 500;

/// An order to judge past rows again.
pub struct Rejudge {
    /// The rows.
    pub ledger: Arc<dyn Ledger>,
    /// Which tests are open; an empty board where it is another process's memory.
    pub board: Arc<dyn Board>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// As in [`Settings`](crate::Settings). A row that was blind stays so as of the moment it has.
    pub blind_after: Duration,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RejudgeProgress {
    /// Rows judged again.
    pub rows: u64,
    /// The share of the time span that is done, 0 to 1.
    pub share: f64,
}

/// Rows that would change in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// How many.
    pub rows: u64,
    /// The newest of them.
    pub newest: TestId,
    /// Its path.
    pub path: String,
}

/// What became of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejudgeReport {
    /// From when on rows were read, by registration.
    pub since: Moment,
    /// Rows judged again.
    pub rows: u64,
    /// Rows left to the judge: pending, still watched, or open on the board.
    pub left: u64,
    /// The changes, by what a row says and what it would say instead: outcome and reason, like `failed/timeout`. Where
    /// these are the same, the other names the columns that differ.
    pub shifts: BTreeMap<(String, String), Shift>,
    /// Rows written; 0 unless that was ordered.
    pub amended: u64,
}

/// Why rows could not be judged again; what was written stays right, and the order may be given again.
#[derive(Debug, thiserror::Error)]
pub enum RejudgeError {
    /// The rows could not be read or written.
    #[error(transparent)]
    Ledger(StoreError),
    /// The open tests could not be read.
    #[error(transparent)]
    Board(StoreError),
}

impl Rejudge {
    /// Judges the rows registered at or after `since`, newest first. With `write`, rows whose verdict differs get it, in
    /// the next revision, and the rollups of their hours are made again; without, nothing is written.
    ///
    /// # Errors
    /// When the ledger or the board fails.
    pub async fn run(
        &self,
        since: Moment,
        write: bool,
        mut progress: impl FnMut(RejudgeProgress) + Send,
    ) -> Result<RejudgeReport, RejudgeError> {
        let now = self.clock.now();
        let open = self.board.open_tests().await.map_err(RejudgeError::Board)?;
        let mut work = Work {
            now,
            blind_after: self.blind_after,
            open: open.into_iter().map(|facts| facts.test.test_id).collect(),
            report: RejudgeReport { since, rows: 0, left: 0, shifts: BTreeMap::new(), amended: 0 },
        };
        let filter = Filter { from: Some(since), ..Filter::default() };
        let mut cursor = None;
        loop {
            let page = self.ledger.results(&filter, cursor, PAGE).await.map_err(RejudgeError::Ledger)?;
            let amendments: Vec<FactsRow> = page.rows.iter().filter_map(|row| work.look(row)).collect();
            if write && !amendments.is_empty() {
                let changed = self.ledger.record(&amendments).await.map_err(RejudgeError::Ledger)?;
                work.report.amended += changed.len() as u64;
            }
            if let Some(last) = page.rows.last() {
                let share = share(now, last.facts.test.registered_at, since);
                progress(RejudgeProgress { rows: work.report.rows, share });
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if work.report.amended > 0 {
            self.ledger.roll_up(now).await.map_err(RejudgeError::Ledger)?;
        }
        progress(RejudgeProgress { rows: work.report.rows, share: 1.0 });
        Ok(work.report)
    }
}

/// An order on its way.
struct Work {
    now: Moment,
    blind_after: Duration,
    open: HashSet<TestId>,
    report: RejudgeReport,
}

impl Work {
    /// What should be written over this row, if anything.
    fn look(&mut self, row: &ResultRow) -> Option<FactsRow> {
        let test = &row.facts.test;
        let watched = self.now < row.facts.watched_until() || self.open.contains(&test.test_id);
        if row.outcome == Outcome::Pending || watched {
            self.report.left += 1;
            return None;
        }
        self.report.rows += 1;
        let verdict = self.verdict(row)?;
        let differs = differences(row, &verdict);
        if differs.is_empty() {
            return None;
        }
        let (was, is) = (said(row.outcome, row.reason), said(verdict.outcome, verdict.reason));
        let is = if was == is { format!("{is} ({})", differs.join(", ")) } else { is };
        let shift = Shift { rows: 0, newest: test.test_id, path: test.path.clone() };
        self.report.shifts.entry((was, is)).or_insert(shift).rows += 1;
        let (facts, judge_term) = (row.facts.clone(), row.judge_term);
        Some(FactsRow { facts, verdict: Some(verdict), judged_at: self.now, judge_term })
    }

    /// The verdict of today's rules; `None`: they would still wait.
    fn verdict(&self, row: &ResultRow) -> Option<Verdict> {
        let facts = Facts { restored: row.reason == Some(Reason::StateLost), ..row.facts.clone() };
        let mut coverage = Coverage::default();
        prove(&mut coverage, row, &facts);
        let patience = Patience { blind_after: self.blind_after(row), look_again: self.blind_after };
        judge(&facts, &coverage, &patience, self.now).verdict
    }

    fn blind_after(&self, row: &ResultRow) -> Duration {
        let was_blind = matches!(row.reason, Some(Reason::ObserverBlind | Reason::StateLost));
        let waited = row.decided_as_of.zip(row.deadline_at).filter(|_| was_blind);
        waited.and_then(|(as_of, deadline)| (as_of - deadline).to_std().ok()).unwrap_or(self.blind_after)
    }
}

/// The columns in which a row differs from a verdict.
fn differences(row: &ResultRow, verdict: &Verdict) -> Vec<&'static str> {
    let columns = [
        ("outcome", row.outcome == verdict.outcome),
        ("failure_signal", row.reason == verdict.reason),
        ("missing_stages", row.missing == verdict.missing),
        ("completed_at", row.completed_at == verdict.completed_at),
        ("decided_as_of", row.decided_as_of == Some(verdict.decided_as_of)),
        ("total_latency_ms", same(row.latency_ms, verdict.latency_ms)),
        ("latency_basis", row.latency_basis == verdict.latency_basis),
        ("clock_error_ms", same(row.clock_error_ms, verdict.clock_error_ms)),
        ("landed", row.landed == verdict.landed),
    ];
    columns.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

/// Milliseconds are kept to the microsecond.
fn same(kept: Option<f64>, judged: Option<f64>) -> bool {
    match (kept, judged) {
        (Some(kept), Some(judged)) => (kept - judged).abs() < 0.000_5,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// As in `failed/timeout`.
fn said(outcome: Outcome, reason: Option<Reason>) -> String {
    reason.map_or_else(|| outcome.to_string(), |reason| format!("{outcome}/{reason}"))
}

/// Newest first: from the order's moment down to `since`.
#[expect(clippy::cast_precision_loss, reason = "a share of a progress bar")]
fn share(now: Moment, reached: Moment, since: Moment) -> f64 {
    let ms = |span: chrono::TimeDelta| span.num_milliseconds() as f64;
    (ms(now - reached) / ms(now - since).max(1.0)).clamp(0.0, 1.0)
}
