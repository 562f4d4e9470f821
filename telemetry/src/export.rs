//! Metrics of the export.

use std::time::Duration;

use prometheus::{Gauge, IntCounterVec, Registry, Result};
use strum::{IntoStaticStr, VariantArray};

use crate::registry::{counters, gauge};

/// What became of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Exported {
    /// The receiver took it.
    Accepted,
    /// The receiver took it once more: each push overlaps those of the last two minutes.
    Repeated,
    /// The receiver refuses this sample and takes others: it is not sent again.
    SetAside,
}

/// What the export counts.
#[derive(Debug)]
pub struct ExportMetrics {
    samples: IntCounterVec,
    lag: Gauge,
}

impl ExportMetrics {
    /// Declares them; every series exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let metrics = Self {
            samples: counters(
                registry,
                "export_samples_total",
                "Samples pushed, by what became of them.",
                &["result"],
            )?,
            lag: gauge(
                registry,
                "export_lag_seconds",
                "How long the oldest closed row has waited to be exported; 0 where this instance doesn't lead the export.",
            )?,
        };
        for result in Exported::VARIANTS {
            metrics.samples.with_label_values(&[<&str>::from(result)]);
        }
        Ok(metrics)
    }

    /// This became of so many samples.
    pub fn samples(&self, result: Exported, samples: usize) {
        let samples = u64::try_from(samples).unwrap_or(u64::MAX);
        self.samples.with_label_values(&[<&str>::from(result)]).inc_by(samples);
    }

    /// The oldest closed row that is not exported has waited for so long.
    pub fn lag(&self, lag: Duration) {
        self.lag.set(lag.as_secs_f64());
    }

    /// This instance does not export any more.
    pub fn rest(&self) {
        self.lag.set(0.0);
    }
}
