//! One slot: claimed, fired, or written down as not fired.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use canary_domain::{Facts, Hold, Moment, Reason, Test};
use canary_store::{AgentState, Claim, Leadership, Ledger, Registration, Result, Unfired};
use chrono::TimeDelta;
use rust_decimal::prelude::ToPrimitive as _;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::fire::Firer;
use crate::holds::Holds;
use crate::points;
use crate::settings::{Route, Settings};

/// The most time a slot makes ready in, and waits for the ledger before the board's claim alone decides.
const AHEAD: Duration = Duration::from_secs(2);
/// How often a follower reads the holds.
const HOLDS_EVERY: Duration = Duration::from_secs(10);
/// The longest that a slot that is due waits to read the holds once more.
const LAST_LOOK: Duration = Duration::from_millis(500);
/// The longest that a `Retry-After` is respected.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// The longest nap on the way to a slot, so that a clock that is corrected meanwhile is noticed.
const NAP: TimeDelta = TimeDelta::seconds(1);

/// One path's turn in one cycle.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub route: Arc<Route>,
    pub cycle: i64,
    pub due: Moment,
}

/// What is known of a slot's claim in the ledger.
#[derive(Clone, Copy)]
enum Durable {
    /// The pending row is ours.
    Ours,
    /// The ledger did not say.
    Unknown,
}

/// What the slots of all paths share.
pub(crate) struct Slots {
    pub settings: Settings,
    pub firer: Firer,
    pub ledger: Arc<dyn Ledger>,
    pub stop: CancellationToken,
    /// The holds last read.
    pub holds: Holds,
    /// Until when the platform asked a path to leave it alone; written by the slot that was told.
    pub patience: Mutex<HashMap<String, Moment>>,
}

impl Slots {
    /// Sees a slot through, from a little before it is due to the noted answer. Told to stop, it begins nothing.
    pub async fn run(&self, lead: Leadership, slot: Slot) {
        let unfired = tokio::select! {
            () = self.stop.cancelled() => return,
            unfired = self.wait(&slot) => unfired,
        };
        match unfired {
            Some(reason) => self.write_unfired(&lead, &slot, reason).await,
            None => self.fire(&lead, &slot).await,
        }
    }

    /// Waits for the slot's start; answers why it is not to be fired, if so.
    async fn wait(&self, slot: &Slot) -> Option<Reason> {
        self.sleep_until(slot.due - self.ahead()).await;
        // Making ready never takes time from the slot itself.
        let room = (slot.due - self.firer.clock.now()).to_std().unwrap_or_default();
        if self.holds.skip(&slot.route.name, &[slot.due]).is_none()
            && timeout(room, self.prepare(&slot.route)).await.is_err()
        {
            debug!(
                path = slot.route.name,
                "not ready ahead of time: the sign-in, the balance or the board is slow"
            );
        }
        let start = slot.due.max(self.patience(&slot.route.name).unwrap_or(slot.due));
        let start_by = self.settings.cadence.start_by(slot.due);
        if start > start_by {
            return Some(Reason::RateLimited);
        }
        self.sleep_until(start).await;
        let now = self.firer.clock.now();
        self.firer.metrics.started((now - slot.due).to_std().unwrap_or_default());
        self.held(slot, now - start).await.or((now > start_by).then_some(Reason::Overrun))
    }

    /// Why a slot is skipped that could have started so long ago: it was due while a hold was on, or one is on now.
    async fn held(&self, slot: &Slot, late: TimeDelta) -> Option<Reason> {
        let now = Instant::now();
        let since = now.checked_sub(late.to_std().unwrap_or_default()).unwrap_or(now);
        let limit = (self.settings.cadence.period() / 10).min(LAST_LOOK);
        self.holds.read_since(since, limit, async || self.ask_for_holds().await).await;
        self.holds.skip(&slot.route.name, &[slot.due, self.firer.clock.now()])
    }

    /// How long before it is due a slot makes ready, and how long it waits for the ledger.
    pub fn ahead(&self) -> Duration {
        (self.settings.cadence.period() / 4).min(AHEAD)
    }

    /// Reads the holds of now.
    pub async fn refresh_holds(&self) {
        self.holds.read(self.ahead(), async || self.ask_for_holds().await).await;
    }

    /// Those too that ended a moment ago: a slot may have been due before.
    async fn ask_for_holds(&self) -> Result<Vec<Hold>> {
        self.ledger.holds(self.firer.clock.now() - self.settings.cadence.period()).await
    }

    /// Reads the holds now and then, without end.
    pub async fn keep_holds(&self) {
        loop {
            self.refresh_holds().await;
            sleep(HOLDS_EVERY).await;
        }
    }

    async fn prepare(&self, route: &Route) {
        let Some(balance) = self.firer.prepare(route).await else { return };
        let (agent, at) = (route.from.name.clone(), self.firer.clock.now());
        let runway = self.settings.runway(&agent, balance);
        let gauge = balance.to_f64().unwrap_or_default();
        self.firer.metrics.balance(&agent, gauge, runway.unwrap_or(Duration::MAX));
        // For the page alone: a board that is slow or away loses it, and nothing waits for it.
        if let Err(error) = self.firer.board.save_agent(&AgentState { agent, balance, runway, at }).await {
            debug!(agent = route.from.name, %error, "the balance was not put on the board");
        }
    }

    async fn fire(&self, lead: &Leadership, slot: &Slot) {
        let test = self.settings.slot_test(&slot.route, slot.cycle, lead.term(), self.firer.clock.now());
        if lead.check().is_err() {
            return;
        }
        points::SLOT_DECIDED.reached();
        let Some(claim) = self.claim(&test).await else { return };
        points::SLOT_CLAIMED.reached();
        let facts = Facts::registered(test);
        match self.firer.board.register(lead, &facts.test).await {
            Ok(Registration::Registered) => {}
            Ok(Registration::Taken) => {
                return debug!(path = slot.route.name, slot.cycle, "the slot is claimed already");
            }
            Ok(Registration::NotLeading) => return self.give_up(facts, claim, "the lease is gone").await,
            Err(error) => return self.give_up(facts, claim, &error.to_string()).await,
        }
        points::SLOT_REGISTERED.reached();
        let fired = self.firer.fire(&lead.into(), &slot.route, facts).await;
        info!(
            path = slot.route.name, cycle = slot.cycle, test_id = %fired.facts.test.test_id,
            status = fired.facts.fire_status().map(tracing::field::display), "fired"
        );
        if let Some(wait) = fired.retry_after {
            let until = self.firer.clock.now() + wait.min(PATIENCE);
            self.patience
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(slot.route.name.clone(), until);
        }
    }

    /// Claims the slot in the ledger; `None` if somebody has.
    async fn claim(&self, test: &Test) -> Option<Durable> {
        match timeout(self.ahead(), self.ledger.claim(test)).await {
            Ok(Ok(Claim::Claimed)) => return Some(Durable::Ours),
            Ok(Ok(Claim::Taken)) => {
                debug!(path = test.path, cycle = test.cycle, "the slot has a row already");
                return None;
            }
            Ok(Err(error)) => {
                warn!(path = test.path, cycle = test.cycle, %error, "the board's claim alone decides");
            }
            Err(_) => {
                warn!(
                    path = test.path,
                    cycle = test.cycle,
                    "the ledger is slow: the board's claim alone decides"
                );
            }
        }
        Some(Durable::Unknown)
    }

    /// Ends a slot that is not going to be fired for want of the board. Only whose the row is may say so: without it
    /// another leader may be firing this very test.
    async fn give_up(&self, facts: Facts, claim: Durable, why: &str) {
        warn!(
            path = facts.test.path,
            cycle = facts.test.cycle,
            why,
            "not fired: the test can't be registered"
        );
        match claim {
            Durable::Ours => self.firer.withhold(facts, Reason::LeaseLost).await,
            Durable::Unknown => {}
        }
    }

    fn patience(&self, path: &str) -> Option<Moment> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied()
    }

    /// A slot that can't be written down now is found again as a gap.
    async fn write_unfired(&self, lead: &Leadership, slot: &Slot, reason: Reason) {
        let test = self.settings.slot_test(&slot.route, slot.cycle, lead.term(), slot.due);
        if lead.check().is_err() {
            return;
        }
        let row = Unfired { test, reason, at: self.firer.clock.now() };
        points::UNFIRED_DECIDED.reached();
        match self.ledger.write_unfired(&[row]).await {
            Ok(written) => {
                points::UNFIRED_WRITTEN.reached();
                info!(path = slot.route.name, cycle = slot.cycle, %reason, "not fired");
                self.count_unfired(&slot.route, reason, written.len());
            }
            Err(error) => {
                warn!(path = slot.route.name, cycle = slot.cycle, %reason, %error, "not fired, not written yet");
            }
        }
    }

    /// Counts slots that this instance wrote down as not fired; those that the ledger had already are not counted twice.
    pub fn count_unfired(&self, route: &Route, reason: Reason, slots: usize) {
        for _ in 0..slots {
            self.firer.metrics.unfired(&route.labels(), reason);
        }
    }

    /// Waits for a moment of the board's clock.
    pub async fn sleep_until(&self, moment: Moment) {
        loop {
            let left = moment - self.firer.clock.now();
            match left.min(NAP).to_std() {
                Ok(nap) if left > TimeDelta::zero() => sleep(nap).await,
                Ok(_) | Err(_) => return,
            }
        }
    }
}
