//! Metrics of what follows a verdict outside of the canary: webhooks, and searches of the platform's logs.

use prometheus::{IntCounterVec, IntGaugeVec, Registry, Result};
use strum::{IntoStaticStr, VariantArray};

use crate::registry::{counters, int_gauges};

/// What became of a message to a receiver of webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Delivered {
    /// The receiver took it.
    Delivered,
    /// A try that the receiver did not take; it is tried again.
    Refused,
    /// It was refused for too long, or for good.
    GivenUp,
    /// Too many were waiting.
    Dropped,
}

/// What webhooks count.
#[derive(Debug)]
pub struct WebhookMetrics {
    deliveries: IntCounterVec,
    waiting: IntGaugeVec,
}

impl WebhookMetrics {
    /// Declares them for receivers of these names; every series exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register<'a>(registry: &Registry, endpoints: impl Iterator<Item = &'a str>) -> Result<Self> {
        let metrics = Self {
            deliveries: counters(
                registry,
                "webhook_deliveries_total",
                "Messages to a receiver of webhooks, by what became of them; refused: a try that will be repeated.",
                &["endpoint", "result"],
            )?,
            waiting: int_gauges(
                registry,
                "webhook_waiting",
                "Messages that wait for a receiver of webhooks; 0 where this instance doesn't lead as judge.",
                &["endpoint"],
            )?,
        };
        for endpoint in endpoints {
            metrics.waiting.with_label_values(&[endpoint]);
            for result in Delivered::VARIANTS {
                metrics.deliveries.with_label_values(&[endpoint, result.into()]);
            }
        }
        Ok(metrics)
    }

    /// This became of so many messages.
    pub fn delivery(&self, endpoint: &str, result: Delivered, messages: u64) {
        self.deliveries.with_label_values(&[endpoint, result.into()]).inc_by(messages);
    }

    /// So many wait for this receiver.
    pub fn waiting(&self, endpoint: &str, messages: i64) {
        self.waiting.with_label_values(&[endpoint]).set(messages);
    }

    /// This instance does not lead any more.
    pub fn rest(&self, endpoints: impl Iterator<Item = impl AsRef<str>>) {
        for endpoint in endpoints {
            self.waiting(endpoint.as_ref(), 0);
        }
    }
}

/// How a search of the platform's logs ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Searched {
    /// With an answer of 2xx.
    Answered,
    /// With another answer, or none.
    Failed,
}

/// What searches of logs count.
#[derive(Debug)]
pub struct SearchMetrics(IntCounterVec);

impl SearchMetrics {
    /// Declares them; every series exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let help = "Searches of the platform's logs for a test that failed, by how they ended.";
        let searches = counters(registry, "log_searches_total", help, &["result"])?;
        for result in Searched::VARIANTS {
            searches.with_label_values(&[<&str>::from(result)]);
        }
        Ok(Self(searches))
    }

    /// A search has ended.
    pub fn searched(&self, result: Searched) {
        self.0.with_label_values(&[<&str>::from(result)]).inc();
    }
}
