//! Writes what waits to the board: sightings, contradictions, then the states that vouch for them.
//!
//! While the board is away everything waits in the outbox and is tried again. Stamping is idempotent, so a batch
//! whose answer was lost is written once more.

use std::sync::Arc;

use canary_domain::{Sighting, backoff};
use canary_store::{Board, Result};
use canary_telemetry::ReactorMetrics;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::desk::Desk;
use crate::outbox::Outbox;

/// Sightings a call.
const BATCH: usize = 500;

pub(crate) struct Stamper {
    pub desk: Arc<Desk>,
    pub board: Arc<dyn Board>,
    pub metrics: Arc<ReactorMetrics>,
}

impl Stamper {
    /// Writes until told to stop, and then once more.
    pub async fn run(self, stop: CancellationToken) {
        let mut delays = backoff();
        let mut away = false;
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.desk.outgoing() => {}
                () = stop.cancelled() => {}
            }
            while let Err(error) = self.write().await {
                if !std::mem::replace(&mut away, true) {
                    warn!(board = self.board.describe(), %error, "what was seen can't be written; it is kept and tried again");
                }
                let Some(delay) = delays.next() else { continue };
                tokio::select! {
                    () = sleep(delay) => {}
                    () = stop.cancelled() => return,
                }
            }
            if std::mem::replace(&mut away, false) {
                info!(board = self.board.describe(), "what was seen is on the board again");
            }
            delays = backoff();
        }
    }

    async fn write(&self) -> Result<()> {
        let outbox = self.desk.take();
        let written = self.write_all(&outbox).await;
        if written.is_err() {
            self.desk.put_back(outbox);
        }
        written
    }

    async fn write_all(&self, outbox: &Outbox) -> Result<()> {
        let sightings: Vec<Sighting> = outbox.sightings().collect();
        for batch in sightings.chunks(BATCH) {
            let unknown = self.board.stamp(batch).await?;
            if !unknown.is_empty() {
                debug!(
                    tests = unknown.len(),
                    "the board has lost tests; their sightings wait for its return"
                );
            }
        }
        let now = Instant::now();
        outbox.made_at().for_each(|at| self.metrics.stamp_delay(now.saturating_duration_since(at)));
        for (test_id, mismatch) in outbox.mismatches() {
            self.board.note_mismatch(test_id, mismatch).await?;
        }
        for state in outbox.states() {
            self.board.save_reactor(state).await?;
            if let Some(covered) = state.covered {
                self.metrics.covered_until(state.event_type, covered.until);
            }
        }
        Ok(())
    }
}
