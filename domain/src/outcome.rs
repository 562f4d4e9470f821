//! Outcomes and the reasons for them (design §3.3).

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

/// How a slot ended.
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
pub enum Outcome {
    /// Not judged yet.
    Pending,
    /// Done, and completed within the deadline.
    Passed,
    /// Done, but completed after the deadline.
    Late,
    /// The platform broke its promise; the reason says how.
    Failed,
    /// The canary couldn't know.
    Inconclusive,
    /// Not fired, on purpose.
    Skipped,
    /// Not fired: nobody led, or the leader could not.
    Missed,
}

impl Outcome {
    /// Every outcome.
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

    /// Whether it tells how the platform did: it passed, or was late, or failed.
    #[must_use]
    pub fn tells(self) -> bool {
        match self {
            Self::Passed | Self::Late | Self::Failed => true,
            Self::Pending | Self::Inconclusive | Self::Skipped | Self::Missed => false,
        }
    }
}

/// The word in `failure_signal`: why an outcome is what it is. Passed, late and pending have none.
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
pub enum Reason {
    /// The platform gave the money back.
    Refunded,
    /// The call was answered 4xx.
    Rejected,
    /// The call was answered 5xx, refused, or reset before an answer.
    Unavailable,
    /// The call got no answer in time.
    FireTimeout,
    /// The deadline passed under certain observation, and stages are missing.
    Timeout,
    /// An event of this test names another sender, receiver or amount.
    Mismatch,
    /// Settled and refunded: the money may exist twice.
    RefundedAfterSettled,
    /// Coverage of a required stage did not reach the deadline in time.
    ObserverBlind,
    /// The board forgot the test, and what it knew could not be found again.
    StateLost,
    /// The runner died before it noted an answer, and nothing landed.
    RunnerLost,
    /// The platform did not accept the canary's own credentials; nothing was sent.
    Credentials,
    /// An operator paused the path.
    Paused,
    /// A maintenance window was open.
    Maintenance,
    /// Nobody led when the slot was due.
    NoLeader,
    /// The leader could not start the slot within half a period.
    Overrun,
    /// The leader lost its lease between the claim and the call; nothing was sent.
    LeaseLost,
    /// The platform had asked for patience (`Retry-After`) beyond the slot.
    RateLimited,
}

impl Reason {
    /// Every reason.
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

    /// The outcome it is a reason for.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Refunded
            | Self::Rejected
            | Self::Unavailable
            | Self::FireTimeout
            | Self::Timeout
            | Self::Mismatch
            | Self::RefundedAfterSettled => Outcome::Failed,
            Self::ObserverBlind | Self::StateLost | Self::RunnerLost | Self::Credentials => {
                Outcome::Inconclusive
            }
            Self::Paused | Self::Maintenance => Outcome::Skipped,
            Self::NoLeader | Self::Overrun | Self::LeaseLost | Self::RateLimited => Outcome::Missed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_says_what_it_means() {
        let meanings = Outcome::ALL.iter().map(|word| word.meaning());
        for meaning in meanings.chain(Reason::ALL.iter().map(|word| word.meaning())) {
            assert!(meaning.ends_with('.') && !meaning.contains('\n'), "{meaning:?}");
        }
        assert_eq!(Reason::Rejected.meaning(), "The call was answered 4xx.");
    }
}
