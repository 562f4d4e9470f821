//! One deployment on a platform without faults, with one canary on it, for all tests that only look.

use canary_tests::{Deployment, Instance, Plan, Route, Row};
use tokio::sync::OnceCell;

/// Of each path the rows that passed and bear every stage that they are to bear.
pub(crate) const WHOLE_ROWS: usize = 3;

/// The deployment and its canary.
pub(crate) struct Healthy {
    pub(crate) stage: Deployment,
    pub(crate) canary: Instance,
}

/// Never dropped, since no test knows that it is the last: its guardian ends it with the process. So a failed test
/// shows its log here.
pub(crate) struct Look(&'static Healthy);

impl std::ops::Deref for Look {
    type Target = Healthy;

    fn deref(&self) -> &Healthy {
        self.0
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.canary.show_log();
        }
    }
}

pub(crate) async fn healthy() -> Look {
    static HEALTHY: OnceCell<Healthy> = OnceCell::const_new();
    let start = || async {
        let stage = Deployment::start(Plan::default()).await;
        let canary = stage.launch_ready().await;
        Healthy { stage, canary }
    };
    Look(HEALTHY.get_or_init(start).await)
}

impl Healthy {
    /// All rows of slots, once there are [`WHOLE_ROWS`] whole ones of each path.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        let enough = |rows: &[Row]| {
            let whole = |route: &Route| {
                rows.iter().filter(|row| row.path == route.name && is_whole(row)).count() >= WHOLE_ROWS
            };
            Route::MATRIX.iter().all(whole)
        };
        let mut rows = self.stage.rows_when("whole rows of every path", 60, enough).await;
        rows.retain(|row| row.origin == "schedule");
        rows
    }
}

/// Passed, and no stage is still to come.
pub(crate) fn is_whole(row: &Row) -> bool {
    row.outcome == "passed" && seen(row) == stages_of(&row.path)
}

/// The stages that a transfer on this path shows in frame a's EventStore (contract §5), in the order of their columns.
pub(crate) fn stages_of(path: &str) -> Vec<&'static str> {
    match path {
        "a-intra" | "a-2pc" => vec!["tokens_xfer", "fee_collected"],
        "a-async-b" => vec!["tokens_xfer", "fee_collected", "cf_initiated", "cf_settled_remote"],
        "b-async-a" => vec!["cf_initiated", "cf_settled_local"],
        "a-2pc-b" => vec!["tokens_xfer", "fee_collected", "cf_settled_remote"],
        "b-2pc-a" => vec!["cf_settled_local"],
        other => panic!("{other} is not in the matrix"),
    }
}

/// The stages whose columns are filled.
pub(crate) fn seen(row: &Row) -> Vec<&'static str> {
    columns(row).into_iter().filter_map(|(stage, at)| at.map(|_| stage)).collect()
}

/// The stages' columns.
pub(crate) fn columns(row: &Row) -> [(&'static str, Option<chrono::DateTime<chrono::Utc>>); 6] {
    [
        ("tokens_xfer", row.tokens_xfer_seen_at),
        ("fee_collected", row.fee_collected_seen_at),
        ("cf_initiated", row.cf_initiated_seen_at),
        ("cf_settled_local", row.cf_settled_local_seen_at),
        ("cf_settled_remote", row.cf_settled_remote_seen_at),
        ("cf_refunded", row.cf_refunded_seen_at),
    ]
}
