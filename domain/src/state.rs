//! The state of a path in a word, from its latest outcomes: what the page, the status page and the badges show.

use std::time::Duration;

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::{Moment, Outcome};

/// The state of a path, or of all of them. The order is that of concern: what is greater needs looking at first.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Display,
    EnumMessage,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum PathState {
    /// An operator paused it, or a maintenance window is open.
    Paused,
    /// The latest test that could tell passed.
    Passing,
    /// No test could tell lately.
    Unknown,
    /// The latest one or two tests that could tell did not pass.
    Degraded,
    /// Three tests in a row that could tell did not pass.
    Failing,
}

/// So many tests in a row have to go wrong before a path is failing.
const FAILING_AFTER: usize = 3;
/// A path of which nothing was known for so many periods, beyond its deadline, is unknown.
const STALE_PERIODS: u32 = 3;

/// A verdict, as far as the state of its path depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When the test was registered.
    pub at: Moment,
    /// How it ended.
    pub outcome: Outcome,
}

/// How long a verdict says something of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The fire period.
    pub period: Duration,
    /// The path's deadline: so long may a verdict take.
    pub deadline: Duration,
}

impl PathState {
    /// Every state, the least concern first.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it means, in a sentence: the words of its documentation.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }

    /// The state of a path that isn't held, from its latest verdicts, the newest first. Tests that could not tell
    /// (inconclusive, skipped, missed, pending) are passed over.
    #[must_use]
    pub fn of(newest_first: impl IntoIterator<Item = Heard>, now: Moment, freshness: Freshness) -> Self {
        let mut telling = newest_first.into_iter().filter(|heard| heard.outcome.tells()).peekable();
        let good_for = freshness.deadline.saturating_add(freshness.period.saturating_mul(STALE_PERIODS));
        let fresh = telling.peek().is_some_and(|heard| {
            (now - heard.at).to_std().is_ok_and(|age| age <= good_for) || heard.at > now
        });
        let wrong = telling.take(FAILING_AFTER).take_while(|heard| heard.outcome != Outcome::Passed).count();
        match (fresh, wrong) {
            (false, _) => Self::Unknown,
            (true, 0) => Self::Passing,
            (true, FAILING_AFTER) => Self::Failing,
            (true, _) => Self::Degraded,
        }
    }

    /// The state of all paths together: that of the one that needs looking at first; unknown without any path.
    #[must_use]
    pub fn overall(paths: impl IntoIterator<Item = Self>) -> Self {
        paths.into_iter().max().unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    const FRESHNESS: Freshness =
        Freshness { period: Duration::from_secs(60), deadline: Duration::from_secs(30) };

    fn now() -> Moment {
        crate::parse_iso("2026-11-21T01:22:33Z").unwrap()
    }

    /// The state after these outcomes, the newest first, a minute apart, the newest `age` seconds ago.
    fn state(age: i64, outcomes: &[Outcome]) -> PathState {
        let heard = (0..).zip(outcomes).map(|(minutes, outcome)| Heard {
            at: now() - TimeDelta::seconds(age + minutes * 60),
            outcome: *outcome,
        });
        PathState::of(heard, now(), FRESHNESS)
    }

    #[test]
    fn a_path_fails_after_three_in_a_row_and_is_degraded_before() {
        use Outcome::{Failed, Late, Passed};
        assert_eq!(state(5, &[Passed, Failed, Failed, Failed]), PathState::Passing);
        assert_eq!(state(5, &[Failed, Passed]), PathState::Degraded);
        assert_eq!(state(5, &[Late, Failed, Passed]), PathState::Degraded);
        assert_eq!(state(5, &[Failed, Late, Failed]), PathState::Failing);
        assert_eq!(state(5, &[Failed, Failed]), PathState::Degraded);
    }

    #[test]
    fn what_could_not_tell_is_passed_over() {
        use Outcome::{Failed, Inconclusive, Missed, Passed, Pending, Skipped};
        assert_eq!(state(5, &[Pending, Inconclusive, Skipped, Missed, Passed]), PathState::Unknown);
        assert_eq!(state(5, &[Pending, Missed, Passed]), PathState::Passing);
        assert_eq!(state(5, &[Failed, Inconclusive, Failed, Pending, Failed]), PathState::Failing);
        assert_eq!(state(5, &[]), PathState::Unknown);
    }

    #[test]
    fn a_verdict_says_nothing_once_three_periods_and_the_deadline_are_over() {
        assert_eq!(state(210, &[Outcome::Passed]), PathState::Passing);
        assert_eq!(state(211, &[Outcome::Passed]), PathState::Unknown);
        assert_eq!(state(211, &[Outcome::Failed]), PathState::Unknown);
        assert_eq!(state(-5, &[Outcome::Passed]), PathState::Passing, "clocks differ a little");
    }

    #[test]
    fn the_worst_path_gives_the_overall_state_and_paused_ones_hide_nothing() {
        use PathState::{Degraded, Failing, Passing, Paused, Unknown};
        assert_eq!(PathState::overall([Passing, Failing, Degraded]), Failing);
        assert_eq!(PathState::overall([Paused, Passing]), Passing);
        assert_eq!(PathState::overall([Passing, Unknown]), Unknown);
        assert_eq!(PathState::overall([Paused, Paused]), Paused);
        assert_eq!(PathState::overall([]), Unknown);
    }
}
