//! The sweep: no input, bounded, idempotent, no retry inside; answers what it did.
//!
//! The order of the steps is what keeps it right. Coverage is read before the facts it is held against: a reactor
//! stamps first and says that it has looked afterwards, so a stamp that coverage speaks of is always among the
//! facts. The ledger is written before the board is told to look later or never: a sweep may be dropped at any await
//! (crash, stop, lost lease), and what it had not finished is still due. Whoever was paused and wakes as a former
//! leader is stopped by its lease, or else by the ledger, which keeps what a higher term wrote.

use std::collections::HashSet;

use canary_domain::{Facts, Moment, Outcome, Patience, TestId};
use canary_store::{
    Due, FactsRow, Leadership, NotLeading, Observation, ReactorState, ResultRow, StoreError, Watcher,
};
use chrono::TimeDelta;
use tokio::time::Instant;
use tracing::error;

use crate::Judge;
use crate::page::{Judged, Look, Next, coverage};
use crate::points;

/// When to try again to write a row that the ledger refuses.
const REFUSED_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Tests looked at.
    pub looked: usize,
    /// Of these, tests that have a verdict.
    pub decided: usize,
    /// Rows that the ledger changed: new verdicts and amendments.
    pub changed: usize,
    /// Tests whose watch is over.
    pub closed: usize,
    /// Tests that the board had lost and got back from the ledger.
    pub restored: usize,
    /// Tests that neither board nor ledger knows any more.
    pub forgotten: usize,
    /// Rows that the ledger refused while it took others; they are tried again after a minute.
    pub refused: usize,
}

/// Why a sweep ended early. What it had not finished is still due.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The lease has run out, or may have.
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    /// The board failed.
    #[error(transparent)]
    Board(StoreError),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(StoreError),
}

impl Judge {
    /// Looks once at every test that was touched or is due, writes what it came to, and says when to look again.
    ///
    /// # Errors
    /// When the lease has run out or a store fails; what was not finished is then still due.
    pub async fn sweep(&self, lead: &Leadership) -> Result<SweepReport, SweepError> {
        let started = Instant::now();
        let now = self.clock.now();
        let reactors = self.reactors().await?;
        let look = Look {
            coverage: coverage(&reactors, &self.settings.local_frame),
            patience: self.patience(),
            now,
            term: lead.term(),
        };
        let observed = Observation { at: now, reactors: reactors.iter().map(Watcher::from).collect() };
        let mut sweep = Sweep { judge: self, lead, look, observed, report: SweepReport::default() };
        let mut seen = HashSet::new();
        loop {
            let due = self.board.due(now, self.settings.batch).await.map_err(SweepError::Board)?;
            let size = due.facts.len() + due.lost.len();
            let news = ids(&due).filter(|test_id| seen.insert(*test_id)).count();
            sweep.settle(due.facts).await?;
            sweep.find(&due.lost).await?;
            // A test that is touched again and again must not keep a sweep from ending.
            if size < self.settings.batch || news == 0 {
                break;
            }
        }
        self.tally.metrics().swept(self.clock.now(), started.elapsed());
        Ok(sweep.report)
    }

    /// Those of the local frame, of all instances.
    async fn reactors(&self) -> Result<Vec<ReactorState>, SweepError> {
        let mut reactors = self.board.reactors().await.map_err(SweepError::Board)?;
        reactors.retain(|state| state.frame == self.settings.local_frame);
        Ok(reactors)
    }

    fn patience(&self) -> Patience {
        Patience { blind_after: self.settings.blind_after, look_again: self.settings.sweep_every }
    }
}

/// A sweep on its way.
struct Sweep<'a> {
    judge: &'a Judge,
    lead: &'a Leadership,
    look: Look,
    /// The reactors behind the coverage: evidence, no part of any verdict.
    observed: Observation,
    report: SweepReport,
}

impl Sweep<'_> {
    /// Judges a page, writes it, and only then lets the board move on.
    async fn settle(&mut self, page: Vec<Facts>) -> Result<(), SweepError> {
        if page.is_empty() {
            return Ok(());
        }
        points::DUE_READ.reached();
        let page = page.into_iter().map(|facts| self.look.at(facts)).collect();
        let page = self.remember(page).await?;
        let mut next = Next::of(&page);
        self.report.looked += page.len();
        self.report.decided += page.iter().filter(|judged| judged.row.verdict.is_some()).count();
        // What is judged may be younger than the sweep's begin: the facts were read after it.
        let judged_at = self.judge.clock.now();
        let rows: Vec<FactsRow> =
            page.into_iter().map(|judged| FactsRow { judged_at, ..judged.row }).collect();
        points::VERDICTS_MADE.reached();
        let written = self.judge.write(self.lead, &rows, &self.observed).await?;
        points::VERDICTS_WRITTEN.reached();
        self.report.changed += written.changed;
        self.report.refused += written.refused.len();
        if !written.refused.is_empty() {
            next.postpone(&written.refused, self.look.now + REFUSED_PAUSE);
            self.lead.check()?;
            self.judge.board.keep(&written.refused).await.map_err(SweepError::Board)?;
        }
        if !next.looks.is_empty() {
            self.lead.check()?;
            self.judge.board.reschedule(&next.looks).await.map_err(SweepError::Board)?;
            points::LOOKS_SET.reached();
        }
        self.close(&next.close).await
    }

    /// Lets the ledger's own facts and verdicts speak where the board may know less (see [`Look::again`]).
    async fn remember(&self, page: Vec<Judged>) -> Result<Vec<Judged>, SweepError> {
        let doubtful: Vec<TestId> = page
            .iter()
            .filter(|judged| self.look.is_doubtful(judged))
            .map(|judged| judged.row.facts.test.test_id)
            .collect();
        if doubtful.is_empty() {
            return Ok(page);
        }
        let known = self.judge.ledger.rows(&doubtful).await.map_err(SweepError::Ledger)?;
        let again = |judged: Judged| {
            let test_id = judged.row.facts.test.test_id;
            match known.iter().find(|row| row.facts.test.test_id == test_id) {
                Some(row) => self.look.again(&judged, row),
                None => judged,
            }
        };
        Ok(page.into_iter().map(again).collect())
    }

    async fn close(&mut self, tests: &[TestId]) -> Result<(), SweepError> {
        if tests.is_empty() {
            return Ok(());
        }
        self.lead.check()?;
        self.judge.board.close(tests).await.map_err(SweepError::Board)?;
        points::TESTS_CLOSED.reached();
        self.judge.tally.closed(tests);
        self.report.closed += tests.len();
        Ok(())
    }

    /// Deals with tests whose facts the board has lost: those that the ledger still waits for or that are still
    /// watched come back from there, the others are closed.
    async fn find(&mut self, lost: &[TestId]) -> Result<(), SweepError> {
        if lost.is_empty() {
            return Ok(());
        }
        let rows = self.judge.ledger.rows(lost).await.map_err(SweepError::Ledger)?;
        points::LOST_FOUND.reached();
        let known: HashSet<TestId> = rows.iter().map(|row| row.facts.test.test_id).collect();
        for test_id in lost.iter().filter(|test_id| !known.contains(test_id)) {
            error!(%test_id, "neither board nor ledger knows what was fired here; the test is given up");
            self.report.forgotten += 1;
        }
        let back: Vec<Facts> =
            rows.into_iter().filter(|row| is_awaited(row, self.look.now)).map(|row| row.facts).collect();
        if !back.is_empty() {
            self.lead.check()?;
            self.judge.board.restore(&back).await.map_err(SweepError::Board)?;
            self.report.restored += back.len();
        }
        let back: HashSet<TestId> = back.iter().map(|facts| facts.test.test_id).collect();
        let over: Vec<TestId> = lost.iter().copied().filter(|test_id| !back.contains(test_id)).collect();
        self.close(&over).await
    }
}

/// Whether something may still happen to a row: it has no verdict, or its watch is not over.
pub(crate) fn is_awaited(row: &ResultRow, now: Moment) -> bool {
    match row.outcome {
        Outcome::Pending => true,
        Outcome::Passed | Outcome::Late | Outcome::Failed | Outcome::Inconclusive => {
            now < row.facts.watched_until()
        }
        Outcome::Skipped | Outcome::Missed => false,
    }
}

fn ids(due: &Due) -> impl Iterator<Item = TestId> {
    due.facts.iter().map(|facts| facts.test.test_id).chain(due.lost.iter().copied())
}
