//! The leader's round: a cycle after the other, each path in its place.

use std::future::pending;
use std::sync::{Arc, Mutex};

use canary_store::{Leadership, Ledger, Seat};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::fire::Firer;
use crate::gaps::Gaps;
use crate::holds::Holds;
use crate::settings::Settings;
use crate::slots::{Slot, Slots};
use crate::under_way::UnderWay;

/// Fires the slots of all paths while it leads.
pub struct Runner {
    slots: Arc<Slots>,
    /// Slots under way. They outlive a lost lease: what was sent is seen through, what was not is withheld.
    under_way: UnderWay,
}

impl Runner {
    /// Fires by these settings, until `stop`.
    #[must_use]
    pub fn new(settings: Settings, firer: Firer, ledger: Arc<dyn Ledger>, stop: CancellationToken) -> Self {
        let slots =
            Slots { settings, firer, ledger, stop, holds: Holds::default(), patience: Mutex::default() };
        Self { slots: Arc::new(slots), under_way: UnderWay::default() }
    }

    /// Fires whenever this instance leads, until told to stop. Then calls under way may end within 6 seconds.
    pub async fn run(mut self, mut seat: Seat) {
        let stop = self.slots.stop.clone();
        let mut last = None;
        let slots = Arc::clone(&self.slots);
        loop {
            let new = |seat: &Option<Leadership>| seat.as_ref().is_some_and(|lead| Some(lead.term()) != last);
            let lead = tokio::select! {
                () = stop.cancelled() => break,
                seat = seat.wait_for(new) => seat.ok().and_then(|seat| seat.clone()),
                // So that a pause is known to whoever leads next, also if the ledger is away by then.
                () = slots.keep_holds() => None,
            };
            let Some(lead) = lead else { break };
            last = Some(lead.term());
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.lead(&lead) => {}
            }
            slots.firer.metrics.rest();
        }
        self.under_way.see_through().await;
    }

    /// One term, to its end: firing, and beside it the search for slots that nobody fired.
    async fn lead(&mut self, lead: &Leadership) {
        let slots = Arc::clone(&self.slots);
        let work = async {
            close_ranks(&slots, lead).await;
            // One edge for both: a cycle between two would be nobody's.
            let last = slots.settings.cadence.last_over(slots.firer.clock.now());
            tokio::select! {
                () = self.fire_cycles(lead, Gaps::after(last)) => {}
                () = catch_up(&slots, lead, last) => {}
            }
        };
        tokio::select! {
            () = lead.ended() => {}
            () = work => {}
        }
    }

    async fn fire_cycles(&mut self, lead: &Leadership, mut gaps: Gaps) {
        let slots = Arc::clone(&self.slots);
        let cadence = slots.settings.cadence;
        let mut cycle = cadence.cycle_at(slots.firer.clock.now());
        loop {
            // Rows of the cycles before come first, so that no path's slots ever have a hole before their last (I2).
            let last = cadence.last_over(slots.firer.clock.now());
            let fill = timeout(slots.ahead(), gaps.fill(&slots, lead, last));
            let ((), _) = tokio::join!(slots.refresh_holds(), fill);
            self.begin(lead, cycle);
            self.under_way.reap();
            // The first slots prepare themselves ahead of the edge.
            slots.sleep_until(cadence.edge(cycle + 1) - slots.ahead()).await;
            cycle = cadence.cycle_at(slots.firer.clock.now()).max(cycle + 1);
        }
    }

    /// Starts the slots of a cycle that can still start; the others become gaps.
    fn begin(&mut self, lead: &Leadership, cycle: i64) {
        let cadence = self.slots.settings.cadence;
        let paths = self.slots.settings.routes.len();
        info!(cycle, paths, term = lead.term(), "a cycle begins");
        let now = self.slots.firer.clock.now();
        for (index, route) in self.slots.settings.routes.iter().enumerate() {
            let slot = Slot { route: Arc::clone(route), cycle, due: cadence.due(cycle, index, paths) };
            if now <= cadence.start_by(slot.due) {
                let (slots, lead) = (Arc::clone(&self.slots), lead.clone());
                self.under_way.begin(async move { slots.run(lead, slot).await });
            }
        }
    }
}

/// Writes down what nobody fired since each path's last row, before the first claim of this term would leave it behind as a
/// hole (I2). A ledger that is slow or away is not waited for longer than a slot is: then the search beside it does it.
async fn close_ranks(slots: &Slots, lead: &Leadership) {
    let last = slots.settings.cadence.last_over(slots.firer.clock.now());
    if timeout(slots.ahead(), Gaps::behind_rows().fill(slots, lead, last)).await.is_err() {
        warn!("the ledger is slow: slots that nobody fired are written down later");
    }
}

/// Writes down what nobody fired before this term, up to the cycle `last`.
async fn catch_up(slots: &Slots, lead: &Leadership, last: i64) {
    let mut gaps = Gaps::all();
    while !gaps.fill(slots, lead, last).await {
        sleep(slots.settings.cadence.period()).await;
    }
    pending::<()>().await;
}
