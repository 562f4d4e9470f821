//! How far back slots are kept: bounded whatever the fire period is, which may be a second.

use std::time::Duration;

use canary_domain::{Cadence, Moment};
use chrono::TimeDelta;

use super::hours::{KEPT, begin, hour_of};

/// The cycles that can be shown: an hour of 5 seconds each.
pub(crate) const CYCLES: i64 = 720;
/// How long ago a cycle that can be shown began at most.
const SHOWN: Duration = Duration::from_secs(7_200);
/// The shortest window counts its slots one by one.
const COUNTED: Duration = Duration::from_secs(3_600);

/// What is kept as of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The hour that goes on.
    pub(super) hour: i64,
    /// The first hour whose slots are counted one by one; those before are in the rollup.
    pub(super) first: i64,
    /// Cycles that began after this, in milliseconds since the epoch, can be shown.
    pub(super) shown_ms: i64,
}

impl Span {
    pub(super) fn new(now: Moment, cadence: Cadence) -> Self {
        let cycles = cadence.period().saturating_mul(u32::try_from(CYCLES).unwrap_or(u32::MAX));
        let shown = cycles.min(SHOWN);
        let ago = |duration: Duration| now - TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Self {
            hour: hour_of(now),
            first: hour_of(ago(shown.max(COUNTED))),
            shown_ms: ago(shown).timestamp_millis(),
        }
    }

    /// The moment from which on slots are kept.
    pub(super) fn since(self) -> Moment {
        begin(self.first)
    }

    pub(super) fn since_ms(self) -> i64 {
        self.since().timestamp_millis()
    }

    /// Whether both are of the same hour.
    pub(super) fn is_of_hour(self, other: Self) -> bool {
        self.hour == other.hour
    }

    /// The first hour that any window needs.
    pub(super) fn oldest_hour(self) -> i64 {
        self.hour - KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hours_can_be_shown_but_no_more_cycles_than_a_page_can_hold() {
        let now = canary_domain::parse_iso("2026-11-21T01:30:00Z").unwrap();
        let span = |seconds| {
            let cadence = Cadence::new(Duration::from_secs(seconds), Duration::ZERO).unwrap();
            let span = Span::new(now, cadence);
            (now.timestamp() - span.shown_ms / 1_000, span.hour - span.first)
        };
        assert_eq!([60, 5, 1].map(span), [(7_200, 2), (3_600, 1), (720, 1)]);
    }
}
