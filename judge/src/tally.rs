//! Counts what the ledger took, and tells those who watch.
//!
//! Only a change that the ledger reports is counted: a sweep that is done again, here or by another leader, changes
//! nothing and so counts nothing. Tests without a slot are told, but stay out of all metrics (design §13).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use canary_domain::{Backend, Facts, Moment, Origin, Outcome, Stage, TestId, Verdict};
use canary_store::{Accounting, Change, FactsRow, ResultRow};
use canary_telemetry::JudgeMetrics;
use tokio::sync::broadcast;

use crate::OutcomeNews;

pub(crate) struct Tally {
    metrics: Arc<JudgeMetrics>,
    outcomes: broadcast::Sender<OutcomeNews>,
    /// Written by whoever sweeps: one task, but a test may drop a sweep and begin another.
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// A gauge of the last pass must not go back when an older test is judged after a newer one.
    last_pass: HashMap<String, Moment>,
    /// The stages counted of each decided test, a bit each, so that a late stamp counts once.
    counted: HashMap<TestId, u8>,
}

impl Tally {
    pub(crate) fn new(metrics: Arc<JudgeMetrics>, outcomes: broadcast::Sender<OutcomeNews>) -> Self {
        Self { metrics, outcomes, memory: Mutex::default() }
    }

    pub(crate) fn metrics(&self) -> &JudgeMetrics {
        &self.metrics
    }

    /// The ledger took these changes of these rows.
    pub(crate) fn changed(&self, rows: &[FactsRow], changes: &[Change]) {
        let rows: HashMap<TestId, &FactsRow> = rows.iter().map(|row| (row.facts.test.test_id, row)).collect();
        let mut changed: Vec<(&FactsRow, &Verdict, &Change)> = changes
            .iter()
            .filter_map(|change| {
                let row = rows.get(&change.test_id)?;
                Some((*row, row.verdict.as_ref()?, change))
            })
            .collect();
        changed.sort_by_key(|(row, ..)| row.facts.test.registered_at);
        for (row, verdict, change) in changed {
            if row.facts.test.origin == Origin::Schedule {
                self.count(row, verdict, change);
            }
            // An error only says that nobody listens.
            drop(self.outcomes.send(OutcomeNews::new(row, verdict, change)));
        }
    }

    fn count(&self, row: &FactsRow, verdict: &Verdict, change: &Change) {
        let test = &row.facts.test;
        self.stages(&row.facts, change.revision);
        let amended = change.before == Some(change.after);
        if let Some(signal) = verdict.reason.filter(|reason| reason.outcome() == Outcome::Failed)
            && !(amended && change.reason_before == Some(signal))
        {
            self.metrics.failure(&test.path, test.backend, signal);
        }
        if amended {
            return;
        }
        self.metrics.outcome(&test.path, test.backend, change.after);
        self.metrics.verdict_delay((row.judged_at - verdict.decided_as_of).to_std().unwrap_or_default());
        match change.after {
            Outcome::Passed => {
                self.latency(&row.facts, verdict);
                if let Some(at) = verdict.completed_at {
                    self.passed(&test.path, at);
                }
            }
            Outcome::Late => self.latency(&row.facts, verdict),
            Outcome::Pending
            | Outcome::Failed
            | Outcome::Inconclusive
            | Outcome::Skipped
            | Outcome::Missed => {}
        }
    }

    fn latency(&self, facts: &Facts, verdict: &Verdict) {
        if let Some(ms) = verdict.latency_ms {
            self.metrics.latency(&facts.test.path, facts.test.backend, ms);
        }
    }

    fn passed(&self, path: &str, at: Moment) {
        let mut memory = self.memory();
        let last = memory.last_pass.entry(path.to_owned()).or_insert(at);
        *last = at.max(*last);
        self.metrics.passed(path, *last);
    }

    /// Counts the stages not counted yet. A row that another leader decided is taken as counted by it.
    fn stages(&self, facts: &Facts, revision: i32) {
        let Some(fired_at) = facts.fired_at else { return };
        let mut memory = self.memory();
        let known = memory.counted.get(&facts.test.test_id).copied();
        let mut counted = known.unwrap_or(0);
        for (stage, stamp) in facts.stamps.iter() {
            let bit = 1 << (stage as u8);
            if counted & bit == 0 && (known.is_some() || revision <= 1) {
                self.metrics.stage_latency(facts.test.backend, stage, millis(stamp.counted() - fired_at));
            }
            counted |= bit;
        }
        memory.counted.insert(facts.test.test_id, counted);
    }

    /// The judge will not see these again.
    pub(crate) fn closed(&self, tests: &[TestId]) {
        let mut memory = self.memory();
        for test_id in tests {
            memory.counted.remove(test_id);
        }
    }

    /// Another may lead from now on, and decide what is remembered here.
    pub(crate) fn forget(&self) {
        self.memory().counted.clear();
    }

    pub(crate) fn in_flight(&self, pending: &[Facts]) {
        for backend in Backend::ALL {
            let tests = pending.iter().filter(|facts| facts.test.backend == *backend).count();
            self.metrics.in_flight(*backend, i64::try_from(tests).unwrap_or(i64::MAX));
        }
    }

    pub(crate) fn accounted(&self, accounting: &Accounting) {
        for account in &accounting.paths {
            self.metrics.residual(&account.path, account.residual);
        }
    }

    /// The last pass of a path as the ledger has it, which a new leader has not seen itself.
    pub(crate) fn last_pass(&self, row: &ResultRow) {
        if let Some(at) = row.completed_at {
            self.passed(&row.facts.test.path, at);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "2^52 microseconds are 142 years")]
fn millis(took: chrono::TimeDelta) -> f64 {
    (took.num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0).max(0.0)
}

/// One bit a stage.
const _: () = assert!(Stage::ALL.len() <= 8);
