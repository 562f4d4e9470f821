//! The platform's words as they stand on the wire: backends and event types.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// How a transfer is made (contract, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumString, IntoStaticStr)]
pub enum Backend {
    /// Inside one frame.
    #[serde(rename = "intra")]
    #[strum(serialize = "intra")]
    Intra,
    /// A saga: initiated now, settled or refunded later.
    #[serde(rename = "async")]
    #[strum(serialize = "async")]
    Async,
    /// Two-phase commit, inside one frame or across two.
    #[serde(rename = "2pc")]
    #[strum(serialize = "2pc")]
    TwoPhase,
}

/// What an event says has happened (contract, section 5).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum EventType {
    /// Tokens left the sender's account for the receiver.
    TokensTransferred,
    /// The sender's fee was taken.
    TransactionFeeCollected,
    /// A saga began.
    CrossFrameTransferInitiated,
    /// The receiver's frame credited the receiver.
    CrossFrameTransferSettled,
    /// The saga's sweeper gave up and gave the tokens back.
    CrossFrameTransferRefunded,
    /// A two-phase commit was committed.
    CrossRegistryTransferCompleted,
}

impl EventType {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
