//! Works whenever this instance leads.

use canary_store::{Leadership, Seat};
use tokio_util::sync::CancellationToken;

/// Nobody contends for the lease any more, and the work was not told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keeper of the judge's lease has ended")]
pub struct SeatLost;

/// The next leadership that is still good; `None` once told to stop.
pub(crate) async fn next(seat: &mut Seat, stop: &CancellationToken) -> Result<Option<Leadership>, SeatLost> {
    let good = |lead: &Option<Leadership>| lead.as_ref().is_some_and(|lead| lead.check().is_ok());
    let lead = tokio::select! {
        () = stop.cancelled() => return Ok(None),
        lead = seat.wait_for(good) => lead.ok().and_then(|lead| lead.clone()),
    };
    match lead {
        Some(lead) => Ok(Some(lead)),
        None if stop.is_cancelled() => Ok(None),
        None => Err(SeatLost),
    }
}

/// Works until the leadership ends or there is a stop; the work is dropped then, wherever it is.
pub(crate) async fn while_leading(
    lead: &Leadership,
    stop: &CancellationToken,
    work: impl Future<Output = ()>,
) {
    tokio::select! {
        () = work => {}
        () = lead.ended() => {}
        () = stop.cancelled() => {}
    }
}
