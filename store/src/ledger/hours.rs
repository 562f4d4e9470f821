//! The hourly rollup, from the rows of its hours (design §5). The histograms are the domain's, so they are counted
//! here and not in SQL.

use std::collections::BTreeMap;

use canary_domain::{Backend, Histogram, Moment, Outcome};
use chrono::DateTime;
use serde::Serialize;
use sqlx::{FromRow, Row};

use super::values::{Millis, Time, Word};

/// How many hours of paths one transaction computes.
pub(super) const AT_ONCE: usize = 200;

const HOUR_MS: i64 = 3_600_000;

/// The scheduled slots of one path that begin in one hour, as they were when the hour was last rolled up.
#[derive(Clone, Debug, PartialEq)]
pub struct PathHour {
    /// The path.
    pub path: String,
    /// How its transfers were made; a path whose backend was changed within the hour has two rows.
    pub backend: Backend,
    /// When the hour begins.
    pub hour: Moment,
    /// Slots by outcome.
    pub passed: i64,
    /// Slots by outcome.
    pub late: i64,
    /// Slots by outcome.
    pub failed: i64,
    /// Slots by outcome.
    pub inconclusive: i64,
    /// Slots by outcome.
    pub skipped: i64,
    /// Slots by outcome.
    pub missed: i64,
    /// Slots by outcome.
    pub pending: i64,
    /// Milliseconds from firing to completion, of the passed and the late ones.
    pub latencies: Histogram,
}

/// One hour of one path, as a number of hours since the epoch.
#[derive(Clone, Debug, FromRow, Serialize)]
pub(super) struct Touched {
    pub(super) path: String,
    pub(super) hour: i64,
}

/// Hours with a row judged at or after `$2`.
pub(super) const TOUCHED: &str = "SELECT DISTINCT path, cycle * period_ms / 3600000 AS hour \
     FROM canary_test_results WHERE canary = $1 AND origin = 'schedule' AND judged_at >= $2 ORDER BY hour, path";

/// What the rollup needs of one row.
#[derive(Debug, FromRow)]
pub(super) struct Slot {
    path: String,
    backend: Word<Backend>,
    hour: i64,
    outcome: Word<Outcome>,
    total_latency_ms: Option<Millis>,
}

/// Rollups of the hours from `$2` on and before `$3`.
pub(super) const HOURS: &str = "SELECT path, backend, hour, passed, late, failed, inconclusive, skipped, missed, \
     pending, latencies FROM canary_hourly WHERE canary = $1 AND hour >= $2 AND hour < $3 \
     ORDER BY hour, path, backend";

/// A row of `canary_hourly`.
#[derive(Debug, Serialize, FromRow)]
pub(super) struct Hour {
    path: String,
    backend: Word<Backend>,
    pub(super) hour: Time,
    passed: i64,
    late: i64,
    failed: i64,
    inconclusive: i64,
    skipped: i64,
    missed: i64,
    pending: i64,
    #[sqlx(json)]
    latencies: Histogram,
}

impl From<Hour> for PathHour {
    fn from(hour: Hour) -> Self {
        Self {
            path: hour.path,
            backend: hour.backend.0,
            hour: hour.hour.into(),
            passed: hour.passed,
            late: hour.late,
            failed: hour.failed,
            inconclusive: hour.inconclusive,
            skipped: hour.skipped,
            missed: hour.missed,
            pending: hour.pending,
            latencies: hour.latencies,
        }
    }
}

/// Reads rows of [`HOURS`]. Most of its time goes into the histograms.
pub(super) fn path_hours<R>(rows: &[R]) -> sqlx::Result<Vec<PathHour>>
where
    R: Row,
    Hour: for<'r> FromRow<'r, R>,
{
    rows.iter().map(|row| Hour::from_row(row).map(PathHour::from)).collect()
}

/// When an hour begins.
pub(super) fn begin(hour: i64) -> Moment {
    DateTime::from_timestamp_millis(hour.saturating_mul(HOUR_MS)).unwrap_or(Moment::MAX_UTC)
}

/// Counts slots by hour, path and backend.
pub(super) fn rolled_up(slots: Vec<Slot>) -> Vec<Hour> {
    let mut hours: BTreeMap<(i64, String, Backend), Hour> = BTreeMap::new();
    for slot in slots {
        let key = (slot.hour, slot.path.clone(), slot.backend.0);
        hours.entry(key).or_insert_with(|| Hour::empty(&slot)).count(&slot);
    }
    hours.into_values().collect()
}

impl Hour {
    fn empty(slot: &Slot) -> Self {
        Self {
            path: slot.path.clone(),
            backend: slot.backend,
            hour: begin(slot.hour).into(),
            passed: 0,
            late: 0,
            failed: 0,
            inconclusive: 0,
            skipped: 0,
            missed: 0,
            pending: 0,
            latencies: Histogram::default(),
        }
    }

    fn count(&mut self, slot: &Slot) {
        let (place, done) = match slot.outcome.0 {
            Outcome::Pending => (&mut self.pending, false),
            Outcome::Passed => (&mut self.passed, true),
            Outcome::Late => (&mut self.late, true),
            Outcome::Failed => (&mut self.failed, false),
            Outcome::Inconclusive => (&mut self.inconclusive, false),
            Outcome::Skipped => (&mut self.skipped, false),
            Outcome::Missed => (&mut self.missed, false),
        };
        *place += 1;
        if let (true, Some(latency)) = (done, slot.total_latency_ms) {
            self.latencies.add(latency.into());
        }
    }
}
