//! Who leads: roles, nodes and terms (design §4).

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// What only one instance does at a time.
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
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Fires the slots.
    Runner,
    /// Decides and writes.
    Judge,
    /// Pushes closed rows to a time-series store.
    Export,
}

impl Role {
    /// Every role that is led.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether a deployment may do without it: nobody leads an export that is not set up, and nothing is wrong.
    #[must_use]
    pub fn is_optional(self) -> bool {
        match self {
            Self::Runner | Self::Judge => false,
            Self::Export => true,
        }
    }
}

/// The number of a leadership: grows with every change of leader and never repeats, even when the board
/// comes back empty (design §4).
pub type Term = i64;

/// The name of one running instance, unique among all that share a board.
pub type NodeId = String;
