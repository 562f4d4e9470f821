//! Slots that nobody fired: found as cycles without a row, by whoever leads (design §3.3, I2).
//!
//! A cycle counts as a gap only once none of its slots can start any more, and not if the board knows its
//! claim: then it was fired while the ledger was away, and the judge writes its row.

use canary_domain::{Hold, Reason};
use canary_store::{Leadership, Result, Unfired};
use tracing::{info, warn};

use crate::settings::Route;
use crate::slots::Slots;

/// Cycles looked at, and rows written, in one step.
const STEP: i64 = 1_000;

/// How far the gaps are filled.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// The last cycle below which every configured path has its rows.
    filled: Option<i64>,
}

impl Gaps {
    /// Fills what is open up to now. A failure leaves the rest for the next time.
    pub async fn fill(&mut self, slots: &Slots, lead: &Leadership) {
        let last = slots.settings.cadence.last_over(slots.firer.clock.now());
        match self.fill_to(slots, lead, last).await {
            Ok(true) => self.filled = Some(last),
            Ok(false) => {}
            Err(error) => warn!(%error, "slots that were not fired can't be written down yet"),
        }
    }

    /// `false` if the lease ended on the way.
    async fn fill_to(&self, slots: &Slots, lead: &Leadership, last: i64) -> Result<bool> {
        let period_ms = slots.settings.cadence.period_ms();
        let kept = i64::try_from(slots.settings.retention.as_millis()).unwrap_or(i64::MAX) / period_ms;
        let spans = slots.ledger.slot_spans(period_ms).await?;
        let oldest = self.filled.map_or(last - kept, |filled| filled + 1);
        let reach_back = slots.settings.cadence.edge(oldest);
        let holds = slots.ledger.holds(reach_back).await?;
        for (index, route) in slots.settings.routes.iter().enumerate() {
            let Some(span) = spans.iter().find(|span| span.path == route.name) else { continue };
            let place = Place { index, route, holds: &holds, first: oldest.max(span.first), last };
            if !place.fill(slots, lead).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One path's part.
struct Place<'a> {
    index: usize,
    route: &'a Route,
    holds: &'a [Hold],
    first: i64,
    last: i64,
}

impl Place<'_> {
    async fn fill(&self, slots: &Slots, lead: &Leadership) -> Result<bool> {
        let mut first = self.first;
        while first <= self.last {
            let end = (first + STEP - 1).min(self.last);
            let period_ms = slots.settings.cadence.period_ms();
            let gaps = slots.ledger.gaps(&self.route.name, period_ms, first, end, STEP).await?;
            let claimed = if gaps.is_empty() {
                Vec::new()
            } else {
                slots.firer.board.claimed(&self.route.name, &gaps).await?
            };
            let rows: Vec<Unfired> = gaps
                .iter()
                .filter(|cycle| !claimed.contains(cycle))
                .map(|cycle| self.unfired(slots, lead, *cycle))
                .collect();
            if lead.check().is_err() {
                return Ok(false);
            }
            if !rows.is_empty() {
                let written = slots.ledger.write_unfired(&rows).await?;
                info!(
                    path = self.route.name,
                    slots = written.len(),
                    first,
                    end,
                    "slots that were not fired are written down"
                );
            }
            first = end + 1;
        }
        Ok(true)
    }

    fn unfired(&self, slots: &Slots, lead: &Leadership, cycle: i64) -> Unfired {
        let due = slots.settings.cadence.due(cycle, self.index, slots.settings.routes.len());
        let held = self.holds.iter().find_map(|hold| hold.skips(&self.route.name, due));
        let test = slots.settings.slot_test(self.route, cycle, lead.term(), due);
        Unfired { test, reason: held.unwrap_or(Reason::NoLeader), at: slots.firer.clock.now() }
    }
}
