//! When a test is done: the table of design §3.1, as data.

use std::time::Duration;

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::Stage;

/// How a transfer is made (design §1).
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
pub enum Backend {
    /// Within one frame.
    Intra,
    /// Across frames, by saga.
    Async,
    /// By two-phase commit, within one frame or across two.
    #[strum(serialize = "2pc")]
    TwoPc,
}

/// Stages any one of which is enough; a test is done when every group of its backend is met.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// The word of `missing_stages` (design §13).
    pub name: &'static str,
    /// Any of these meets the group.
    pub any_of: &'static [Stage],
}

/// One row of the table of design §3.1.
#[derive(Debug, PartialEq, Eq)]
pub struct BackendRule {
    /// The backend it is about.
    pub backend: Backend,
    /// All of these have to be met.
    pub done: &'static [Group],
    /// Seen and shown, never waited for.
    pub informational: &'static [Stage],
    /// The stage that says the platform gave the money back.
    pub failure: Option<Stage>,
    /// Default time from firing to the deadline.
    pub deadline: Duration,
}

static RULES: [BackendRule; 3] = [
    BackendRule {
        backend: Backend::Intra,
        done: &[Group { name: "tokens_xfer", any_of: &[Stage::TokensXfer] }],
        informational: &[Stage::FeeCollected],
        failure: None,
        deadline: Duration::from_secs(30),
    },
    BackendRule {
        backend: Backend::Async,
        done: &[
            Group { name: "cf_initiated", any_of: &[Stage::CfInitiated] },
            Group { name: "cf_settled", any_of: &[Stage::CfSettledLocal, Stage::CfSettledRemote] },
        ],
        informational: &[Stage::TokensXfer, Stage::FeeCollected],
        failure: Some(Stage::CfRefunded),
        deadline: Duration::from_secs(330),
    },
    BackendRule {
        backend: Backend::TwoPc,
        done: &[Group {
            name: "tokens_xfer|cf_settled",
            any_of: &[Stage::TokensXfer, Stage::CfSettledLocal, Stage::CfSettledRemote],
        }],
        informational: &[Stage::FeeCollected],
        failure: Some(Stage::CfRefunded),
        deadline: Duration::from_secs(60),
    },
];

impl Backend {
    /// Every backend, in the table's order.
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

    /// Its row of the table.
    #[must_use]
    pub fn rule(self) -> &'static BackendRule {
        match self {
            Self::Intra => &RULES[0],
            Self::Async => &RULES[1],
            Self::TwoPc => &RULES[2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_finds_its_own_row() {
        for backend in Backend::ALL {
            assert_eq!(backend.rule().backend, *backend);
        }
    }
}
