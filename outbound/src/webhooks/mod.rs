//! Webhooks: each change of a path's state, told to every receiver, once in effect (docs/webhooks.md).
//!
//! Three things happen beside each other. The [`feed`] is read, and a change becomes a message a receiver in the ledger.
//! Every receiver has its messages [`delivery`]-ed on its own, so that one that hangs delays no other. And what is
//! old is forgotten. HTTP has no transactions: a message whose answer got lost is sent again, under the same id.

mod delivery;
mod feed;
mod message;
mod post;
mod recent;
mod sign;

use std::sync::Arc;
use std::time::Duration;

use canary_domain::Clock;
use canary_store::{Leadership, Ledger, Outbox, Seat};
use canary_telemetry::WebhookMetrics;
use futures_util::future::{join, join_all};
use reqwest::Client;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use self::post::Posted;
use crate::following::{next, while_leading};
use crate::secret::Secret;
use crate::{ClientError, SeatLost, wire};
pub use sign::{KeyError, Keys};

/// A receiver.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its name, in metrics, messages and the ledger.
    pub name: String,
    /// Its address.
    pub url: Secret,
    /// The keys that messages to it are signed with.
    pub keys: Secret,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// For how long a message is tried.
    pub give_up_after: Duration,
}

/// How webhooks work.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// The deployment's name.
    pub canary: String,
    /// The paths there are.
    pub paths: Vec<String>,
    /// So many tests in a row that did not pass make a path failing.
    pub failing_after: usize,
    /// Where people find the console, if messages are to say so.
    pub console_url: Option<Url>,
    /// Who is told.
    pub endpoints: Vec<Endpoint>,
}

/// What webhooks work with.
pub struct WebhookParts {
    /// The change feed.
    pub ledger: Arc<dyn Ledger>,
    /// What was told, and what waits.
    pub outbox: Arc<dyn Outbox>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub metrics: Arc<WebhookMetrics>,
}

/// Tells receivers of changes.
pub struct Webhooks {
    settings: WebhookSettings,
    parts: WebhookParts,
    client: Client,
    /// For each receiver: there is a message.
    news: Vec<Notify>,
}

impl Webhooks {
    /// Has told nothing yet.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(settings: WebhookSettings, parts: WebhookParts) -> Result<Self, ClientError> {
        let news = settings.endpoints.iter().map(|_| Notify::new()).collect();
        Ok(Self { settings, parts, client: wire::client()?, news })
    }

    /// Tells whenever this instance leads, until told to stop.
    ///
    /// # Errors
    /// When the seat's other end is gone before the stop.
    pub async fn run(self, mut seat: Seat, stop: CancellationToken) -> Result<(), SeatLost> {
        while let Some(lead) = next(&mut seat, &stop).await? {
            while_leading(&lead, &stop, self.lead(&lead)).await;
            self.parts.metrics.rest(self.settings.endpoints.iter().map(|endpoint| &endpoint.name));
        }
        Ok(())
    }

    async fn lead(&self, lead: &Leadership) {
        let deliveries = self.settings.endpoints.iter().zip(&self.news);
        let deliveries = deliveries.map(|(endpoint, news)| self.deliver(endpoint, news, lead));
        join(self.follow(lead), join_all(deliveries)).await;
    }
}

impl Endpoint {
    /// Sends it a message for a trial, once.
    ///
    /// # Errors
    /// With what was said against it, never its address or a key.
    pub async fn try_out(&self, canary: &str, clock: &dyn Clock) -> Result<(), String> {
        let client = wire::client().map_err(|error| error.to_string())?;
        let (now, id) = (clock.now(), post::fresh_id());
        match post::post(&client, self, (&id, &message::trial(canary, now)), now).await {
            Posted::Taken => Ok(()),
            Posted::Refused { cause, .. } => Err(cause),
        }
    }

    /// Reads its address and its keys.
    ///
    /// # Errors
    /// When one can't be used; in words without it.
    pub fn check(&self) -> Result<(), String> {
        post::address(self).and(post::keys(self)).map(drop)
    }
}
