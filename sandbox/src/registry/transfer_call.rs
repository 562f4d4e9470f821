//! The transfer call: validated, booked once a key, answered, and only then told to the world.

use std::sync::{Arc, PoisonError};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::Wanted;
use crate::{
    answers::Refusal,
    clock, intra,
    ledger::{LedgerError, Receipt},
    platform::{Frame, Platform},
    record::Effect,
    saga,
    transfer::Transfer,
    two_phase,
    words::Backend,
};

/// A success, kept for whoever sends its key again.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Answer {
    pub transaction_id: String,
    status: &'static str,
    sender_agent_id: String,
    receiver_agent_id: String,
    amount: Decimal,
    fee_amount: Decimal,
    new_sender_balance: Decimal,
    #[serde(serialize_with = "clock::micros")]
    timestamp: DateTime<Utc>,
    attached_message: String,
}

impl Answer {
    fn new(transfer: &Transfer, receipt: Receipt) -> Self {
        Self {
            transaction_id: transfer.id.clone(),
            status: match transfer.backend {
                Backend::Intra | Backend::TwoPhase => "completed",
                Backend::Async => "initiated",
            },
            sender_agent_id: transfer.sender.clone(),
            receiver_agent_id: transfer.receiver.clone(),
            amount: transfer.amount,
            fee_amount: receipt.fee,
            new_sender_balance: receipt.balance,
            timestamp: clock::now(),
            attached_message: transfer.message.clone(),
        }
    }

    pub fn respond(self, backend: Backend) -> Response {
        let status = match backend {
            Backend::Intra | Backend::TwoPhase => StatusCode::OK,
            Backend::Async => StatusCode::ACCEPTED,
        };
        (status, Json(self)).into_response()
    }
}

/// Books a transfer and announces it, or repeats the answer that its key got before.
pub(crate) fn transfer(
    platform: &Arc<Platform>,
    frame: &Frame,
    sender: String,
    key: Option<String>,
    wanted: Wanted,
) -> Result<(Answer, Effect), Refusal> {
    let backend = wanted.backend;
    let mut keys = frame.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let key = key.map(|key| (sender.clone(), key));
    if let Some((before, answer)) = key.as_ref().and_then(|key| keys.get(key)) {
        return match *before == wanted {
            true => Ok((answer.clone(), Effect::Repeated)),
            false => Err(Refusal::new(
                StatusCode::CONFLICT,
                "idempotency_key_reused",
                "The key was used for another transfer",
            )),
        };
    }
    let (transfer, receipt) = book(platform, frame, sender, &wanted)?;
    let answer = Answer::new(&transfer, receipt);
    if let Some(key) = key {
        keys.keep(key, wanted, answer.clone());
    }
    drop(keys);
    platform.strangers_copy(&transfer);
    match backend {
        Backend::Intra => intra::announce(platform, &transfer),
        Backend::Async => saga::announce(platform, transfer),
        Backend::TwoPhase => two_phase::announce(platform, &transfer),
    }
    Ok((answer, Effect::Moved))
}

fn book(
    platform: &Platform,
    from: &Frame,
    sender: String,
    wanted: &Wanted,
) -> Result<(Transfer, Receipt), Refusal> {
    if sender == wanted.receiver {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "same_account",
            "Sender and receiver are the same",
        ));
    }
    let to = match &wanted.target_registry {
        None => from,
        Some(name) => platform.frame(name).ok_or_else(|| {
            Refusal::new(StatusCode::NOT_FOUND, "registry_unknown", format!("No registry {name}"))
        })?,
    };
    let mut transfer = Transfer {
        id: Uuid::new_v4().to_string(),
        backend: wanted.backend,
        from_frame: from.name.clone(),
        to_frame: to.name.clone(),
        sender,
        receiver: wanted.receiver.clone(),
        amount: wanted.amount,
        fee: Decimal::ZERO,
        message: wanted.message.clone(),
    };
    let booked = match wanted.backend {
        Backend::Intra => intra::book(from, &transfer),
        Backend::Async => saga::book(from, to, &transfer),
        Backend::TwoPhase => two_phase::book(platform, from, to, &transfer),
    };
    let receipt = booked.map_err(|error| refusal(&error))?;
    transfer.fee = receipt.fee;
    Ok((transfer, receipt))
}

fn refusal(error: &LedgerError) -> Refusal {
    let detail = error.to_string();
    match error {
        LedgerError::UnknownAccount(_) => Refusal::new(StatusCode::NOT_FOUND, "receiver_unknown", detail),
        LedgerError::InsufficientFunds { .. } => {
            Refusal::new(StatusCode::CONFLICT, "insufficient_funds", detail)
        }
        LedgerError::UnknownHold(_) => Refusal::new(StatusCode::CONFLICT, "hold_unknown", detail),
    }
}
