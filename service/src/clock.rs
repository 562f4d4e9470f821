//! Keeps the clock to the board's (design §3.2).

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, backoff};
use canary_store::{Board, BoardClock, Finding};
use canary_telemetry::ClockMetrics;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Time between two comparisons.
const EVERY: Duration = Duration::from_secs(2);
/// The same, while the board's clock looks as if it had stepped.
const SOON: Duration = Duration::from_secs(1);

/// Asks for the board's time until it answers; `None` if told to stop before.
pub(crate) async fn start(board: &dyn Board, stop: &CancellationToken) -> Option<Arc<BoardClock>> {
    let mut delays = backoff();
    loop {
        match BoardClock::start(board).await {
            Ok(clock) => return Some(Arc::new(clock)),
            Err(error) => warn!(%error, "waiting for the board, whose clock is everyone's"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = sleep(delays.next().unwrap_or(EVERY)) => {}
        }
    }
}

/// Compares again and again, until told to stop.
pub(crate) async fn keep(
    clock: Arc<BoardClock>,
    board: Arc<dyn Board>,
    metrics: ClockMetrics,
    stop: CancellationToken,
) {
    loop {
        let pause = match clock.compare(&*board).await {
            Ok(found) => {
                metrics.compared(found.offset.as_seconds_f64());
                match found.finding {
                    Finding::Steady => EVERY,
                    Finding::Suspect => SOON,
                    Finding::Stepped => {
                        warn!(
                            seconds = found.offset.as_seconds_f64(),
                            "the board's clock has stepped; coverage begins anew"
                        );
                        metrics.stepped();
                        EVERY
                    }
                }
            }
            Err(error) => {
                debug!(%error, "the clock was not compared");
                EVERY
            }
        };
        metrics.bounded(clock.error_bound());
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}
