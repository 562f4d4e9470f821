//! The saga: tokens are held now, credited later, and given back by the sweeper if the credit fails.
//!
//! How a saga will end is drawn when it begins, and one chain of steps follows from it, so the credit and the
//! sweeper can't race each other. The ledger guards the rest: a hold is released or refunded once.

use std::{sync::Arc, time::Duration};

use crate::{
    faults::{Place, SagaFault, What},
    ledger::{LedgerError, Receipt},
    platform::{Frame, Platform},
    record::MovementKind,
    transfer::Transfer,
};

/// How a saga goes.
#[derive(Clone, Copy, Debug)]
enum Course {
    Settles { late_by: Duration },
    LosesTheCredit,
    IsRefunded { after: Option<Duration> },
    IsRefundedAfterSettling { after: Duration },
}

/// Holds the sender's tokens; the receiver's frame must know the receiver.
pub(crate) fn book(from: &Frame, to: &Frame, transfer: &Transfer) -> Result<Receipt, LedgerError> {
    to.ledger(|ledger| ledger.must_know(&transfer.receiver))?;
    from.ledger(|ledger| ledger.hold(&transfer.id, &transfer.sender, transfer.amount))
}

/// Says that the saga began, and lets it take its course.
pub(crate) fn announce(platform: &Arc<Platform>, transfer: Transfer) {
    platform.moved(&transfer, MovementKind::Debited);
    platform.moved(&transfer, MovementKind::FeeTaken);
    platform.broadcast(transfer.initiated());
    platform.publish_debit(&transfer);
    let (settle_after, give_up_after) = (platform.config.settle_after, platform.config.refund_after);
    match course(platform, &transfer) {
        Course::Settles { late_by } if settle_after + late_by < give_up_after => {
            platform.later(settle_after + late_by, move |platform| settle(platform, &transfer));
        }
        Course::Settles { .. } => {
            platform.later(give_up_after, move |platform| refund(platform, &transfer));
        }
        Course::LosesTheCredit => {}
        Course::IsRefunded { after } => {
            platform.later(after.unwrap_or(give_up_after), move |platform| refund(platform, &transfer));
        }
        Course::IsRefundedAfterSettling { after } => {
            platform.later(settle_after, move |platform| {
                settle(platform, &transfer);
                platform.later(after, move |platform| refund_again(platform, &transfer));
            });
        }
    }
}

fn course(platform: &Platform, transfer: &Transfer) -> Course {
    let place = Place { backend: Some(transfer.backend), ..Place::frame(&transfer.from_frame) };
    let drawn = platform.faults.draw(place, |what| {
        let What::Saga(fault) = what else { return None };
        Some(fault.clone())
    });
    match drawn {
        None => Course::Settles { late_by: Duration::ZERO },
        Some(SagaFault::SettleDelayed { by_ms }) => Course::Settles { late_by: Duration::from_millis(by_ms) },
        Some(SagaFault::CreditLost) => Course::LosesTheCredit,
        Some(SagaFault::Refunded { after_ms }) => {
            Course::IsRefunded { after: after_ms.map(Duration::from_millis) }
        }
        Some(SagaFault::RefundedAfterSettled { after_ms }) => {
            Course::IsRefundedAfterSettling { after: Duration::from_millis(after_ms) }
        }
    }
}

fn settle(platform: &Arc<Platform>, transfer: &Transfer) {
    let (Some(from), Some(to)) = (platform.frame(&transfer.from_frame), platform.frame(&transfer.to_frame))
    else {
        return;
    };
    match platform.hand_over(from, to, transfer) {
        Ok(()) => {
            platform.moved(transfer, MovementKind::Credited);
            platform.broadcast(transfer.settled());
        }
        Err(error) => tracing::error!(transfer = transfer.id, %error, "a saga's credit failed"),
    }
}

fn refund(platform: &Arc<Platform>, transfer: &Transfer) {
    let Some(from) = platform.frame(&transfer.from_frame) else { return };
    match from.ledger(|ledger| ledger.refund(&transfer.id)) {
        Ok(_) => {
            platform.moved(transfer, MovementKind::Refunded);
            platform.broadcast(transfer.refunded("credit_failed"));
        }
        Err(error) => tracing::error!(transfer = transfer.id, %error, "a saga's refund failed"),
    }
}

/// The sweeper's defect: it pays back what the receiver already has.
fn refund_again(platform: &Arc<Platform>, transfer: &Transfer) {
    let Some(from) = platform.frame(&transfer.from_frame) else { return };
    match from.ledger(|ledger| ledger.conjure(&transfer.sender, transfer.amount)) {
        Ok(()) => {
            platform.moved(transfer, MovementKind::Conjured);
            platform.broadcast(transfer.refunded("sweeper_timeout"));
        }
        Err(error) => tracing::error!(transfer = transfer.id, %error, "a saga's second refund failed"),
    }
}
