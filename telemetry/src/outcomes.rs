//! Metrics of outcomes: counted by whoever writes them, the judge for what was fired, the runner for what was not.

use canary_domain::{Backend, Outcome, Reason};
use prometheus::{IntCounterVec, Registry, Result};

use crate::PathLabels;
use crate::registry::counters;

/// Slots by outcome and failures by signal.
#[derive(Clone, Debug)]
pub struct OutcomeMetrics {
    tests: IntCounterVec,
    failures: IntCounterVec,
}

impl OutcomeMetrics {
    /// Declares them; every series of these paths exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry, paths: &[PathLabels]) -> Result<Self> {
        let metrics = Self {
            tests: counters(
                registry,
                "tests_total",
                "Slots by outcome; one whose outcome is amended counts again under the new one.",
                &["path", "backend", "outcome"],
            )?,
            failures: counters(
                registry,
                "failures_total",
                "Failed tests by signal; one whose signal is amended counts again under the new one.",
                &["path", "backend", "signal"],
            )?,
        };
        for PathLabels { path, backend, .. } in paths {
            for outcome in Outcome::ALL.iter().filter(|outcome| **outcome != Outcome::Pending) {
                metrics.tests.with_label_values(&[path.as_str(), backend.as_str(), outcome.as_str()]);
            }
            for reason in Reason::ALL.iter().filter(|reason| reason.outcome() == Outcome::Failed) {
                metrics.failures.with_label_values(&[path.as_str(), backend.as_str(), reason.as_str()]);
            }
        }
        Ok(metrics)
    }

    /// A slot has this outcome now.
    pub fn outcome(&self, path: &str, backend: Backend, outcome: Outcome) {
        self.tests.with_label_values(&[path, backend.as_str(), outcome.as_str()]).inc();
    }

    /// A failed test has this signal now.
    pub fn failure(&self, path: &str, backend: Backend, signal: Reason) {
        self.failures.with_label_values(&[path, backend.as_str(), signal.as_str()]).inc();
    }
}
