//! Results in a few words, for those who show many of them: the newest, and the feed of what changed.
//!
//! The race the feed lives with: of two transactions the one with the higher number may commit first, and a reader that
//! has seen it would never go back for the other. So numbers are given under a lock that is held until the commit.

use std::sync::LazyLock;

use canary_domain::{Backend, Moment, Origin, Outcome, Reason, TestId};
use sqlx::FromRow;
use sqlx::types::Json;

use super::ResultRow;
use super::pages::of_outcome;
use super::values::{Millis, Time, Word};

/// A row without the facts behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Brief {
    /// The test.
    pub test_id: TestId,
    /// The route that was tested.
    pub path: String,
    /// How the transfer was made.
    pub backend: Backend,
    /// Who asked for it.
    pub origin: Origin,
    /// The number of its fire period; `None` for a test without a slot.
    pub cycle: Option<i64>,
    /// The fire period in milliseconds, which gives `cycle` its meaning.
    pub period_ms: Option<i64>,
    /// When it was registered; for a slot that was not fired, when it was due.
    pub registered_at: Moment,
    /// When its verdict was last written.
    pub judged_at: Option<Moment>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// Names of the groups not met.
    pub missing: Vec<String>,
    /// Milliseconds from firing to completion.
    pub latency_ms: Option<f64>,
    /// 0 while pending, 1 with the first verdict, one more with each change after that.
    pub revision: i32,
    /// The number of its last change; `None` while pending, and for rows judged before there were numbers.
    pub change: Option<i64>,
}

/// What is read for a [`Brief`], and the names of these columns.
macro_rules! brief_row {
    ($($column:ident: $type:ty,)+) => {
        #[derive(Debug, FromRow)]
        pub(super) struct BriefRow {
            $($column: $type,)+
        }

        impl BriefRow {
            pub(super) const COLUMNS: &[&str] = &[$(stringify!($column)),+];
        }
    };
}

brief_row! {
    test_id: Word<TestId>,
    path: String,
    backend: Word<Backend>,
    origin: Word<Origin>,
    cycle: Option<i64>,
    period_ms: Option<i64>,
    registered_at: Time,
    judged_at: Option<Time>,
    outcome: Word<Outcome>,
    failure_signal: Option<Word<Reason>>,
    missing_stages: Json<Vec<String>>,
    total_latency_ms: Option<Millis>,
    revision: i32,
    change_id: Option<i64>,
}

impl From<BriefRow> for Brief {
    fn from(row: BriefRow) -> Self {
        Self {
            test_id: row.test_id.0,
            path: row.path,
            backend: row.backend.0,
            origin: row.origin.0,
            cycle: row.cycle,
            period_ms: row.period_ms,
            registered_at: row.registered_at.into(),
            judged_at: row.judged_at.map(Moment::from),
            outcome: row.outcome.0,
            reason: row.failure_signal.map(|reason| reason.0),
            missing: row.missing_stages.0,
            latency_ms: row.total_latency_ms.map(f64::from),
            revision: row.revision,
            change: row.change_id,
        }
    }
}

/// Without the number of its change, which a [`ResultRow`] does not have.
impl From<&ResultRow> for Brief {
    fn from(row: &ResultRow) -> Self {
        let test = &row.facts.test;
        Self {
            test_id: test.test_id,
            path: test.path.clone(),
            backend: test.backend,
            origin: test.origin,
            cycle: test.cycle,
            period_ms: test.period_ms,
            registered_at: test.registered_at,
            judged_at: row.judged_at,
            outcome: row.outcome,
            reason: row.reason,
            missing: row.missing.clone(),
            latency_ms: row.latency_ms,
            revision: row.revision,
            change: None,
        }
    }
}

pub(super) fn briefs(rows: Vec<BriefRow>) -> Vec<Brief> {
    rows.into_iter().map(Brief::from).collect()
}

/// The last number that was given.
pub(super) const LATEST: &str = "SELECT max(last_change) FROM canary_change_feed WHERE canary = $1";

/// Changes after `$2`, at most `$3`; `select` is the make's own list of columns.
pub(super) fn changes(select: &LazyLock<String>) -> String {
    format!("{} WHERE canary = $1 AND change_id > $2 ORDER BY change_id LIMIT $3", **select)
}

/// Rows that follow `($2, $3)`, at most `$4`. The id is the column, as the index has it, and not the text that is
/// selected.
pub(super) fn following(select: &LazyLock<String>, outcome: Option<Outcome>) -> String {
    let wanted = of_outcome(outcome);
    format!(
        "{} WHERE canary = $1 AND (registered_at, canary_test_results.test_id) > ($2, $3){wanted} \
         ORDER BY registered_at, canary_test_results.test_id LIMIT $4",
        **select
    )
}
