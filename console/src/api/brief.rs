//! A result in brief: what the scoreboard, the matrix and the stream show of it.

use canary_domain::{Backend, Origin, Outcome, Reason, TestId};
use canary_store::Brief;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Time;
use super::words;

/// A result in brief; its fields are those of a row.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Brief)]
pub(crate) struct ApiBrief {
    #[schema(value_type = words::TestId)]
    test_id: TestId,
    path: String,
    #[schema(value_type = words::Backend)]
    backend: Backend,
    #[schema(value_type = words::Origin)]
    origin: Origin,
    cycle: Option<i64>,
    registered_at: Time,
    judged_at: Option<Time>,
    #[schema(value_type = words::Outcome)]
    outcome: Outcome,
    #[schema(value_type = Option<words::Reason>)]
    failure_signal: Option<Reason>,
    missing_stages: Vec<String>,
    total_latency_ms: Option<f64>,
    revision: i32,
}

impl From<&Brief> for ApiBrief {
    fn from(brief: &Brief) -> Self {
        Self {
            test_id: brief.test_id,
            path: brief.path.clone(),
            backend: brief.backend,
            origin: brief.origin,
            cycle: brief.cycle,
            registered_at: Time(brief.registered_at),
            judged_at: brief.judged_at.map(Time),
            outcome: brief.outcome,
            failure_signal: brief.reason,
            missing_stages: brief.missing.clone(),
            total_latency_ms: brief.latency_ms,
            revision: brief.revision,
        }
    }
}
