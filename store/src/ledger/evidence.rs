//! What is kept beside the row of a test that failed (design §5): how the canary's own observers were when it was judged,
//! and what a search of the platform's logs found.
//!
//! It has a table of its own because it is no fact that a verdict rests on: a row is compared with what a judge knows
//! of its test, and changes when they differ (I3, I6), while this is taken once, with the first verdict that asks for it.

use canary_domain::{EventType, Moment, NodeId, Outcome, Reason, TestId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::types::Json;

use super::record::Record;
use super::values::{Time, Word, foreign};
use crate::ReactorState;

/// How a reactor was when a verdict was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// The frame whose EventStore it reads.
    pub frame: String,
    /// What it consumes.
    pub event_type: EventType,
    /// The instance it runs in.
    pub node: NodeId,
    /// Whether its socket was subscribed.
    pub connected: bool,
    /// Everything up to this position was processed and stamped.
    pub position: Option<i64>,
    /// From when on it had certainly seen everything.
    pub covered_since: Option<Moment>,
    /// Up to when.
    pub covered_until: Option<Moment>,
    /// When it last saw an event of its type, anybody's.
    pub last_event_at: Option<Moment>,
}

impl From<&ReactorState> for Watcher {
    fn from(state: &ReactorState) -> Self {
        Self {
            frame: state.frame.clone(),
            event_type: state.event_type,
            node: state.node.clone(),
            connected: state.connected,
            position: state.position,
            covered_since: state.covered.map(|covered| covered.from),
            covered_until: state.covered.map(|covered| covered.until),
            last_event_at: state.last_event_at,
        }
    }
}

/// How the observers were when a sweep looked at them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When that was.
    pub at: Moment,
    /// The local frame's reactors, of all instances.
    pub reactors: Vec<Watcher>,
}

/// What a search of the platform's logs came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSearch {
    /// When it ended.
    pub at: Moment,
    /// HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The begin of the answer; secrets removed.
    pub body: Option<String>,
    /// Whether there was more.
    pub truncated: bool,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// What is kept of a failure beside its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How the observers were.
    pub observed: Observation,
    /// What the logs say; `None`: not asked.
    pub log: Option<LogSearch>,
}

/// A failure whose logs were not searched yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsearched {
    /// The test.
    pub test_id: TestId,
    /// The platform's id of its transfer, if it is known.
    pub transfer_id: Option<String>,
    /// When it was registered.
    pub registered_at: Moment,
    /// When the verdict was given.
    pub observed_at: Moment,
}

/// Whether a verdict asks for evidence: the platform failed, or the observers could not tell.
pub(super) fn is_wanted(record: &Record) -> bool {
    record.outcome.0 == Outcome::Failed
        || record.failure_signal.as_ref().is_some_and(|reason| reason.0 == Reason::ObserverBlind)
}

/// A row of `canary_evidence`.
#[derive(Debug, FromRow)]
pub(super) struct EvidenceRow {
    observed_at: Time,
    reactors: Json<Vec<Watcher>>,
    log: Option<Json<LogSearch>>,
}

impl From<EvidenceRow> for Evidence {
    fn from(row: EvidenceRow) -> Self {
        let observed = Observation { at: row.observed_at.into(), reactors: row.reactors.0 };
        Self { observed, log: row.log.map(|log| log.0) }
    }
}

/// One of them without `log`, with what a search asks for.
#[derive(Debug, FromRow)]
pub(super) struct UnsearchedRow {
    test_id: Word<TestId>,
    transfer_id: Option<String>,
    registered_at: Time,
    observed_at: Time,
}

impl From<UnsearchedRow> for Unsearched {
    fn from(row: UnsearchedRow) -> Self {
        Self {
            test_id: row.test_id.0,
            transfer_id: row.transfer_id,
            registered_at: row.registered_at.into(),
            observed_at: row.observed_at.into(),
        }
    }
}

/// As a database can keep it: the answer came from outside.
pub(super) fn kept(search: &LogSearch) -> Json<LogSearch> {
    let text = |text: &Option<String>| text.as_deref().map(foreign);
    Json(LogSearch { body: text(&search.body), error: text(&search.error), ..search.clone() })
}

pub(super) const EVIDENCE: &str =
    "SELECT observed_at, reactors, log FROM canary_evidence WHERE canary = $1 AND test_id = $2";

/// Of verdicts given from `$2` on and before `$3`, the newest first: what was asked for long ago has left the logs.
pub(super) const UNSEARCHED: &str = "SELECT CAST(test_id AS text) AS test_id, transfer_id, registered_at, observed_at \
     FROM canary_evidence AS asked JOIN canary_test_results AS result USING (test_id) \
     WHERE asked.canary = $1 AND log IS NULL AND observed_at >= $2 AND observed_at < $3 \
     ORDER BY observed_at DESC LIMIT $4";

/// The first search counts.
pub(super) const KEEP_SEARCH: &str =
    "UPDATE canary_evidence SET log = $3 WHERE canary = $1 AND test_id = $2 AND log IS NULL";

/// What results that are gone have left, at most `$3`, of before `$2`.
pub(super) const PRUNE: &str = "DELETE FROM canary_evidence WHERE canary = $1 AND test_id IN ( \
     SELECT test_id FROM canary_evidence AS old WHERE canary = $1 AND observed_at < $2 AND NOT EXISTS ( \
     SELECT 1 FROM canary_test_results AS result WHERE result.test_id = old.test_id) \
     ORDER BY observed_at LIMIT $3)";
