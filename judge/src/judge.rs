//! The judge's loop: follows the lease, sweeps while leading, stands still otherwise.
//!
//! A store that is away ends a sweep, and the next begins after a growing pause; nothing is retried inside.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, backoff};
use canary_store::{Board, Leadership, Ledger, Seat};
use canary_telemetry::JudgeMetrics;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::chores::Chores;
use crate::outage::{BOARD, LEDGER, Outages};
use crate::tally::Tally;
use crate::{OutcomeNews, Settings, SweepError};

/// How often due tests are kept alive on the board while the ledger is away.
const KEEP_EVERY: Duration = Duration::from_secs(600);
/// How long a sweep may go on after the stop; dropped then, it is finished by whoever leads next.
const GRACE: Duration = Duration::from_secs(5);

/// What the judge works with.
pub struct Parts {
    /// The tests in flight.
    pub board: Arc<dyn Board>,
    /// Their rows.
    pub ledger: Arc<dyn Ledger>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// What it counts.
    pub metrics: Arc<JudgeMetrics>,
    /// Where it tells what the ledger took.
    pub outcomes: broadcast::Sender<OutcomeNews>,
}

/// Sweeps, judges, writes.
pub struct Judge {
    pub(crate) settings: Settings,
    pub(crate) board: Arc<dyn Board>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tally: Tally,
}

/// Nobody contends for the lease any more, and the judge was not told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keeper of the judge's lease has ended")]
pub struct SeatLost;

/// What lasts over leaderships.
#[derive(Default)]
struct Course {
    outages: Outages,
    kept: Option<Instant>,
}

impl Judge {
    /// A judge that has done nothing yet.
    #[must_use]
    pub fn new(settings: Settings, parts: Parts) -> Self {
        let Parts { board, ledger, clock, metrics, outcomes } = parts;
        let settings = Settings { batch: settings.batch.max(1), ..settings };
        Self { settings, board, ledger, clock, tally: Tally::new(metrics, outcomes) }
    }

    /// Sweeps whenever this instance leads, until told to stop.
    ///
    /// # Errors
    /// When the seat's other end is gone before the stop.
    pub async fn run(self, mut seat: Seat, stop: CancellationToken) -> Result<(), SeatLost> {
        let mut course = Course::default();
        loop {
            let lead = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                lead = next(&mut seat) => lead,
            };
            match lead {
                Some(lead) => {
                    self.lead(&lead, &stop, &mut course).await;
                    self.tally.metrics().rest();
                }
                None if stop.is_cancelled() => return Ok(()),
                None => return Err(SeatLost),
            }
        }
    }

    async fn lead(&self, lead: &Leadership, stop: &CancellationToken, course: &mut Course) {
        self.tally.forget();
        let mut chores = Chores::new();
        let mut delays = backoff();
        while lead.check().is_ok() && !stop.is_cancelled() {
            let mut next = Instant::now() + self.settings.sweep_every;
            let round = tokio::select! {
                round = self.round(lead, &mut chores, course) => round,
                () = patience_after(stop) => return,
            };
            match round {
                Ok(()) => delays = backoff(),
                Err(SweepError::NotLeading(_)) => return,
                Err(SweepError::Board(_) | SweepError::Ledger(_)) => {
                    next = Instant::now() + delays.next().unwrap_or(self.settings.sweep_every);
                }
            }
            tokio::select! {
                () = sleep_until(next) => {}
                () = lead.ended() => return,
                () = stop.cancelled() => return,
            }
        }
    }

    /// A sweep and the chores that are due; what fails is said once, and due tests are kept alive.
    async fn round(
        &self,
        lead: &Leadership,
        chores: &mut Chores,
        course: &mut Course,
    ) -> Result<(), SweepError> {
        let result = self.sweep_and_tidy(lead, chores, course).await;
        match &result {
            Ok(()) | Err(SweepError::NotLeading(_)) => {}
            Err(SweepError::Board(cause)) => course.outages.failed(BOARD, cause),
            Err(SweepError::Ledger(cause)) => {
                course.outages.worked(BOARD);
                course.outages.failed(LEDGER, cause);
                if course.kept.is_none_or(|kept| kept.elapsed() >= KEEP_EVERY) {
                    self.keep(lead, course).await;
                }
            }
        }
        result
    }

    async fn sweep_and_tidy(
        &self,
        lead: &Leadership,
        chores: &mut Chores,
        course: &mut Course,
    ) -> Result<(), SweepError> {
        let report = self.sweep(lead).await?;
        course.outages.worked(BOARD);
        if report.looked > 0 {
            debug!(?report, "swept");
            course.outages.worked(LEDGER);
        }
        if self.do_chores(lead, chores).await? {
            course.outages.worked(LEDGER);
        }
        Ok(())
    }

    async fn keep(&self, lead: &Leadership, course: &mut Course) {
        match self.keep_due(lead).await {
            Ok(tests) => {
                course.kept = Some(Instant::now());
                debug!(tests, "kept on the board until the ledger is back");
            }
            Err(error) => {
                warn!(%error, "due tests could not be kept alive on the board; it will be tried again");
            }
        }
    }
}

/// The next leadership that is still good; `None` once nobody contends any more.
async fn next(seat: &mut Seat) -> Option<Leadership> {
    let good = |lead: &Option<Leadership>| lead.as_ref().is_some_and(|lead| lead.check().is_ok());
    seat.wait_for(good).await.ok().and_then(|lead| lead.clone())
}

async fn patience_after(stop: &CancellationToken) {
    stop.cancelled().await;
    sleep(GRACE).await;
}
