//! What the console keeps in memory of the ledger, so that a page that many look at costs the ledger no more than one
//! that nobody does.
//!
//! One task writes it ([`keep`]), every request reads it, for as long as it takes to make the answer's types.

mod again;
mod feed;
mod fresh;
mod hours;
mod keep;
mod load;
mod marks;
mod path;
mod pauses;
mod pending;
mod slots;
mod span;
mod state;
mod tally;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use canary_domain::Moment;
use canary_store::{Brief, Ledger, Result};
use tokio::sync::watch;
use tracing::debug;

pub(crate) use feed::{News, Place};
pub(crate) use fresh::Fresh;
pub(crate) use hours::{Cell, begin, hour_of};
pub(crate) use keep::keep;
pub(crate) use path::{PathKept, RECENT};
pub(crate) use span::CYCLES;
pub(crate) use state::{Glance, State};
pub(crate) use tally::Tally;

use crate::plan::Plan;

/// The picture, shared by the task that keeps it and all that look at it.
#[derive(Clone)]
pub(crate) struct Picture(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    plan: Arc<Plan>,
    clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// `None` until the ledger was read for the first time.
    state: RwLock<Option<State>>,
    /// Why it can't be read yet, if it says so itself; written by the one who keeps the picture.
    waits: Mutex<Option<String>>,
    /// Wakes the streams.
    moved: watch::Sender<()>,
}

impl Picture {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        plan: Arc<Plan>,
        clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    ) -> Self {
        let (state, waits, moved) = (RwLock::new(None), Mutex::new(None), watch::Sender::new(()));
        Self(Arc::new(Inner { ledger, plan, clock, state, waits, moved }))
    }

    pub(crate) fn ledger(&self) -> &dyn Ledger {
        &*self.0.ledger
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }

    pub(crate) fn now(&self) -> Moment {
        (self.0.clock)()
    }

    /// Looks at it; `None` until the ledger was read for the first time.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&State) -> R) -> Option<R> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Why the ledger can't be read yet, in its own words, which are not for everybody.
    pub(crate) fn waits(&self) -> Option<String> {
        self.0.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the ledger has a schema that can be read. Until then it says what is missing: the rest of the process
    /// waits for it as well, and tells.
    async fn is_there(&self) -> Result<bool> {
        let why = match self.0.ledger.ping().await {
            Ok(()) => None,
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = &why {
            debug!(why, "the console waits for the ledger");
        }
        let is_there = why.is_none();
        self.set_waits(why);
        Ok(is_there)
    }

    fn set_waits(&self, why: Option<String>) {
        *self.0.waits.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Tells whenever the feed has moved.
    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.0.moved.subscribe()
    }

    fn put(&self, state: State) {
        let old = self.0.state.write().unwrap_or_else(PoisonError::into_inner).replace(state);
        // Nobody has to wait for that.
        drop(old);
        self.0.moved.send_replace(());
    }

    fn change(&self, change: impl FnOnce(&mut State, &Plan)) {
        if let Some(state) = self.0.state.write().unwrap_or_else(PoisonError::into_inner).as_mut() {
            change(state, &self.0.plan);
        }
    }

    /// Takes changes of the ledger.
    fn push(&self, changes: Vec<Brief>) {
        let mut moved = false;
        self.change(|state, plan| {
            for brief in changes.into_iter().map(Arc::new) {
                state.take(plan, &brief);
                moved |= state.feed.push(&brief);
            }
        });
        if moved {
            self.0.moved.send_replace(());
        }
    }
}
