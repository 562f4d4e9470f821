//! Metrics of the clock.

use std::time::Duration;

use prometheus::{Gauge, IntCounter, Registry, Result};

use crate::registry::gauge;

/// How well this instance knows the board's clock.
#[derive(Debug)]
pub struct ClockMetrics {
    offset: Gauge,
    error_bound: Gauge,
    steps: IntCounter,
}

impl ClockMetrics {
    /// Declares them.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let steps = IntCounter::new(
            "clock_steps_total",
            "How often the board's clock has stepped under this instance.",
        )?;
        registry.register(Box::new(steps.clone()))?;
        Ok(Self {
            offset: gauge(
                registry,
                "clock_offset_seconds",
                "The board's clock less this instance's, at the last comparison, before it was followed.",
            )?,
            error_bound: gauge(
                registry,
                "clock_error_bound_seconds",
                "How far this instance's moments may be from the board's clock.",
            )?,
            steps,
        })
    }

    /// A comparison found this offset in seconds.
    pub fn compared(&self, offset_seconds: f64) {
        self.offset.set(offset_seconds);
    }

    /// The bound is this now.
    pub fn bounded(&self, error: Duration) {
        self.error_bound.set(error.as_secs_f64());
    }

    /// The board's clock has stepped.
    pub fn stepped(&self) {
        self.steps.inc();
    }
}
