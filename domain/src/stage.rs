//! Stages of a test, and the stamps that say they were seen (design §1).

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::{EventType, Moment, TestId};

/// Something that can be seen of a test.
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
pub enum Stage {
    /// Tokens left the sender's account.
    TokensXfer,
    /// The fee was taken.
    FeeCollected,
    /// The saga began.
    CfInitiated,
    /// Credited, in the local frame.
    CfSettledLocal,
    /// Credited, in another frame.
    CfSettledRemote,
    /// Given back.
    CfRefunded,
}

impl Stage {
    /// Every stage, in the order of the columns.
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

    /// The type of event that stamps it.
    #[must_use]
    pub fn event_type(self) -> EventType {
        match self {
            Self::TokensXfer => EventType::TokensTransferred,
            Self::FeeCollected => EventType::TransactionFeeCollected,
            Self::CfInitiated => EventType::CrossFrameTransferInitiated,
            Self::CfSettledLocal | Self::CfSettledRemote => EventType::CrossFrameTransferSettled,
            Self::CfRefunded => EventType::CrossFrameTransferRefunded,
        }
    }

    /// Whether seeing it proves that the transfer was carried out, at least in part.
    #[must_use]
    pub fn shows_landing(self) -> bool {
        match self {
            Self::TokensXfer | Self::CfInitiated | Self::CfSettledLocal | Self::CfSettledRemote => true,
            Self::FeeCollected | Self::CfRefunded => false,
        }
    }
}

/// How a sighting reached us.
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
pub enum Via {
    /// Streamed while we were certainly reading: the moment of seeing counts.
    Live,
    /// Replayed after a connection, or read after this process stood still: the event's own moment counts.
    Replay,
    /// Fetched over REST: the event's own moment counts.
    Backstop,
}

impl Via {
    /// Every way.
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
}

/// The first sighting of a stage of a test.
///
/// The order is the one of winning: the earliest moment of seeing first; the other fields only make the
/// choice the same in whatever order two equal sightings arrive (I3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// When the frame arrived.
    pub seen: Moment,
    /// How it reached us.
    pub via: Via,
    /// When the platform says that it happened.
    pub occurred: Moment,
    /// The frame where it happened.
    pub frame: String,
    /// Its position in the local EventStore.
    pub position: i64,
    /// Bound of `seen`'s distance from the board's clock, in microseconds.
    pub error_us: u64,
}

impl Stamp {
    /// The moment that counts for the latency (design §3.2).
    #[must_use]
    pub fn counted(&self) -> Moment {
        match self.via {
            Via::Live => self.seen,
            Via::Replay | Via::Backstop => self.occurred,
        }
    }
}

/// A stamp on its way to the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The test it is of.
    pub test_id: TestId,
    /// The stage it shows.
    pub stage: Stage,
    /// When and how it was seen.
    pub stamp: Stamp,
}

/// The stamps of one test: at most one a stage, the earliest sighting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamps([Option<Stamp>; 6]);

impl Stamps {
    /// The stamp of a stage.
    #[must_use]
    pub fn get(&self, stage: Stage) -> Option<&Stamp> {
        self.0[stage as usize].as_ref()
    }

    /// Adds a sighting; answers whether it changed anything. The earliest wins, so the order of adding
    /// and repeats do not matter (I3).
    pub fn add(&mut self, stage: Stage, stamp: Stamp) -> bool {
        let place = &mut self.0[stage as usize];
        let wins = place.as_ref().is_none_or(|kept| stamp < *kept);
        if wins {
            *place = Some(stamp);
        }
        wins
    }

    /// Those that are there, in the order of the stages.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, &Stamp)> {
        Stage::ALL.iter().filter_map(|stage| Some((*stage, self.get(*stage)?)))
    }

    /// Whether the transfer was seen to be carried out, at least in part.
    #[must_use]
    pub fn landed(&self) -> bool {
        self.iter().any(|(stage, _)| stage.shows_landing())
    }
}
