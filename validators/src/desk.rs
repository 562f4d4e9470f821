//! Where the events of five reactors meet the news of the board.
//!
//! One lock around the pure rule and the outbox: what an event or an announcement sets free is in the outbox before
//! anybody can ask whether coverage may pass it. The lock is taken for events that matter and for heartbeats
//! only, never for users' traffic, and never across a call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canary_domain::{EventType, Facts};
use canary_store::{Announcement, ReactorState};
use canary_telemetry::{ReactorMetrics, RejectReason};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::correlate::{Correlator, Finding};
use crate::event::Seen;
use crate::filter::InFlight;
use crate::outbox::Outbox;

#[derive(Debug)]
struct Inner {
    correlator: Correlator,
    outbox: Outbox,
    /// When the board may last have lost what it was told. A failover to a replica that was behind takes
    /// acknowledged stamps back without a word, and no coverage may stand on such a board before it has got
    /// them again (I5).
    lost: Instant,
    /// Whether it was read after that.
    whole: bool,
}

/// Shared by the five reactors, the feed from the board, and the stamper.
#[derive(Debug)]
pub(crate) struct Desk {
    inner: Mutex<Inner>,
    /// Wakes the stamper.
    outgoing: Notify,
    in_flight: Arc<InFlight>,
    metrics: Arc<ReactorMetrics>,
}

/// Whether an event could be dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dealt {
    /// It was decided or is held.
    With,
    /// It may be ours, and there was no room to hold it: coverage is broken.
    Lost,
}

impl Desk {
    pub fn new(correlator: Correlator, metrics: Arc<ReactorMetrics>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                correlator,
                outbox: Outbox::default(),
                lost: Instant::now(),
                whole: false,
            }),
            outgoing: Notify::new(),
            in_flight: Arc::default(),
            metrics,
        }
    }

    pub fn in_flight(&self) -> Arc<InFlight> {
        Arc::clone(&self.in_flight)
    }

    /// An event arrived.
    pub fn event(&self, seen: Seen) -> Dealt {
        let mut dealt = Dealt::With;
        self.apply(|Inner { correlator, .. }, out| {
            correlator.event(seen, out);
            let lost = |found: &Finding| matches!(found, Finding::Rejected(_, RejectReason::HoldOverflow));
            if out.iter().any(lost) {
                dealt = Dealt::Lost;
            }
        });
        dealt
    }

    /// The board announced something.
    pub fn announced(&self, news: Announcement, now: Instant) {
        self.apply(|Inner { correlator, .. }, out| match news {
            Announcement::Test { test } => correlator.announced(*test, now, out),
            Announcement::Transfer { test_id, transfer_id } => {
                correlator.transferred(test_id, &transfer_id, now, out);
            }
        });
    }

    /// The board may have lost what it was told: its connection broke, or it refused something. States wait
    /// until it was read again.
    pub fn board_lost(&self, now: Instant) {
        let mut inner = self.lock();
        (inner.lost, inner.whole) = (now, false);
    }

    /// Whether the board may have lost something since then. That it was read again meanwhile does not help what was
    /// taken before: what it lacked waits here.
    pub fn lost_since(&self, taken: Instant) -> bool {
        self.lock().lost >= taken
    }

    /// All open tests were read from the board, beginning at `began`. What it lacked is on its way now.
    pub fn board_read(&self, open: &[Facts], began: Instant) {
        self.apply(|inner, out| {
            for facts in open {
                inner.correlator.read(facts, began, out);
            }
            inner.correlator.board_read(began);
            inner.whole |= inner.lost <= began;
        });
    }

    /// Whether the board has to be read: something on it may be lost, or an announcement for which an event waits.
    pub fn wants_board(&self, now: Instant, patience: Duration) -> bool {
        let inner = self.lock();
        !inner.whole || inner.correlator.wants_board(now, patience)
    }

    /// Decides what was held long enough.
    pub fn expire(&self, now: Instant) {
        self.apply(|Inner { correlator, .. }, out| correlator.expire(now, out));
    }

    /// When the first event of this type was seen that coverage must not pass yet.
    pub fn blocks(&self, event_type: EventType) -> Option<Instant> {
        self.lock().correlator.blocks(event_type)
    }

    /// Tells the board what a reactor says of itself, behind everything that it saw before.
    pub fn state(&self, state: ReactorState) {
        self.lock().outbox.state(state);
        self.outgoing.notify_one();
    }

    /// Waits until there is something to tell.
    pub async fn outgoing(&self) {
        self.outgoing.notified().await;
    }

    /// Takes what may be written now: states only if nothing is missing on the board that they vouch for.
    pub fn take(&self) -> Outbox {
        let mut inner = self.lock();
        let whole = inner.whole;
        inner.outbox.take(whole)
    }

    pub fn put_back(&self, unwritten: Outbox) {
        self.lock().outbox.put_back(unwritten);
    }

    fn apply(&self, change: impl FnOnce(&mut Inner, &mut Vec<Finding>)) {
        let mut inner = self.lock();
        let mut findings = Vec::new();
        change(&mut inner, &mut findings);
        for finding in findings {
            match finding {
                Finding::Matched(event_type) => self.metrics.matched(event_type),
                Finding::Sighting(sighting, at) => inner.outbox.sighting(sighting, at),
                Finding::Mismatch(test_id, mismatch) => inner.outbox.mismatch(test_id, mismatch),
                Finding::Rejected(event_type, reason) => self.metrics.rejected(event_type, reason),
                Finding::Transfer(transfer_id) => self.in_flight.insert(&transfer_id),
                Finding::TransfersForgotten => self.in_flight.replace(inner.correlator.transfer_ids()),
            }
        }
        if !inner.outbox.is_empty() {
            self.outgoing.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
