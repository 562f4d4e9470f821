//! The export's loop: follows the lease, pushes what has closed while leading, stands still otherwise.
//!
//! A round may be dropped at any await (a stop, a lost lease, a crash): what it had not finished is sent again by the next
//! one, here or elsewhere. Two that push at once, a deposed leader and its successor, push the same samples, and
//! the mark only moves on. Nothing but what is refused alone is ever passed over ([`crate::delivery`]).

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, backoff};
use canary_store::{Board, Leadership, Ledger, Seat};
use canary_telemetry::ExportMetrics;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::Receiver;
use crate::leading::{Leading, RoundError};
use crate::outage::Outages;

/// How the export works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The deployment's name: the label `canary`.
    pub canary: String,
    /// Time between two rounds (design §6, `every`).
    pub every: Duration,
    /// How long after it was accepted a sample is sent again with each round: until the receiver certainly has it on
    /// disk.
    pub overlap: Duration,
}

impl Settings {
    /// A receiver has on disk what it accepted two minutes ago.
    pub const OVERLAP: Duration = Duration::from_secs(120);
}

/// What the export works with.
pub struct Parts {
    /// Which tests are open.
    pub board: Arc<dyn Board>,
    /// The rows, and the mark.
    pub ledger: Arc<dyn Ledger>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<ExportMetrics>,
    /// Where samples go.
    pub receiver: Receiver,
}

/// Pushes what has closed.
pub struct Exporter {
    pub(crate) settings: Settings,
    pub(crate) parts: Parts,
}

/// Nobody contends for the lease any more, and the export was not told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keeper of the export's lease has ended")]
pub struct SeatLost;

impl Exporter {
    /// An export that has done nothing yet.
    #[must_use]
    pub fn new(settings: Settings, parts: Parts) -> Self {
        Self { settings, parts }
    }

    /// Exports whenever this instance leads, until told to stop.
    ///
    /// # Errors
    /// When the seat's other end is gone before the stop.
    pub async fn run(self, mut seat: Seat, stop: CancellationToken) -> Result<(), SeatLost> {
        let mut outages = Outages::default();
        loop {
            let lead = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                lead = next(&mut seat) => lead,
            };
            let Some(lead) = lead else { return if stop.is_cancelled() { Ok(()) } else { Err(SeatLost) } };
            tokio::select! {
                () = self.lead(&lead, &mut outages) => {}
                () = lead.ended() => {}
                () = stop.cancelled() => {}
            }
            self.parts.metrics.rest();
        }
    }

    async fn lead(&self, lead: &Leadership, outages: &mut Outages) {
        let mut leading = Leading::new(self, lead);
        let mut delays = backoff();
        loop {
            let next = Instant::now() + self.settings.every;
            let round = leading.round().await;
            leading.tell_lag();
            let patience = match round {
                Ok(()) => {
                    outages.worked();
                    delays = backoff();
                    sleep_until(next).await;
                    continue;
                }
                Err(RoundError::NotLeading(_)) => return,
                Err(RoundError::Board(cause)) => {
                    outages.failed("the board", &cause);
                    None
                }
                Err(RoundError::Ledger(cause)) => {
                    outages.failed("the ledger", &cause);
                    None
                }
                Err(RoundError::Away(absence)) => {
                    outages.failed(self.parts.receiver.name(), &absence);
                    absence.wait
                }
            };
            sleep(delays.next().unwrap_or_default().max(patience.unwrap_or_default())).await;
        }
    }
}

/// The next leadership that is still good; `None` once nobody contends any more.
async fn next(seat: &mut Seat) -> Option<Leadership> {
    let good = |lead: &Option<Leadership>| lead.as_ref().is_some_and(|lead| lead.check().is_ok());
    seat.wait_for(good).await.ok().and_then(|lead| lead.clone())
}
