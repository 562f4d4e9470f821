//! Metrics of the reactors.

use std::time::Duration;

use canary_domain::{EventType, Moment, Via};
use prometheus::{GaugeVec, Histogram, IntCounterVec, IntGaugeVec, Registry, Result};
use strum::{IntoStaticStr, VariantArray};

use crate::registry::{counters, gauges, histogram, int_gauges};

const STAMP_SECONDS: [f64; 11] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// Why a frame or an event was not stamped, beyond its being other people's traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum RejectReason {
    /// A frame that is no JSON, or lacks what every event has.
    Unparsable,
    /// A binary frame.
    Binary,
    /// Larger than an event may be.
    TooLarge,
    /// A message or an event of a type that was not asked for.
    UnknownType,
    /// It bears a test's memo, but not its parties and not its transfer id (I7).
    Stranger,
    /// It bears the memo of a test that nobody registered, or a transfer that is no test's.
    UnknownTest,
    /// It bears a test's transfer id, but other parties or another amount.
    Mismatch,
    /// There were too many events waiting for their test to become known.
    HoldOverflow,
}

/// What one reactor has counted since its process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReactorTotals {
    /// Events of its type that arrived, anybody's, however they came.
    pub events: u64,
    /// Those of them that were a test's.
    pub matched: u64,
    /// How often its socket had to be opened again.
    pub reconnects: u64,
}

/// What the reactors of one frame count.
#[derive(Debug)]
pub struct ReactorMetrics {
    frame: String,
    up: IntGaugeVec,
    events: IntCounterVec,
    matched: IntCounterVec,
    rejected: IntCounterVec,
    reconnects: IntCounterVec,
    covered_until: GaugeVec,
    stamp_delay: Histogram,
}

impl ReactorMetrics {
    /// Declares them; every series of the five reactors exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry, frame: &str) -> Result<Self> {
        let each = ["frame", "event"];
        let metrics = Self {
            frame: frame.to_owned(),
            up: int_gauges(registry, "reactor_up", "1 while the reactor's socket is subscribed.", &each)?,
            events: counters(
                registry,
                "reactor_events_total",
                "Events of the type that arrived, anybody's, by how.",
                &["frame", "event", "via"],
            )?,
            matched: counters(registry, "reactor_matched_total", "Events that were a test's.", &each)?,
            rejected: counters(
                registry,
                "reactor_rejected_total",
                "Frames and events that were not stamped though they were not just users' traffic, by reason.",
                &["frame", "event", "reason"],
            )?,
            reconnects: counters(
                registry,
                "reactor_reconnects_total",
                "How often the socket had to be opened again.",
                &each,
            )?,
            covered_until: gauges(
                registry,
                "reactor_covered_until_timestamp_seconds",
                "Up to when this instance's reactor has certainly seen everything.",
                &each,
            )?,
            stamp_delay: histogram(
                registry,
                "stamp_delay_seconds",
                "Time from seeing an event to its stamp being on the board; never part of a latency.",
                &STAMP_SECONDS,
            )?,
        };
        for event in EventType::ALL {
            let labels = [frame, event.as_str()];
            metrics.up.with_label_values(&labels);
            metrics.matched.with_label_values(&labels);
            metrics.reconnects.with_label_values(&labels);
            metrics.covered_until.with_label_values(&labels);
            for via in Via::VARIANTS {
                metrics.events.with_label_values(&[frame, event.as_str(), via.into()]);
            }
            for reason in RejectReason::VARIANTS {
                metrics.rejected.with_label_values(&[frame, event.as_str(), reason.into()]);
            }
        }
        Ok(metrics)
    }

    /// The socket is subscribed, or no longer.
    pub fn up(&self, event: EventType, up: bool) {
        self.up.with_label_values(&self.labels(event)).set(i64::from(up));
    }

    /// So many events arrived.
    pub fn events(&self, event: EventType, via: Via, count: u64) {
        self.events.with_label_values(&[self.frame.as_str(), event.as_str(), via.into()]).inc_by(count);
    }

    /// An event was a test's.
    pub fn matched(&self, event: EventType) {
        self.matched.with_label_values(&self.labels(event)).inc();
    }

    /// An event was not stamped.
    pub fn rejected(&self, event: EventType, reason: RejectReason) {
        self.rejected.with_label_values(&[self.frame.as_str(), event.as_str(), reason.into()]).inc();
    }

    /// The socket has to be opened again.
    pub fn reconnects(&self, event: EventType) {
        self.reconnects.with_label_values(&self.labels(event)).inc();
    }

    /// What was counted so far, by the counters themselves: nothing is counted a second time.
    #[must_use]
    pub fn totals(&self, event: EventType) -> ReactorTotals {
        let arrived =
            |via: &Via| self.events.with_label_values(&[&self.frame, event.as_str(), via.into()]).get();
        let labels = self.labels(event);
        ReactorTotals {
            events: Via::VARIANTS.iter().map(arrived).sum(),
            matched: self.matched.with_label_values(&labels).get(),
            reconnects: self.reconnects.with_label_values(&labels).get(),
        }
    }

    /// Everything up to this moment was seen.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float: microseconds stay exact until 2255")]
    pub fn covered_until(&self, event: EventType, until: Moment) {
        let seconds = until.timestamp_micros() as f64 / 1e6;
        self.covered_until.with_label_values(&self.labels(event)).set(seconds);
    }

    /// A stamp reached the board so long after its event was seen.
    pub fn stamp_delay(&self, delay: Duration) {
        self.stamp_delay.observe(delay.as_secs_f64());
    }

    fn labels(&self, event: EventType) -> [&str; 2] {
        [&self.frame, event.as_str()]
    }
}
