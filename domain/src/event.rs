//! The five event types that the reactors consume (contract §5).

use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumMessage, EnumString, IntoStaticStr, VariantArray};

use crate::Stage;

/// What a reactor consumes. The words are the platform's default event names, which the configuration
/// may map to others; inside the canary, on the board and in metrics they are always these.
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
pub enum EventType {
    /// Tokens left the sender's account; only in the sender's frame.
    TokensTransferred,
    /// The fee was taken; carries no memo.
    TransactionFeeCollected,
    /// A saga began.
    CrossFrameTransferInitiated,
    /// The receiver was credited.
    CrossFrameTransferSettled,
    /// The saga gave the money back.
    CrossFrameTransferRefunded,
}

impl EventType {
    /// Every event type.
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

    /// The stage that such an event stamps; `local` says whether it happened in the local frame
    /// (design §3.1).
    #[must_use]
    pub fn stage(self, local: bool) -> Stage {
        match (self, local) {
            (Self::TokensTransferred, _) => Stage::TokensXfer,
            (Self::TransactionFeeCollected, _) => Stage::FeeCollected,
            (Self::CrossFrameTransferInitiated, _) => Stage::CfInitiated,
            (Self::CrossFrameTransferSettled, true) => Stage::CfSettledLocal,
            (Self::CrossFrameTransferSettled, false) => Stage::CfSettledRemote,
            (Self::CrossFrameTransferRefunded, _) => Stage::CfRefunded,
        }
    }
}
