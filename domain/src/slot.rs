//! Cycles and the moments of their slots (design §1, §2.1).

use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use crate::Moment;

/// When slots are due. Cycles are absolute (⌊epoch ÷ period⌋), so restarts and leaders agree on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    period_us: i64,
    spread_us: i64,
}

/// Why two durations make no cadence.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CadenceError {
    /// Shorter than a second, or not a whole number of milliseconds.
    #[error("the fire period is {0:?}; it has to be at least 1s and a whole number of milliseconds")]
    Period(Duration),
    /// So wide that a slot of one cycle could start in the next.
    #[error("the spread is {spread:?}; it may be at most half of the fire period ({period:?})")]
    Spread {
        /// The spread asked for.
        spread: Duration,
        /// The period asked for.
        period: Duration,
    },
}

impl Cadence {
    /// Checks a period and the spread of the paths over it.
    ///
    /// # Errors
    /// With a period below one second, or a spread beyond half a period.
    pub fn new(period: Duration, spread: Duration) -> Result<Self, CadenceError> {
        let period_us = i64::try_from(period.as_micros()).map_err(|_| CadenceError::Period(period))?;
        if period_us < 1_000_000 || period_us % 1_000 != 0 {
            return Err(CadenceError::Period(period));
        }
        let spread_us = i64::try_from(spread.as_micros()).unwrap_or(i64::MAX);
        if spread_us > period_us / 2 {
            return Err(CadenceError::Spread { spread, period });
        }
        Ok(Self { period_us, spread_us })
    }

    /// The fire period in milliseconds.
    #[must_use]
    pub fn period_ms(self) -> i64 {
        self.period_us / 1_000
    }

    /// The fire period.
    #[must_use]
    pub fn period(self) -> Duration {
        Duration::from_micros(self.period_us.unsigned_abs())
    }

    /// The cycle that a moment lies in.
    #[must_use]
    pub fn cycle_at(self, moment: Moment) -> i64 {
        moment.timestamp_micros().div_euclid(self.period_us)
    }

    /// The edge a cycle begins at.
    #[must_use]
    pub fn edge(self, cycle: i64) -> Moment {
        DateTime::from_timestamp_micros(cycle.saturating_mul(self.period_us))
            .unwrap_or(DateTime::<chrono::Utc>::MAX_UTC)
    }

    /// When the slot of the `index`th of `paths` paths is due: spread evenly over the spread.
    #[must_use]
    pub fn due(self, cycle: i64, index: usize, paths: usize) -> Moment {
        let (index, paths) = (i64::try_from(index).unwrap_or(0), i64::try_from(paths.max(1)).unwrap_or(1));
        self.edge(cycle) + TimeDelta::microseconds(self.spread_us * index / paths)
    }

    /// Until when a slot that was due at `due` may start; after that it is missed (design §13).
    #[must_use]
    pub fn start_by(self, due: Moment) -> Moment {
        due + TimeDelta::microseconds(self.period_us / 2)
    }

    /// From when on no slot of the cycle can start any more, whatever its path.
    #[must_use]
    pub fn over(self, cycle: i64) -> Moment {
        self.start_by(self.edge(cycle) + TimeDelta::microseconds(self.spread_us))
    }

    /// The latest cycle that is over at this moment.
    #[must_use]
    pub fn last_over(self, moment: Moment) -> i64 {
        self.cycle_at(moment - TimeDelta::microseconds(self.period_us / 2 + self.spread_us + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cadence() -> Cadence {
        Cadence::new(Duration::from_secs(60), Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn cycles_are_absolute_and_paths_spread_evenly() {
        let at = crate::parse_iso("2026-11-21T01:22:33Z").unwrap();
        let cycle = cadence().cycle_at(at);
        assert_eq!(cycle, at.timestamp() / 60);
        assert_eq!(cadence().edge(cycle), crate::parse_iso("2026-11-21T01:22:00Z").unwrap());
        let offsets: Vec<i64> =
            (0..5).map(|i| (cadence().due(cycle, i, 5) - cadence().edge(cycle)).num_seconds()).collect();
        assert_eq!(offsets, [0, 2, 4, 6, 8]);
    }

    #[test]
    fn a_cycle_is_over_once_none_of_its_slots_may_start() {
        let over = cadence().over(100);
        assert_eq!(cadence().last_over(over), 99);
        assert_eq!(cadence().last_over(over + TimeDelta::microseconds(1)), 100);
    }

    #[test]
    fn periods_below_a_second_and_spreads_beyond_half_a_period_are_refused() {
        let second = Duration::from_secs(1);
        assert!(matches!(
            Cadence::new(Duration::from_millis(999), Duration::ZERO),
            Err(CadenceError::Period(_))
        ));
        assert!(matches!(Cadence::new(second, Duration::from_millis(501)), Err(CadenceError::Spread { .. })));
        assert!(Cadence::new(second, Duration::from_millis(500)).is_ok());
    }
}
