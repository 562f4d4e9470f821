//! The platform's own record: what it was asked, what it moved, what it said. Tests hold the canary against it.
//!
//! Each list keeps its newest [`KEPT`] entries, so that a demo can run for weeks. A call is recorded when it
//! comes in and completed when it is answered, since a hanging call is a call too.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    clock,
    event::EventData,
    words::{Backend, EventType},
};

/// Entries kept of each list.
const KEPT: usize = 200_000;

/// A copy of the record. All moments are the sandbox's own clock.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// Every transfer call received, refused ones too, in order of arrival.
    pub calls: Vec<TransferCall>,
    /// Every movement of tokens, in order.
    pub movements: Vec<Movement>,
    /// Every event that entered a store, or should have, without the firehose's.
    pub events: Vec<EmittedEvent>,
    /// How many events the firehose made, in all frames.
    pub firehose_events: u64,
    /// How many entries of these lists were too old to keep; 0 means that the record is whole.
    pub forgotten: usize,
    /// What the ledgers miss, all frames together: 0, or the sandbox itself is broken.
    pub residual: Decimal,
}

/// One transfer call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransferCall {
    /// When it came in.
    #[serde(serialize_with = "clock::micros")]
    pub at: DateTime<Utc>,
    /// Frame that was called.
    pub frame: String,
    /// The backend; missing if the query named none.
    pub backend: Option<Backend>,
    /// Header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// DID that the token was issued to; missing if it was no good.
    pub sender: Option<String>,
    /// `receiver_agent_id` as sent.
    pub receiver: Option<String>,
    /// `target_registry` as sent.
    pub target_registry: Option<String>,
    /// `amount`, if it was a decimal string.
    pub amount: Option<Decimal>,
    /// `message` as sent.
    pub message: Option<String>,
    /// HTTP status of the answer; missing while, and if ever, there was none.
    pub status: Option<u16>,
    /// When the answer left.
    #[serde(serialize_with = "clock::micros_opt")]
    pub answered_at: Option<DateTime<Utc>>,
    /// What it did to the tokens.
    pub effect: Effect,
    /// The transfer it made, or repeated.
    pub transfer_id: Option<String>,
}

impl TransferCall {
    /// Whether this very call moved tokens.
    pub fn moved(&self) -> bool {
        self.effect == Effect::Moved
    }

    /// Whether it repeated a call with the same key that had moved them before.
    pub fn repeated(&self) -> bool {
        self.effect == Effect::Repeated
    }
}

/// What a call did to the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: it was refused, or a fault kept it from landing.
    #[default]
    Nothing,
    /// It moved them.
    Moved,
    /// Its key had moved them before; the answer was the same again.
    Repeated,
}

/// One movement of tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Movement {
    /// When.
    #[serde(serialize_with = "clock::micros")]
    pub at: DateTime<Utc>,
    /// Frame whose ledger it is in.
    pub frame: String,
    /// Transfer it belongs to.
    pub transfer_id: String,
    /// Account that gained or lost.
    pub account: String,
    /// What happened.
    pub kind: MovementKind,
    /// AVT, always positive.
    pub amount: Decimal,
}

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// The amount was taken from the sender.
    Debited,
    /// The fee was taken from the sender.
    FeeTaken,
    /// The receiver got the amount.
    Credited,
    /// The sender got it back.
    Refunded,
    /// The sender got it back though the receiver has it: tokens out of nothing.
    Conjured,
}

/// One event in one frame's store: a broadcast one appears once a frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EmittedEvent {
    /// When it entered the store, or was lost.
    #[serde(serialize_with = "clock::micros")]
    pub at: DateTime<Utc>,
    /// The store's frame.
    pub frame: String,
    /// Its position; missing if it was lost.
    pub position: Option<u64>,
    /// Its id, the same in every frame.
    pub event_id: String,
    /// Its type.
    pub event_type: EventType,
    /// When it happened.
    #[serde(serialize_with = "clock::micros")]
    pub occurred_at: DateTime<Utc>,
    /// Where it happened.
    pub source_frame: String,
    /// Backend of its transfer; missing for a stranger's event.
    pub backend: Option<Backend>,
    /// What it says.
    pub data: EventData,
}

/// Handle of a call that awaits its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallId(usize);

/// Shared by every handler and task of the platform; each entry is one short critical section.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    calls: Kept<TransferCall>,
    movements: Kept<Movement>,
    events: Kept<EmittedEvent>,
    firehose: u64,
}

impl Recorder {
    pub fn call(&self, call: TransferCall) -> CallId {
        CallId(self.with(|books| books.calls.push(call)))
    }

    /// Completes a call, if it hasn't been forgotten since.
    pub fn amend(&self, id: CallId, change: impl FnOnce(&mut TransferCall)) {
        self.with(|books| books.calls.get_mut(id.0).map(change));
    }

    pub fn movement(&self, movement: Movement) {
        self.with(|books| books.movements.push(movement));
    }

    pub fn event(&self, event: EmittedEvent) {
        self.with(|books| books.events.push(event));
    }

    pub fn firehose(&self, events: u64) {
        self.with(|books| books.firehose += events);
    }

    pub fn copy(&self, residual: Decimal) -> Record {
        self.with(|books| Record {
            calls: books.calls.to_vec(),
            movements: books.movements.to_vec(),
            events: books.events.to_vec(),
            firehose_events: books.firehose,
            forgotten: books.calls.forgotten + books.movements.forgotten + books.events.forgotten,
            residual,
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Books) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The newest entries of a list, numbered from its beginning.
#[derive(Debug)]
struct Kept<T> {
    forgotten: usize,
    entries: VecDeque<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { forgotten: 0, entries: VecDeque::new() }
    }
}

impl<T: Clone> Kept<T> {
    fn push(&mut self, entry: T) -> usize {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(entry);
        self.forgotten + self.entries.len() - 1
    }

    fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        self.entries.get_mut(number.checked_sub(self.forgotten)?)
    }

    fn to_vec(&self) -> Vec<T> {
        self.entries.iter().cloned().collect()
    }
}
