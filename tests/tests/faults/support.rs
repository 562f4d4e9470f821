//! A deployment with a running canary, and the questions that the tests ask of it.

use std::collections::{BTreeMap, BTreeSet};

use canary_sandbox::{Fault, FaultSet, Record, TransferCall};
use canary_tests::{Deployment, Instance, Plan, Route};
use chrono::{DateTime, TimeDelta, Utc};

pub type Moment = DateTime<Utc>;

/// A short cadence: a verdict some four seconds after its slot.
pub fn quick() -> Plan {
    Plan::quick()
}

/// As [`quick`], with these paths of the matrix alone.
pub fn quick_on(paths: &[&str]) -> Plan {
    Plan { routes: Route::named(paths), ..quick() }
}

/// A deployment, and one canary on it.
pub struct Stand {
    pub stage: Deployment,
    pub canary: Instance,
}

impl Stand {
    /// Ready, on a healthy platform.
    pub async fn ready(plan: Plan) -> Self {
        let stage = Deployment::start(plan).await;
        let canary = stage.launch_ready().await;
        Self { stage, canary }
    }

    /// Ready, on a platform that was faulty before.
    pub async fn ready_under(plan: Plan, faults: impl IntoIterator<Item = Fault>) -> Self {
        let stage = Deployment::start(plan).await;
        stage.sandbox().faults().set(FaultSet::of(faults));
        let canary = stage.launch_ready().await;
        Self { stage, canary }
    }

    /// Switches to these faults; answers since when they are in force.
    pub async fn strike(&self, faults: impl IntoIterator<Item = Fault>) -> Moment {
        strike(&self.stage, faults).await
    }

    /// Heals the platform; answers since when it is.
    pub async fn heal(&self) -> Moment {
        self.strike([]).await
    }

    /// As [`first_of_each`].
    pub async fn first(&self, since: Moment, done: impl Fn(&Row) -> bool) -> BTreeMap<String, Row> {
        first_of_each(&self.stage, since, done).await
    }

    /// Waits until each path has passed, in its first slot since.
    pub async fn all_pass(&self, since: Moment) -> BTreeMap<String, Row> {
        let rows = self.first(since, Row::judged).await;
        expect(&rows, |_| "passed");
        rows
    }

    /// What a reactor's metric says, summed over the reactors.
    pub async fn counted(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.canary.metrics().await.sum(name, labels).unwrap_or_default()
    }
}

pub use canary_tests::Row;
pub use canary_tests::invariants::{
    assert_fired_once, assert_moved_once, assert_not_blamed, assert_one_row_a_slot, no_gaps, now, residual,
};

/// Switches the platform to these faults; answers since when they are in force.
pub async fn strike(stage: &Deployment, faults: impl IntoIterator<Item = Fault>) -> Moment {
    stage.sandbox().faults().set(FaultSet::of(faults));
    now(stage).await
}

/// Each path's first slot that was registered since and started in time (a loaded machine may be late), once all of
/// them are as wanted.
pub async fn first_of_each(
    stage: &Deployment,
    since: Moment,
    done: impl Fn(&Row) -> bool,
) -> BTreeMap<String, Row> {
    let paths = paths(stage).await;
    let first = |rows: &[Row]| -> BTreeMap<String, Row> {
        let of = |path: &String| {
            rows.iter().find(|row| row.path == *path && row.registered_at > since && in_time(row))
        };
        paths.iter().filter_map(|path| Some((path.clone(), of(path)?.clone()))).collect()
    };
    let all_done = |rows: &[Row]| {
        let found = first(rows);
        found.len() == paths.len() && found.values().all(&done)
    };
    first(&stage.rows_when("the first row of each path", 40, all_done).await)
}

fn in_time(row: &Row) -> bool {
    row.failure_signal.as_deref() != Some("overrun")
}

/// The paths that have a row.
async fn paths(stage: &Deployment) -> BTreeSet<String> {
    let text = std::fs::read_to_string(stage.folder().join("canary.toml")).unwrap();
    let names = text.split("[[paths]]\nname = \"").skip(1);
    names.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Compares each path's verdict with what it should be.
#[track_caller]
pub fn expect<'a>(rows: &'a BTreeMap<String, Row>, wanted: impl Fn(&'a Row) -> &'a str) {
    let is: Vec<(&str, String)> = rows.values().map(|row| (row.path.as_str(), row.verdict())).collect();
    let should: Vec<(&str, String)> =
        rows.values().map(|row| (row.path.as_str(), wanted(row).to_owned())).collect();
    assert_eq!(is, should, "{rows:#?}");
}

/// Compares each path's missing stages with what they should be.
#[track_caller]
pub fn expect_missing<'a>(rows: &'a BTreeMap<String, Row>, wanted: impl Fn(&'a Row) -> &'a [&'a str]) {
    for row in rows.values() {
        assert_eq!(row.missing_stages, wanted(row), "{row:#?}");
    }
}

/// The calls that were made with a test's key.
pub fn calls_of<'a>(record: &'a Record, row: &Row) -> Vec<&'a TransferCall> {
    let key = row.test_id.to_string();
    record.calls.iter().filter(|call| call.idempotency_key.as_deref() == Some(&key)).collect()
}

pub fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}
