//! What the export reads of many rows, and how far it has come.
//!
//! The mark is a number of the change feed, since that alone is safe: a row may be written, and judged, long after rows
//! that are newer (its judge was away, or nobody fired it and that was found out later), and a mark among registrations
//! would have passed its place by then. In the feed it comes last, whenever that is. A mark only ever moves on:
//! whoever saves it has pushed everything up to it, so a leader that was deposed meanwhile can't harm with what it knows.

use canary_domain::{Backend, Moment, Outcome, TestId};
use chrono::{DateTime, TimeDelta};
use sqlx::FromRow;

use super::values::{Millis, Time, Word};

/// What the samples of one path are labelled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The path's name.
    pub path: String,
    /// How its transfers are made.
    pub backend: Backend,
    /// Frame of the sender.
    pub source_frame: String,
    /// Frame of the receiver.
    pub dest_frame: String,
}

/// A scheduled row with a verdict, as the export needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRow {
    /// The test.
    pub test_id: TestId,
    /// Whose samples they are.
    pub route: Route,
    /// When its cycle began.
    pub cycle_at: Moment,
    /// When it was registered.
    pub registered_at: Moment,
    /// When it was fired.
    pub fired_at: Option<Moment>,
    /// The end of its watch.
    pub watched_until: Moment,
    /// When its verdict was last written.
    pub judged_at: Moment,
    /// How it ended.
    pub outcome: Outcome,
    /// Milliseconds from firing to completion.
    pub latency_ms: Option<f64>,
    /// The number of its last change; `None` for rows judged before there were numbers.
    pub change: Option<i64>,
}

/// How far a target's export has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportMark {
    /// All changes up to this number were pushed.
    pub change: i64,
    /// Registration of the row with that number.
    pub registered_at: Moment,
    /// Its test.
    pub test_id: TestId,
}

/// A row as it is read.
#[derive(Debug, FromRow)]
pub(super) struct Narrow {
    test_id: Word<TestId>,
    path: String,
    backend: Word<Backend>,
    source_frame: String,
    dest_frame: String,
    cycle: i64,
    period_ms: i64,
    registered_at: Time,
    fired_at: Option<Time>,
    watch_ms: i64,
    judged_at: Time,
    outcome: Word<Outcome>,
    total_latency_ms: Option<Millis>,
    change_id: Option<i64>,
}

impl From<Narrow> for ExportRow {
    fn from(row: Narrow) -> Self {
        let (registered_at, fired_at) = (Moment::from(row.registered_at), row.fired_at.map(Moment::from));
        let cycle_at = DateTime::from_timestamp_millis(row.cycle.saturating_mul(row.period_ms));
        let watch = TimeDelta::try_milliseconds(row.watch_ms).unwrap_or(TimeDelta::MAX);
        let watched_from = fired_at.unwrap_or(registered_at);
        Self {
            test_id: row.test_id.0,
            route: Route {
                path: row.path,
                backend: row.backend.0,
                source_frame: row.source_frame,
                dest_frame: row.dest_frame,
            },
            cycle_at: cycle_at.unwrap_or(registered_at),
            registered_at,
            fired_at,
            watched_until: watched_from.checked_add_signed(watch).unwrap_or(Moment::MAX_UTC),
            judged_at: row.judged_at.into(),
            outcome: row.outcome.0,
            latency_ms: row.total_latency_ms.map(f64::from),
            change: row.change_id,
        }
    }
}

pub(super) fn rows(rows: Vec<Narrow>) -> Vec<ExportRow> {
    rows.into_iter().map(ExportRow::from).collect()
}

/// Rows whose change has a number above `$2`, at most `$3`; `test_id` is how the make reads an id.
pub(super) fn changes(test_id: &str) -> String {
    format!("{} AND change_id > $2 ORDER BY change_id LIMIT $3", select(test_id))
}

/// Rows that follow `($2, $3)` in the order of registration, registered before `$4`, at most `$5`.
pub(super) fn span(test_id: &str) -> String {
    format!(
        "{} AND outcome <> 'pending' AND (registered_at, test_id) > ($2, $3) AND registered_at < $4 \
         ORDER BY registered_at, test_id LIMIT $5",
        select(test_id)
    )
}

fn select(test_id: &str) -> String {
    format!(
        "SELECT {test_id}, path, backend, source_frame, dest_frame, cycle, period_ms, registered_at, fired_at, \
         watch_ms, judged_at, outcome, total_latency_ms, change_id FROM canary_test_results \
         WHERE canary = $1 AND origin = 'schedule'"
    )
}

pub(super) const MARK: &str = "SELECT change_id FROM canary_export_cursor WHERE canary = $1 AND target = $2";

/// Moves the mark on, never back.
pub(super) const SAVE: &str = "INSERT INTO canary_export_cursor AS kept \
     (canary, target, change_id, registered_at, test_id, exported_at) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (canary, target) DO UPDATE SET change_id = excluded.change_id, \
     registered_at = excluded.registered_at, test_id = excluded.test_id, exported_at = excluded.exported_at \
     WHERE excluded.change_id > kept.change_id";
