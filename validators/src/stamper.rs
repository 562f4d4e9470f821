//! Writes what waits to the board: sightings, contradictions, then the states that vouch for them.
//!
//! While the board is away everything waits in the outbox and is tried again. Stamping is idempotent, so a batch
//! whose answer was lost is written once more. Whatever a failure was about, the board may have come back without what
//! it had acknowledged: states wait until the feed has read it.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Sighting, backoff};
use canary_store::{Board, Result, StoreError};
use canary_telemetry::ReactorMetrics;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::desk::Desk;
use crate::outbox::Outbox;
use crate::points;

/// Sightings a call.
const BATCH: usize = 500;
/// Refusals are said aloud this often at most.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(crate) struct Stamper {
    pub desk: Arc<Desk>,
    pub board: Arc<dyn Board>,
    pub metrics: Arc<ReactorMetrics>,
}

impl Stamper {
    /// Writes until told to stop, and then once more.
    pub async fn run(self, stop: CancellationToken) {
        let mut delays = backoff();
        let mut told = Told::default();
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.desk.outgoing() => {}
                () = stop.cancelled() => {}
            }
            while let Err(error) = self.write(&mut told).await {
                if !std::mem::replace(&mut told.away, true) {
                    warn!(board = self.board.describe(), %error, "what was seen can't be written; it is kept and tried again");
                }
                let Some(delay) = delays.next() else { continue };
                tokio::select! {
                    () = sleep(delay) => {}
                    () = stop.cancelled() => return,
                }
            }
            if std::mem::replace(&mut told.away, false) {
                info!(board = self.board.describe(), "what was seen is on the board again");
            }
            delays = backoff();
        }
    }

    async fn write(&self, told: &mut Told) -> Result<()> {
        let taken = Instant::now();
        let mut outbox = self.desk.take();
        let mut written = self.write_seen(&outbox, told).await;
        if written.is_ok() {
            // What is left are the states. Meanwhile the board may have lost what they vouch for.
            outbox.take(false);
            if !self.desk.lost_since(taken) {
                written = self.write_states(&outbox, told).await;
                if written.is_ok() {
                    return written;
                }
            }
        }
        if written.is_err() {
            self.desk.board_lost(Instant::now());
        }
        self.desk.put_back(outbox);
        written
    }

    async fn write_seen(&self, outbox: &Outbox, told: &mut Told) -> Result<()> {
        let sightings: Vec<Sighting> = outbox.sightings().collect();
        for batch in sightings.chunks(BATCH) {
            points::STAMPS_DUE.reached();
            match self.board.stamp(batch).await {
                Ok(unknown) if unknown.is_empty() => {}
                Ok(unknown) => {
                    debug!(
                        tests = unknown.len(),
                        "the board has lost tests; their sightings wait for its return"
                    );
                }
                Err(error) if error.is_unavailable() => return Err(error),
                Err(_) => self.stamp_singly(batch, told).await?,
            }
            points::STAMPS_WRITTEN.reached();
        }
        let now = Instant::now();
        outbox.made_at().for_each(|at| self.metrics.stamp_delay(now.saturating_duration_since(at)));
        for (test_id, mismatch) in outbox.mismatches() {
            let noted = self.board.note_mismatch(test_id, mismatch).await;
            self.kept(noted, told)?;
        }
        Ok(())
    }

    /// One that the board can't take must not keep the others from it.
    async fn stamp_singly(&self, batch: &[Sighting], told: &mut Told) -> Result<()> {
        for sighting in batch {
            let stamped = self.board.stamp(std::slice::from_ref(sighting)).await;
            self.kept(stamped, told)?;
        }
        Ok(())
    }

    async fn write_states(&self, outbox: &Outbox, told: &mut Told) -> Result<()> {
        for state in outbox.states() {
            let saved = self.board.save_reactor(state).await;
            if taken(saved, told)?
                && let Some(covered) = state.covered
            {
                self.metrics.covered_until(state.event_type, covered.until);
            }
            points::STATES_SAVED.reached();
        }
        Ok(())
    }

    /// What the board refuses for good is left out. If it knows the test that this is about, coverage waits until
    /// the test was read again, and it is sent once more.
    fn kept<T>(&self, answer: Result<T>, told: &mut Told) -> Result<()> {
        if !taken(answer, told)? {
            self.desk.board_lost(Instant::now());
        }
        Ok(())
    }
}

/// Whether the board has taken it, or refused it for good.
fn taken<T>(answer: Result<T>, told: &mut Told) -> Result<bool> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => {
            told.refused(&error);
            Ok(false)
        }
    }
}

/// What was said aloud.
#[derive(Debug, Default)]
struct Told {
    away: bool,
    refused: Option<Instant>,
}

impl Told {
    fn refused(&mut self, error: &StoreError) {
        let now = Instant::now();
        if self.refused.is_none_or(|told| now - told >= TELL_EVERY) {
            self.refused = Some(now);
            warn!(%error, "the board can't take something that was seen; it is left out");
        } else {
            debug!(%error, "the board can't take something else");
        }
    }
}
