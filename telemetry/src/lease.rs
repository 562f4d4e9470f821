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
    /// Declares them; a follower's `leader` is 0 from the start.
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
        for role in Role::ALL {
            metrics.leader.with_label_values(&[role.as_str()]);
            metrics.term.with_label_values(&[role.as_str()]);
            metrics.changes.with_label_values(&[role.as_str()]);
        }
        Ok(metrics)
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
