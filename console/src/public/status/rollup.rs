//! The past hour in twelve parts of five minutes.

use canary_domain::{Moment, Outcome, PathState};
use canary_store::PlacedHold;
use chrono::{DateTime, TimeDelta};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Time, words};
use crate::picture::{Glance, PathKept};
use crate::views::Views;

/// The parts of the hour.
pub(super) const PARTS: usize = 12;
const PART_S: i64 = 300;
/// The moment that is told goes by such steps, so that what has not changed is the same bytes.
const STEP_S: i64 = 15;

/// How everything does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    #[schema(value_type = words::PathState)]
    pub(super) state: PathState,
    pub(super) at: Time,
    pub(super) paths: Vec<PathStatus>,
}

/// How a path does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PathStatus {
    pub(super) path: String,
    #[schema(value_type = words::PathState)]
    pub(super) state: PathState,
    /// Oldest first.
    pub(super) hour: Vec<Part>,
}

/// Five minutes of a path, by the moments at which the slots' cycles began.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = StatusPart)]
pub(super) struct Part {
    pub(super) from: Time,
    pub(super) passed: i64,
    pub(super) late: i64,
    pub(super) failed: i64,
    pub(super) inconclusive: i64,
    /// Skipped or missed.
    pub(super) not_fired: i64,
}

impl Status {
    /// As of the picture: what is behind says so.
    pub(super) fn of(views: &Views, glance: &Glance, holds: &[PlacedHold]) -> Self {
        let states = views.states_of(&glance.paths, holds);
        let paths = views.plan().paths.iter().zip(&glance.paths).zip(states.paths);
        let paths = paths.map(|((path, kept), of)| PathStatus {
            path: path.name.clone(),
            state: of,
            hour: hour(kept, glance.as_of),
        });
        Self { state: states.overall, at: Time(floor(glance.as_of, STEP_S)), paths: paths.collect() }
    }
}

/// The part that goes on is the last of them.
fn hour(kept: &PathKept, now: Moment) -> Vec<Part> {
    let part = TimeDelta::seconds(PART_S);
    let mut from = floor(now, PART_S) - part * 11;
    let mut hour: Vec<Part> = Vec::with_capacity(PARTS);
    for _ in 0..PARTS {
        hour.push(Part { from: Time(from), passed: 0, late: 0, failed: 0, inconclusive: 0, not_fired: 0 });
        from += part;
    }
    let first = hour[0].from.0;
    for slot in kept.after(first - TimeDelta::milliseconds(1)) {
        let index = (slot.begin_ms() - first.timestamp_millis()).div_euclid(PART_S * 1_000);
        let Some(part) = usize::try_from(index).ok().and_then(|index| hour.get_mut(index)) else { continue };
        match slot.outcome() {
            Outcome::Passed => part.passed += 1,
            Outcome::Late => part.late += 1,
            Outcome::Failed => part.failed += 1,
            Outcome::Inconclusive => part.inconclusive += 1,
            Outcome::Skipped | Outcome::Missed => part.not_fired += 1,
            Outcome::Pending => {}
        }
    }
    hour
}

fn floor(moment: Moment, seconds: i64) -> Moment {
    let since = moment.timestamp().div_euclid(seconds) * seconds;
    DateTime::from_timestamp(since, 0).unwrap_or(moment)
}
