//! A row of `canary_test_results`, read by plain SQL under the names that the design gives its columns (§5).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A row.
#[derive(Clone, Debug, PartialEq, FromRow)]
#[expect(missing_docs, reason = "the fields are the design's columns")]
pub struct Row {
    pub test_id: Uuid,
    pub canary: String,
    pub path: String,
    pub backend: String,
    pub source_frame: String,
    pub dest_frame: String,
    pub cycle: Option<i64>,
    pub term: i64,
    pub sender: String,
    pub receiver: String,
    pub amount: Decimal,
    pub transfer_id: Option<String>,
    pub registered_at: DateTime<Utc>,
    pub fired_at: Option<DateTime<Utc>>,
    pub accepted_at: Option<DateTime<Utc>>,
    pub fire_status: Option<String>,
    pub fire_code: Option<i32>,
    pub tokens_xfer_seen_at: Option<DateTime<Utc>>,
    pub fee_collected_seen_at: Option<DateTime<Utc>>,
    pub cf_initiated_seen_at: Option<DateTime<Utc>>,
    pub cf_settled_local_seen_at: Option<DateTime<Utc>>,
    pub cf_settled_remote_seen_at: Option<DateTime<Utc>>,
    pub cf_refunded_seen_at: Option<DateTime<Utc>>,
    pub stamps: Value,
    pub completed_at: Option<DateTime<Utc>>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub decided_as_of: Option<DateTime<Utc>>,
    pub judged_at: Option<DateTime<Utc>>,
    pub outcome: String,
    pub failure_signal: Option<String>,
    pub missing_stages: Vec<String>,
    pub total_latency_ms: Option<f64>,
    pub latency_basis: Option<String>,
    pub clock_error_ms: Option<f64>,
    pub revision: i32,
    pub origin: String,
    pub fire_error: Option<Value>,
    pub mismatch: Option<Value>,
    pub landed: Option<bool>,
}

impl Row {
    /// Outcome and signal in one word, like `passed` or `failed/timeout`.
    #[must_use]
    pub fn verdict(&self) -> String {
        match &self.failure_signal {
            Some(signal) => format!("{}/{signal}", self.outcome),
            None => self.outcome.clone(),
        }
    }

    /// Whether it has a verdict.
    #[must_use]
    pub fn judged(&self) -> bool {
        self.outcome != "pending"
    }

    /// One line on it.
    #[must_use]
    pub fn told(&self) -> String {
        let Self { path, cycle, test_id, revision, missing_stages, total_latency_ms, .. } = self;
        let verdict = self.verdict();
        format!(
            "{path} cycle {cycle:?} {test_id} {verdict} r{revision} {total_latency_ms:?} ms missing {missing_stages:?}"
        )
    }
}
