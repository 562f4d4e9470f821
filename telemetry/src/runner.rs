//! Metrics of the runner.

use std::time::Duration;

use canary_domain::Reason;
use prometheus::{GaugeVec, Histogram, HistogramVec, Registry, Result};

use crate::registry::{gauges, histogram, histograms};
use crate::{OutcomeMetrics, PathLabels};

const FIRE_SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const LATENESS_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0];

/// What the runner counts.
#[derive(Debug)]
pub struct RunnerMetrics {
    agents: Vec<String>,
    fire_duration: HistogramVec,
    slot_lateness: Histogram,
    agent_balance: GaugeVec,
    agent_runway: GaugeVec,
    outcomes: OutcomeMetrics,
}

impl RunnerMetrics {
    /// Declares them; every series of these paths exists from now on.
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry, paths: &[PathLabels], outcomes: OutcomeMetrics) -> Result<Self> {
        let metrics = Self {
            agents: paths.iter().map(|path| path.agent.clone()).collect(),
            fire_duration: histograms(
                registry,
                "fire_duration_seconds",
                "Time from sending the transfer call to its answer, or to giving it up.",
                &["path", "backend"],
                &FIRE_SECONDS,
            )?,
            slot_lateness: histogram(
                registry,
                "slot_lateness_seconds",
                "How long after it was due a slot was started.",
                &LATENESS_SECONDS,
            )?,
            agent_balance: gauges(registry, "agent_balance", "AVT on the account of an agent.", &["agent"])?,
            agent_runway: gauges(
                registry,
                "agent_runway_seconds",
                "How long an agent's balance lasts at what it sends, fees left out.",
                &["agent"],
            )?,
            outcomes,
        };
        for path in paths {
            metrics.fire_duration.with_label_values(&[path.path.as_str(), path.backend.as_str()]);
        }
        metrics.rest();
        Ok(metrics)
    }

    /// A call of this path took so long.
    pub fn fired(&self, path: &PathLabels, took: Duration) {
        self.fire_duration
            .with_label_values(&[path.path.as_str(), path.backend.as_str()])
            .observe(took.as_secs_f64());
    }

    /// A slot was written down as not fired, for this reason.
    pub fn unfired(&self, path: &PathLabels, reason: Reason) {
        self.outcomes.outcome(&path.path, path.backend, reason.outcome());
    }

    /// A slot started so long after it was due.
    pub fn started(&self, lateness: Duration) {
        self.slot_lateness.observe(lateness.as_secs_f64());
    }

    /// This instance does not fire any more, so it does not know what the agents have: their gauges say so (NaN).
    pub fn rest(&self) {
        for agent in &self.agents {
            self.agent_balance.with_label_values(&[agent]).set(f64::NAN);
            self.agent_runway.with_label_values(&[agent]).set(f64::NAN);
        }
    }

    /// An agent has so much AVT left, which lasts so long at what it sends.
    pub fn balance(&self, agent: &str, balance: f64, runway: Duration) {
        self.agent_balance.with_label_values(&[agent]).set(balance);
        self.agent_runway.with_label_values(&[agent]).set(runway.as_secs_f64());
    }
}
