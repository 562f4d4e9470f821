//! Metrics of leading.

use canary_domain::{Role, Term};
use prometheus::{IntCounterVec, IntGaugeVec, Registry, Result};

use crate::registry::{counters, int_gauges};

/// Who leads, as this instance sees itself.
#[derive(Debug)]
pub struct LeaseMetrics {
    leader: IntGaugeVec,
    term: IntGaugeVec,
    changes: IntCounterVec,
}

impl LeaseMetrics {
    /// Declares them. Of what every deployment needs a leader of, `leader` is 0 from the start, so that its absence is
    /// seen as long as any instance is up; of what it may do without once an instance [`Self::contends`].
    ///
    /// # Errors
    /// When one is registered already.
    pub fn register(registry: &Registry) -> Result<Self> {
        let metrics = Self {
            leader: int_gauges(
                registry,
                "leader",
                "1 while this instance leads the role, 0 while it follows.",
                &["role"],
            )?,
            term: int_gauges(
                registry,
                "leader_term",
                "The term this instance last led the role in.",
                &["role"],
            )?,
            changes: counters(
                registry,
                "leader_changes_total",
                "How often this instance began to lead the role.",
                &["role"],
            )?,
        };
        Role::ALL.iter().filter(|role| !role.is_optional()).for_each(|role| metrics.contends(*role));
        Ok(metrics)
    }

    /// This instance may come to lead the role: its series exist from now on.
    pub fn contends(&self, role: Role) {
        self.leader.with_label_values(&[role.as_str()]);
        self.term.with_label_values(&[role.as_str()]);
        self.changes.with_label_values(&[role.as_str()]);
    }

    /// This instance leads the role now, in this term.
    pub fn leads(&self, role: Role, term: Term) {
        self.leader.with_label_values(&[role.as_str()]).set(1);
        self.term.with_label_values(&[role.as_str()]).set(term);
        self.changes.with_label_values(&[role.as_str()]).inc();
    }

    /// This instance follows.
    pub fn follows(&self, role: Role) {
        self.leader.with_label_values(&[role.as_str()]).set(0);
    }
}
