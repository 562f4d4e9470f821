//! Two-phase commit: both ledgers are asked before either is changed for good.
//!
//! The receiver's ledger votes first and accounts are never closed, so once the sender's tokens are held nothing
//! can stand in the way of the commit.

use std::sync::Arc;

use crate::{
    ledger::{LedgerError, Receipt},
    platform::{Frame, Platform},
    record::MovementKind,
    transfer::Transfer,
};

/// Moves the tokens, in both ledgers or in none.
pub(crate) fn book(
    platform: &Platform,
    from: &Frame,
    to: &Frame,
    transfer: &Transfer,
) -> Result<Receipt, LedgerError> {
    to.ledger(|ledger| ledger.must_know(&transfer.receiver))?;
    let receipt = from.ledger(|ledger| ledger.hold(&transfer.id, &transfer.sender, transfer.amount))?;
    platform.hand_over(from, to, transfer)?;
    Ok(receipt)
}

/// Says so; across frames the receiver's frame tells everybody.
pub(crate) fn announce(platform: &Arc<Platform>, transfer: &Transfer) {
    platform.moved(transfer, MovementKind::Debited);
    platform.moved(transfer, MovementKind::FeeTaken);
    platform.moved(transfer, MovementKind::Credited);
    platform.publish_debit(transfer);
    if transfer.crosses_frames() {
        platform.broadcast(transfer.settled());
    }
    platform.publish(transfer.completed());
}
