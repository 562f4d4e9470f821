//! Slots that nobody fired: found as cycles without a row, by whoever leads (design §3.3, I2).
//!
//! A cycle counts as a gap only once none of its slots can start any more, and not if the board knows its
//! claim: then it was fired while the ledger was away, and the judge writes its row.

use std::collections::HashSet;

use canary_domain::{Hold, Reason, TestId};
use canary_store::{Leadership, Result, Unfired};
use tracing::{info, warn};

use crate::points;
use crate::settings::Route;
use crate::slots::Slots;

/// Cycles looked at, and rows written, in one step.
const STEP: i64 = 1_000;

/// How far the gaps are filled.
#[derive(Debug)]
pub(crate) struct Gaps {
    filled: Filled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    /// As far as rows are kept, nothing is known.
    Unknown,
    /// Each path up to its last row, or as far as that is somebody else's business.
    ToLastRows,
    /// Every configured path has its rows up to this cycle, and a first one.
    To(i64),
}

impl Gaps {
    /// Looks at everything that is kept.
    pub fn all() -> Self {
        Self { filled: Filled::Unknown }
    }

    /// Looks at what follows each path's last row alone: what would become a hole by the next claim.
    pub fn behind_rows() -> Self {
        Self { filled: Filled::ToLastRows }
    }

    /// Leaves cycles up to this one to somebody else.
    pub fn after(cycle: i64) -> Self {
        Self { filled: Filled::To(cycle) }
    }

    /// Fills what is open up to `last`; answers whether nothing is left open. A failure leaves the rest for the next time.
    pub async fn fill(&mut self, slots: &Slots, lead: &Leadership, last: i64) -> bool {
        match self.fill_to(slots, lead, last).await {
            Ok(filled) => {
                self.filled = filled.map_or(self.filled, Filled::To);
                filled == Some(last)
            }
            Err(error) => {
                warn!(%error, "slots that were not fired can't be written down yet");
                false
            }
        }
    }

    /// Answers the last cycle up to which nothing is open; `None` if the lease ended on the way. A path without rows is open.
    async fn fill_to(&self, slots: &Slots, lead: &Leadership, last: i64) -> Result<Option<i64>> {
        let period_ms = slots.settings.cadence.period_ms();
        let kept = i64::try_from(slots.settings.retention.as_millis()).unwrap_or(i64::MAX) / period_ms;
        let spans = slots.ledger.slot_spans(period_ms).await?;
        let last_rows = spans.iter().map(|span| span.last).min();
        let oldest = match self.filled {
            Filled::Unknown => last - kept,
            Filled::ToLastRows => last_rows.map_or(last, |cycle| cycle + 1).max(last - kept),
            Filled::To(filled) => filled + 1,
        };
        let holds = slots.ledger.holds(slots.settings.cadence.edge(oldest)).await?;
        let mut filled = last;
        for (index, route) in slots.settings.routes.iter().enumerate() {
            let Some(span) = spans.iter().find(|span| span.path == route.name) else {
                // Its first row may be on its way, and what follows that one is looked at only once it is there.
                filled = filled.min(oldest - 1);
                continue;
            };
            let first = if self.filled == Filled::ToLastRows { span.last + 1 } else { span.first };
            let place = Place { index, route, holds: &holds, first: oldest.max(first), last };
            let Some(path_filled) = place.fill(slots, lead).await? else { return Ok(None) };
            filled = filled.min(path_filled);
        }
        Ok(Some(filled))
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
    /// As [`Gaps::fill_to`]. A slot that the board has claimed stays open until the judge has written its row.
    async fn fill(&self, slots: &Slots, lead: &Leadership) -> Result<Option<i64>> {
        let (mut first, mut filled) = (self.first, self.last);
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
            filled = claimed.iter().map(|cycle| cycle - 1).fold(filled, i64::min);
            if lead.check().is_err() {
                return Ok(None);
            }
            if !rows.is_empty() {
                self.write(slots, &rows).await?;
            }
            first = end + 1;
        }
        Ok(Some(filled))
    }

    async fn write(&self, slots: &Slots, rows: &[Unfired]) -> Result<()> {
        points::GAPS_FOUND.reached();
        let written: HashSet<TestId> = slots.ledger.write_unfired(rows).await?.into_iter().collect();
        points::GAPS_WRITTEN.reached();
        info!(path = self.route.name, slots = written.len(), "slots that were not fired are written down");
        for row in rows.iter().filter(|row| written.contains(&row.test.test_id)) {
            slots.count_unfired(self.route, row.reason, 1);
        }
        Ok(())
    }

    fn unfired(&self, slots: &Slots, lead: &Leadership, cycle: i64) -> Unfired {
        let due = slots.settings.cadence.due(cycle, self.index, slots.settings.routes.len());
        let held = self.holds.iter().find_map(|hold| hold.skips(&self.route.name, due));
        let test = slots.settings.slot_test(self.route, cycle, lead.term(), due);
        Unfired { test, reason: held.unwrap_or(Reason::NoLeader), at: slots.firer.clock.now() }
    }
}
