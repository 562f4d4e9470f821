//! What those who watch outcomes live are told: the demo, and the console's stream.

use canary_domain::{Backend, Moment, Origin, Outcome, Reason, TestId, Verdict};
use canary_store::{Change, FactsRow};
use serde::Serialize;

/// A verdict that the ledger has just taken, or an amendment of one. Field names are the ledger's columns'.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeNews {
    /// The test.
    pub test_id: TestId,
    /// Its path.
    pub path: String,
    /// Its backend.
    pub backend: Backend,
    /// Where it comes from: only `schedule` counts anywhere.
    pub origin: Origin,
    /// Its cycle; `None` for a test without a slot.
    pub cycle: Option<i64>,
    /// When it was registered.
    pub registered_at: Moment,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    #[serde(rename = "failure_signal")]
    pub reason: Option<Reason>,
    /// Names of the groups not met.
    #[serde(rename = "missing_stages")]
    pub missing: Vec<&'static str>,
    /// Milliseconds from firing to completion.
    #[serde(rename = "total_latency_ms")]
    pub latency_ms: Option<f64>,
    /// When it was judged.
    pub judged_at: Moment,
    /// 1 for the first verdict, one more with each change after that.
    pub revision: i32,
}

impl OutcomeNews {
    pub(crate) fn new(row: &FactsRow, verdict: &Verdict, change: &Change) -> Self {
        let test = &row.facts.test;
        Self {
            test_id: test.test_id,
            path: test.path.clone(),
            backend: test.backend,
            origin: test.origin,
            cycle: test.cycle,
            registered_at: test.registered_at,
            outcome: change.after,
            reason: verdict.reason,
            missing: verdict.missing.clone(),
            latency_ms: verdict.latency_ms,
            judged_at: row.judged_at,
            revision: change.revision,
        }
    }
}
