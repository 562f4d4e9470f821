//! The figures of a span of time.

use canary_domain::{Moment, Outcome};
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

use crate::picture::{PathKept, Tally};

/// Slots of a span by outcome, and what they say. Tests that were fired outside any slot are in none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    passed: i64,
    late: i64,
    failed: i64,
    inconclusive: i64,
    skipped: i64,
    missed: i64,
    pending: i64,
    /// passed / (passed + late + failed); null if there is none of them.
    pass_rate: Option<f64>,
    /// Percentiles of the latencies of what was done, within 1 %.
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl From<&Tally> for Window {
    fn from(tally: &Tally) -> Self {
        Self {
            passed: tally.of(Outcome::Passed),
            late: tally.of(Outcome::Late),
            failed: tally.of(Outcome::Failed),
            inconclusive: tally.of(Outcome::Inconclusive),
            skipped: tally.of(Outcome::Skipped),
            missed: tally.of(Outcome::Missed),
            pending: tally.of(Outcome::Pending),
            pass_rate: tally.pass_rate(),
            p50_ms: tally.quantile(0.5),
            p95_ms: tally.quantile(0.95),
            p99_ms: tally.quantile(0.99),
        }
    }
}

/// The last 60 minutes; the longer ones begin with the full hour that lies at least so far back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Windows {
    #[serde(rename = "1h")]
    hour: Window,
    #[serde(rename = "24h")]
    day: Window,
    #[serde(rename = "7d")]
    week: Window,
    #[serde(rename = "30d")]
    month: Window,
}

/// The four spans of a path, or of all paths together.
#[derive(Debug, Default)]
pub(crate) struct Tallies([Tally; 4]);

impl Tallies {
    /// Those of a path.
    pub(crate) fn of(kept: &PathKept, now: Moment) -> Self {
        let [day, week, month] = kept.windows();
        Self([kept.tally_after(now - TimeDelta::hours(1)), day, week, month])
    }

    /// Counts all of another's.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            sum.merge(more);
        }
    }
}

impl From<&Tallies> for Windows {
    fn from(Tallies([hour, day, week, month]): &Tallies) -> Self {
        Self { hour: hour.into(), day: day.into(), week: week.into(), month: month.into() }
    }
}
