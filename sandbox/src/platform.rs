//! The platform: two frames, what they share, and how an event gets from where it happens into the stores.
//!
//! Everything here is shared by all handlers, sagas and sockets. Locks are per frame and per concern, held for one
//! synchronous step each, and never two ledgers at once. Whatever happens later runs in `tasks` and ends with `stop`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rust_decimal::Decimal;
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Auth,
    clock,
    config::{Config, FRAMES},
    event::Event,
    event_store::EventStore,
    faults::{Delivery, Faults, Place, What},
    idempotency::Keys,
    ledger::{Ledger, LedgerError},
    record::{EmittedEvent, Movement, MovementKind, Record, Recorder},
    strangers::RecentMemos,
    transfer::Transfer,
    words::Backend,
};

pub(crate) struct Platform {
    pub config: Config,
    pub frames: [Frame; 2],
    pub faults: Faults,
    pub recorder: Recorder,
    pub memos: RecentMemos,
    /// Held while tokens are between two ledgers, so that whoever adds the ledgers up finds them.
    transit: Mutex<()>,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
}

/// A sovereign mainframe: its registry's clients, its ledger and its EventStore.
pub(crate) struct Frame {
    pub name: String,
    pub auth: Auth,
    pub keys: Mutex<Keys>,
    pub store: EventStore,
    ledger: Mutex<Ledger>,
}

impl Frame {
    fn new(name: &str, config: &Config) -> Self {
        let mut ledger = Ledger::new(config.fee);
        for agent in config.agents.iter().filter(|agent| agent.frame == name) {
            ledger.open(&agent.did, agent.balance);
        }
        Self {
            name: name.to_owned(),
            auth: Auth::new(name, config),
            keys: Mutex::default(),
            store: EventStore::new(config.event_retention),
            ledger: Mutex::new(ledger),
        }
    }

    /// One operation on the ledger.
    pub fn ledger<T>(&self, operation: impl FnOnce(&mut Ledger) -> T) -> T {
        operation(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Platform {
    pub fn new(config: Config) -> Self {
        Self {
            frames: FRAMES.map(|name| Frame::new(name, &config)),
            config,
            faults: Faults::none(),
            recorder: Recorder::default(),
            memos: RecentMemos::default(),
            transit: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    pub fn frame(&self, name: &str) -> Option<&Frame> {
        self.frames.iter().find(|frame| frame.name == name)
    }

    /// A copy of everything recorded so far, and whether the books are in order.
    pub fn record(&self) -> Record {
        let transit = self.transit.lock().unwrap_or_else(PoisonError::into_inner);
        let residual = self.frames.iter().map(|frame| frame.ledger(|ledger| ledger.surplus())).sum();
        drop(transit);
        self.recorder.copy(residual)
    }

    /// Moves a transfer's held tokens from the sender's ledger into the receiver's account.
    pub fn hand_over(&self, from: &Frame, to: &Frame, transfer: &Transfer) -> Result<(), LedgerError> {
        let _transit = self.transit.lock().unwrap_or_else(PoisonError::into_inner);
        let amount = from.ledger(|ledger| ledger.release(&transfer.id))?;
        to.ledger(|ledger| ledger.credit(&transfer.receiver, amount))
    }

    /// Does something after a while, unless the platform stops before.
    pub fn later(self: &Arc<Self>, delay: Duration, act: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let platform = Arc::clone(self);
        let task = async move {
            sleep(delay).await;
            act(&platform);
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(task).await });
    }

    /// Emits an event in the frame where it happens.
    pub fn publish(self: &Arc<Self>, event: Event) {
        let name = event.source_frame.clone();
        self.enter(&name, event);
    }

    /// Emits an event where it happens and, a little later, everywhere else.
    pub fn broadcast(self: &Arc<Self>, event: Event) {
        let types = [event.event_type];
        let place = Place { frame: &event.source_frame, types: &types, backend: event.backend };
        let stopped = |what: &What| matches!(what, What::BroadcastStopped).then_some(());
        if self.faults.draw(place, stopped).is_none() {
            for other in self.frames.iter().filter(|frame| frame.name != event.source_frame) {
                let (name, copy) = (other.name.clone(), event.clone());
                self.later(self.config.broadcast_delay, move |platform| platform.enter(&name, copy));
            }
        }
        self.publish(event);
    }

    /// What the sender's frame says of every transfer: the tokens' event and the fee's.
    pub fn publish_debit(self: &Arc<Self>, transfer: &Transfer) {
        let place = Place { backend: Some(transfer.backend), ..Place::frame(&transfer.from_frame) };
        let ordered = self.faults.draw(place, |what| {
            let What::FeeOrder { first } = what else { return None };
            Some(*first)
        });
        // Across registries the fee is taken before the tokens are prepared to go.
        if ordered.unwrap_or(transfer.backend != Backend::Intra) {
            self.publish(transfer.fee_collected());
            self.publish(transfer.tokens_transferred());
        } else {
            self.publish(transfer.tokens_transferred());
            self.publish(transfer.fee_collected());
        }
    }

    /// Writes a movement of a transfer's tokens into the record.
    pub fn moved(&self, transfer: &Transfer, kind: MovementKind) {
        let (frame, account, amount) = match kind {
            MovementKind::Credited => (&transfer.to_frame, &transfer.receiver, transfer.amount),
            MovementKind::FeeTaken => (&transfer.from_frame, &transfer.sender, transfer.fee),
            MovementKind::Debited | MovementKind::Refunded | MovementKind::Conjured => {
                (&transfer.from_frame, &transfer.sender, transfer.amount)
            }
        };
        if amount == Decimal::ZERO {
            return;
        }
        self.recorder.movement(Movement {
            at: clock::now(),
            frame: frame.clone(),
            transfer_id: transfer.id.clone(),
            account: account.clone(),
            kind,
            amount,
        });
    }

    fn enter(self: &Arc<Self>, name: &str, mut event: Event) {
        let fate = self.faults.event_fate(name, &mut event);
        if fate.lost {
            return self.note(name, &event, None);
        }
        match fate.late_by {
            Some(late) => {
                let name = name.to_owned();
                self.later(late, move |platform| platform.append(&name, &event, fate.delivery));
            }
            None => self.append(name, &event, fate.delivery),
        }
    }

    fn append(&self, name: &str, event: &Event, delivery: Delivery) {
        if let Some(frame) = self.frame(name) {
            self.note(name, event, Some((frame, delivery)));
        }
    }

    /// The record's moment is read before the event can be seen, so no observer is ever earlier than it.
    fn note(&self, name: &str, event: &Event, into: Option<(&Frame, Delivery)>) {
        let at = clock::now();
        let position = into.map(|(frame, delivery)| frame.store.append(event, delivery));
        self.recorder.event(EmittedEvent {
            at,
            frame: name.to_owned(),
            position,
            event_id: event.id.to_string(),
            event_type: event.event_type,
            occurred_at: event.occurred_at,
            source_frame: event.source_frame.clone(),
            backend: event.backend,
            data: event.data.clone(),
        });
    }
}
