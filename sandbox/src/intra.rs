//! Transfers inside one frame: one booking, two events.

use std::sync::Arc;

use crate::{
    ledger::{LedgerError, Receipt},
    platform::{Frame, Platform},
    record::MovementKind,
    transfer::Transfer,
};

/// Moves the tokens.
pub(crate) fn book(from: &Frame, transfer: &Transfer) -> Result<Receipt, LedgerError> {
    from.ledger(|ledger| ledger.transfer(&transfer.sender, &transfer.receiver, transfer.amount))
}

/// Says so.
pub(crate) fn announce(platform: &Arc<Platform>, transfer: &Transfer) {
    platform.moved(transfer, MovementKind::Debited);
    platform.moved(transfer, MovementKind::FeeTaken);
    platform.moved(transfer, MovementKind::Credited);
    platform.publish_debit(transfer);
}
