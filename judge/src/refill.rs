//! Fills a board again that came back empty (design §13, I5).
//!
//! Whether the board knows a test is the board's to say: it is offered everything the ledger waits for, and
//! takes what it has not. A test is in the ledger a moment before it is on the board, so rows younger
//! than [`GRACE`] are left to the runner. A test that the board has closed comes back once its facts have expired
//! there: no pending row stays so for ever, whatever was lost where.

use canary_domain::{Facts, Moment, Origin};
use canary_store::{Filter, Leadership};
use chrono::TimeDelta;

use crate::points;
use crate::sweep::is_awaited;
use crate::{Judge, SweepError};

const GRACE: TimeDelta = TimeDelta::seconds(15);
/// Pending rows read at once: an hour of 30 paths a minute without a verdict, and more.
const PENDING_LIMIT: i64 = 10_000;
const PAGE: i64 = 500;

impl Judge {
    /// Offers the board all that the ledger waits for; answers how many tests it had lost.
    ///
    /// If it had lost any, or if `all` is set, it is offered the decided tests too that are still watched: what
    /// arrives later amends their rows.
    pub(crate) async fn refill(&self, lead: &Leadership, all: bool) -> Result<u64, SweepError> {
        let now = self.clock.now();
        let pending = self.ledger.pending(now, PENDING_LIMIT).await.map_err(SweepError::Ledger)?;
        self.tally.in_flight(&pending);
        let pending: Vec<Facts> =
            pending.into_iter().filter(|facts| facts.test.registered_at < now - GRACE).collect();
        points::REFILL_READ.reached();
        let before = self.board.open_count().await.map_err(SweepError::Board)?;
        self.offer(lead, &pending).await?;
        points::REFILL_OFFERED.reached();
        let after = self.board.open_count().await.map_err(SweepError::Board)?;
        if all || after > before {
            self.offer_watched(lead, now).await?;
        }
        Ok(after.saturating_sub(before))
    }

    async fn offer(&self, lead: &Leadership, facts: &[Facts]) -> Result<(), SweepError> {
        for page in facts.chunks(self.settings.batch) {
            lead.check()?;
            self.board.restore(page).await.map_err(SweepError::Board)?;
        }
        Ok(())
    }

    async fn offer_watched(&self, lead: &Leadership, now: Moment) -> Result<(), SweepError> {
        let watch = TimeDelta::from_std(self.settings.watch).unwrap_or(TimeDelta::MAX);
        let filter =
            Filter { from: now.checked_sub_signed(watch), to: Some(now - GRACE), ..Filter::default() };
        let mut cursor = None;
        loop {
            let page = self.ledger.results(&filter, cursor, PAGE).await.map_err(SweepError::Ledger)?;
            let watched: Vec<Facts> = page
                .rows
                .into_iter()
                .filter(|row| row.facts.test.origin != Origin::Probe && is_awaited(row, now))
                .map(|row| row.facts)
                .collect();
            self.offer(lead, &watched).await?;
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(()),
            }
        }
    }
}
