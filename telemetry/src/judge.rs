//! Metrics of the judge.

use std::time::Duration;

use canary_domain::{Backend, Moment, Outcome, Reason, Stage};
use prometheus::{Gauge, GaugeVec, Histogram, HistogramVec, IntGaugeVec, Registry, Result};

use crate::registry::{gauge, gauges, histogram, histograms, int_gauges};
use crate::{OutcomeMetrics, PathLabels};

/// The top bucket lies beyond the longest deadline that the settings take, a day (design §9).
const LATENCY_SECONDS: [f64; 20] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0, 330.0,
    600.0, 3_600.0, 86_400.0,
];
const SWEEP_SECONDS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const DELAY_SECONDS: [f64; 9] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0];

/// What the judge counts.
#[derive(Debug)]
pub struct JudgeMetrics {
    paths: Vec<PathLabels>,
    outcomes: OutcomeMetrics,
    latency: HistogramVec,
    stage_latency: HistogramVec,
    in_flight: IntGaugeVec,
    residual: IntGaugeVec,
    sweeps: Sweeps,
    last_pass: GaugeVec,
    consecutive_failures: IntGaugeVec,
}

/// What it counts of its own work.
#[derive(Debug)]
struct Sweeps {
    duration: Histogram,
    last: Gauge,
    verdict_delay: Histogram,
}

impl Sweeps {
    fn register(registry: &Registry) -> Result<Self> {
        Ok(Self {
            duration: histogram(
                registry,
                "judge_sweep_duration_seconds",
                "How long a sweep took.",
                &SWEEP_SECONDS,
            )?,
            last: gauge(registry, "judge_last_sweep_timestamp_seconds", "When the last sweep ended well.")?,
            verdict_delay: histogram(
                registry,
                "verdict_delay_seconds",
                "Time from the moment a verdict is about to the moment it was judged.",
                &DELAY_SECONDS,
            )?,
        })
    }
}

impl JudgeMetrics {
    /// Declares them; every series of these paths exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry, paths: &[PathLabels], outcomes: OutcomeMetrics) -> Result<Self> {
        let metrics = Self {
            paths: paths.to_vec(),
            outcomes,
            latency: histograms(
                registry,
                "latency_seconds",
                "Time from firing to completion, from the stamps alone; passed and late tests.",
                &["path", "backend"],
                &LATENCY_SECONDS,
            )?,
            stage_latency: histograms(
                registry,
                "stage_latency_seconds",
                "Time from firing to a stage.",
                &["backend", "stage"],
                &LATENCY_SECONDS,
            )?,
            in_flight: int_gauges(registry, "in_flight", "Tests without a verdict.", &["backend"])?,
            residual: int_gauges(
                registry,
                "accounting_residual",
                "Slots less the sum of their outcomes (I2); anything but 0 is a defect of the canary.",
                &["path"],
            )?,
            sweeps: Sweeps::register(registry)?,
            last_pass: gauges(
                registry,
                "last_pass_timestamp_seconds",
                "When the path's last passed test completed.",
                &["path"],
            )?,
            consecutive_failures: int_gauges(
                registry,
                "consecutive_failures",
                "Failed tests since the last passed one.",
                &["path"],
            )?,
        };
        metrics.prepare(paths);
        Ok(metrics)
    }

    fn prepare(&self, paths: &[PathLabels]) {
        for PathLabels { path, backend, .. } in paths {
            let labels = [path.as_str(), backend.as_str()];
            self.latency.with_label_values(&labels);
            self.residual.with_label_values(&[path]);
            self.last_pass.with_label_values(&[path]);
            self.consecutive_failures.with_label_values(&[path]);
        }
        for backend in Backend::ALL {
            self.in_flight.with_label_values(&[backend.as_str()]);
            for stage in Stage::ALL {
                self.stage_latency.with_label_values(&[backend.as_str(), stage.as_str()]);
            }
        }
    }

    /// A slot has this outcome now.
    pub fn outcome(&self, path: &str, backend: Backend, outcome: Outcome) {
        self.outcomes.outcome(path, backend, outcome);
        let failures = self.consecutive_failures.with_label_values(&[path]);
        match outcome {
            Outcome::Passed => failures.set(0),
            Outcome::Failed => failures.inc(),
            Outcome::Late | Outcome::Pending | Outcome::Inconclusive | Outcome::Skipped | Outcome::Missed => {
            }
        }
    }

    /// A failed test has this signal now.
    pub fn failure(&self, path: &str, backend: Backend, signal: Reason) {
        self.outcomes.failure(path, backend, signal);
    }

    /// This instance does not judge any more: what only a leader knows is nobody's business here.
    pub fn rest(&self) {
        for PathLabels { path, .. } in &self.paths {
            self.residual.with_label_values(&[path]).set(0);
            self.consecutive_failures.with_label_values(&[path]).set(0);
        }
        for backend in Backend::ALL {
            self.in_flight(*backend, 0);
        }
    }

    /// A test passed; it completed at this moment.
    pub fn passed(&self, path: &str, completed_at: Moment) {
        self.last_pass.with_label_values(&[path]).set(seconds(completed_at));
    }

    /// A test took so many milliseconds.
    pub fn latency(&self, path: &str, backend: Backend, ms: f64) {
        self.latency.with_label_values(&[path, backend.as_str()]).observe(ms / 1e3);
    }

    /// A stage was reached so many milliseconds after firing.
    pub fn stage_latency(&self, backend: Backend, stage: Stage, ms: f64) {
        self.stage_latency.with_label_values(&[backend.as_str(), stage.as_str()]).observe(ms / 1e3);
    }

    /// So many tests of this backend have no verdict.
    pub fn in_flight(&self, backend: Backend, tests: i64) {
        self.in_flight.with_label_values(&[backend.as_str()]).set(tests);
    }

    /// The accounting of this path leaves so many slots over.
    pub fn residual(&self, path: &str, residual: i64) {
        self.residual.with_label_values(&[path]).set(residual);
    }

    /// A sweep ended well at this moment after this time.
    pub fn swept(&self, at: Moment, took: Duration) {
        self.sweeps.duration.observe(took.as_secs_f64());
        self.sweeps.last.set(seconds(at));
    }

    /// A verdict came so long after the moment it is about.
    pub fn verdict_delay(&self, delay: Duration) {
        self.sweeps.verdict_delay.observe(delay.as_secs_f64());
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float: microseconds stay exact until 2255")]
fn seconds(moment: Moment) -> f64 {
    moment.timestamp_micros() as f64 / 1e6
}
