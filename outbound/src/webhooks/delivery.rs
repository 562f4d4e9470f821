//! Delivers what waits for one receiver: a path's messages in order, those of other paths not held up by it.
//!
//! A message is claimed for as long as sending may take before it is sent, and ended once it was taken. Whoever dies in
//! between leaves it to be sent again, with the same id.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use canary_domain::backoff;
use canary_store::{Ending, Leadership, NotLeading, Notice, StoreError};
use canary_telemetry::Delivered;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::post::{Posted, post};
use super::{Endpoint, Webhooks};
use crate::outage::Outage;

/// How often what waits is looked for, if nothing new is said.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Messages read at once.
const PAGE: i64 = 20;
/// How much longer than the receiver may take a message is claimed for.
const CLAIM_MARGIN: Duration = Duration::from_secs(10);
/// The pause after the first try; each further one is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Ledger(#[from] StoreError),
}

impl Webhooks {
    /// Delivers until the leadership ends.
    pub(super) async fn deliver(&self, endpoint: &Endpoint, news: &Notify, lead: &Leadership) {
        let (mut delays, mut outage) = (backoff(), Outage::new("delivering webhooks"));
        loop {
            match self.deliver_due(endpoint, lead).await {
                Ok(sent) => {
                    (delays, outage) = (backoff(), worked(outage));
                    if sent == 0 {
                        // Whichever comes first.
                        timeout(LOOK_EVERY, news.notified()).await.ok();
                    }
                }
                Err(RoundError::NotLeading(_)) => return,
                Err(RoundError::Ledger(cause)) => {
                    outage.failed(&cause);
                    sleep(delays.next().unwrap_or(LOOK_EVERY)).await;
                }
            }
        }
    }

    async fn deliver_due(&self, endpoint: &Endpoint, lead: &Leadership) -> Result<usize, RoundError> {
        let outbox = &self.parts.outbox;
        let due = outbox.due_notices(&endpoint.name, self.parts.clock.now(), PAGE).await?;
        for notice in &due {
            lead.check()?;
            let until = self.parts.clock.now() + endpoint.timeout + CLAIM_MARGIN;
            if outbox.claim_notice(notice, until).await? {
                self.send(endpoint, notice).await?;
            }
        }
        self.parts.metrics.waiting(&endpoint.name, outbox.waiting_notices(&endpoint.name).await?);
        Ok(due.len())
    }

    async fn send(&self, endpoint: &Endpoint, notice: &Notice) -> Result<(), StoreError> {
        let (clock, metrics) = (&self.parts.clock, &self.parts.metrics);
        let Notice { id, path, told_at, .. } = notice;
        let (name, attempts) = (&endpoint.name, notice.attempts.saturating_add(1));
        match post(&self.client, endpoint, (id, &notice.body), clock.now()).await {
            Posted::Taken => {
                metrics.delivery(name, Delivered::Delivered, 1);
                info!(endpoint = name, id, path, attempts, "told");
                self.parts.outbox.end_notice(notice, Ending::Delivered, clock.now()).await?;
            }
            Posted::Refused { cause, wait, for_good } => {
                metrics.delivery(name, Delivered::Refused, 1);
                let age = (clock.now() - told_at).to_std().unwrap_or_default();
                if for_good || age >= endpoint.give_up_after {
                    metrics.delivery(name, Delivered::GivenUp, 1);
                    warn!(endpoint = name, id, path, attempts, cause, "given up: the receiver was not told");
                    self.parts.outbox.end_notice(notice, Ending::GivenUp, clock.now()).await?;
                    return Ok(());
                }
                let pause = pause_after(attempts).max(wait.unwrap_or_default());
                if attempts == 1 {
                    warn!(endpoint = name, id, path, cause, again_in = ?pause, "not told yet");
                } else {
                    debug!(endpoint = name, id, path, attempts, cause, again_in = ?pause, "not told yet");
                }
                self.parts.outbox.postpone_notice(notice, clock.now() + pause).await?;
            }
        }
        Ok(())
    }
}

fn worked(mut outage: Outage) -> Outage {
    outage.worked();
    outage
}

/// The pause after so many tries; a random part keeps those that one outage has stopped apart.
fn pause_after(attempts: i32) -> Duration {
    let mut pauses = ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .with_jitter()
        .without_max_times()
        .build();
    let before = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(32);
    pauses.nth(before).unwrap_or(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_seconds_to_half_an_hour_and_no_further() {
        for (attempts, least, most) in
            [(1, 5, 10), (2, 10, 20), (5, 80, 160), (10, 1_800, 3_600), (9_999, 1_800, 3_600)]
        {
            let pause = pause_after(attempts).as_secs_f64();
            assert!((f64::from(least)..=f64::from(most)).contains(&pause), "{attempts}: {pause}");
        }
    }
}
