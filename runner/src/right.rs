//! By what right a test is sent: asked last, right before its request leaves.
//!
//! The race it lives with: this process may stand still anywhere between the decision to send and the sending. Whoever
//! wakes up with a right that has run out sends nothing.

use std::time::Duration;

use canary_domain::Reason;
use canary_store::Leadership;
use tokio::time::Instant;

/// How long an order is good for. Whoever waits for it hears after 10 seconds that nothing came of it, and may order again.
const ORDER: Duration = Duration::from_secs(8);

/// By what right a test is sent.
#[derive(Clone, Debug)]
pub enum Right {
    /// The slots of this term are ours (I1).
    Leading(Leadership),
    /// Somebody ordered it just now and waits for it. It has no slot, so nobody else can fire it; but one who has given
    /// up waiting orders again, and does not expect the first to be carried out any more.
    Ordered {
        /// On this process's monotonic clock.
        until: Instant,
    },
}

/// The right has run out, or may have: nothing may be sent by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct NoRight {
    words: String,
    /// What is noted of a test that was not sent for that.
    pub reason: Reason,
}

impl Right {
    /// The right of an order that is given now: good for 8 seconds.
    #[must_use]
    pub fn ordered() -> Self {
        Self::Ordered { until: Instant::now() + ORDER }
    }

    /// Asks, right before an act, whether it still holds.
    ///
    /// # Errors
    /// When it has run out: `lease_lost` for a slot, `overrun` for an order that could not be begun in time.
    pub fn check(&self) -> Result<(), NoRight> {
        match self {
            Self::Leading(lead) => {
                lead.check().map_err(|error| NoRight { words: error.to_string(), reason: Reason::LeaseLost })
            }
            Self::Ordered { until } if Instant::now() < *until => Ok(()),
            Self::Ordered { .. } => Err(NoRight {
                words: "the order is too old to be carried out".into(),
                reason: Reason::Overrun,
            }),
        }
    }
}

impl From<&Leadership> for Right {
    fn from(lead: &Leadership) -> Self {
        Self::Leading(lead.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn an_order_is_not_good_any_more_when_whoever_gave_it_gives_up() {
        let right = Right::ordered();
        advance(Duration::from_secs(7)).await;
        assert_eq!(right.check(), Ok(()));
        advance(Duration::from_secs(2)).await;
        assert_eq!(right.check().unwrap_err().reason, Reason::Overrun);
    }
}
