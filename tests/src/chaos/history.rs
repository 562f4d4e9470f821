//! What was seen of a run. The checks read nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use canary_sandbox::{Record, TransferCall};
use canary_store::ResultRow;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{Blow, Violation};
use crate::Row;

/// A moment of this machine's clock, which all servers have.
pub(super) type Moment = DateTime<Utc>;

/// A fault as it really was.
#[derive(Clone, Debug)]
pub struct Struck {
    /// What it was.
    pub blow: Blow,
    /// From when …
    pub from: Moment,
    /// … to when.
    pub until: Moment,
}

/// All rows at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When.
    pub at: Moment,
    /// By test id. A row that did not change since the snapshot before is the same one.
    pub rows: BTreeMap<Uuid, Arc<Row>>,
}

/// A moment at which a path's slots did not add up.
#[derive(Clone, Debug)]
pub struct Uneven {
    /// When.
    pub at: Moment,
    /// Who said so: SQL, or an instance's API.
    pub by: String,
    /// Slots without a row.
    pub residual: i64,
}

/// Something that was said: a log, an answer.
#[derive(Clone, Debug)]
pub struct Told {
    /// By whom.
    pub by: String,
    /// All of it.
    pub text: String,
}

/// What was seen of a run.
#[derive(Clone, Debug)]
pub struct History {
    /// What befell it.
    pub struck: Vec<Struck>,
    /// The platform's own record.
    pub record: Record,
    /// The rows at the end.
    pub rows: Vec<Row>,
    /// The same, as the ledger reads them.
    pub ledger: Vec<ResultRow>,
    /// The rows on the way.
    pub snapshots: Vec<Snapshot>,
    /// How often the slots were counted on the way.
    pub counted: usize,
    /// When they did not add up.
    pub uneven: Vec<Uneven>,
    /// Logs and answers.
    pub told: Vec<Told>,
    /// What none of those may say.
    pub secrets: Vec<String>,
    /// Everything that was registered before is judged.
    pub settled: Moment,
    /// `[deadlines]`, the same for all backends.
    pub deadline: Duration,
    /// `[cadence] call_timeout`.
    pub call_timeout: Duration,
    /// `[cadence] blind_after`.
    pub blind_after: Duration,
    /// What was noticed while it ran.
    pub noticed: Vec<Violation>,
}

impl History {
    /// The calls that were made with a test's key.
    pub(super) fn calls(&self, test_id: Uuid) -> impl Iterator<Item = &TransferCall> {
        let key = test_id.to_string();
        self.record.calls.iter().filter(move |call| call.idempotency_key.as_ref() == Some(&key))
    }

    /// The transfers that those made.
    pub(super) fn transfers(&self, test_id: Uuid) -> Vec<&str> {
        self.calls(test_id).filter_map(|call| call.transfer_id.as_deref()).collect()
    }

    /// The rows of slots.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.origin == "schedule")
    }

    /// Every verdict that was seen of a row, on the way and in the end, each once a revision.
    pub(super) fn verdicts(&self) -> impl Iterator<Item = &Row> {
        let on_the_way = self.snapshots.iter().flat_map(|snapshot| snapshot.rows.values().map(|row| &**row));
        let all = self.rows.iter().chain(on_the_way).filter(|row| row.judged());
        let verdicts: BTreeMap<(Uuid, i32, String), &Row> =
            all.map(|row| ((row.test_id, row.revision, row.verdict()), row)).collect();
        verdicts.into_values()
    }

    /// Whether something of this kind befell it between two moments.
    pub(super) fn befell(&self, from: Moment, until: Moment, kind: impl Fn(&Blow) -> bool) -> bool {
        self.struck.iter().any(|struck| struck.from <= until && from <= struck.until && kind(&struck.blow))
    }

    /// What a moment of the board's clock may have been on this machine's.
    pub(super) fn machine(&self, board: Moment) -> impl Iterator<Item = Moment> {
        let steps = self.struck.iter().filter_map(|struck| {
            if let Blow::ClockStepped(by) = struck.blow { Some(TimeDelta::seconds(by)) } else { None }
        });
        [TimeDelta::zero()].into_iter().chain(steps).map(move |by| board - by)
    }
}
