//! A deployment with a running canary, and the questions that the tests ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use canary_sandbox::{Fault, FaultSet, Record, TransferCall};
use canary_tests::{Deployment, Instance, Plan, Route};
use chrono::{DateTime, TimeDelta, Utc};

pub type Moment = DateTime<Utc>;

/// A short cadence: a verdict some four seconds after its slot.
pub fn quick() -> Plan {
    let seconds = Duration::from_secs;
    Plan {
        fire_every: seconds(2),
        spread: Duration::from_millis(300),
        sweep_every: seconds(1),
        watch: seconds(40),
        call_timeout: Duration::from_millis(1_500),
        blind_after: seconds(3),
        silence_after: seconds(2),
        backstop_every: seconds(1),
        deadlines: [seconds(3); 3],
        ..Plan::default()
    }
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

/// Switches the platform to these faults; answers since when they are in force.
pub async fn strike(stage: &Deployment, faults: impl IntoIterator<Item = Fault>) -> Moment {
    stage.sandbox().faults().set(FaultSet::of(faults));
    now(stage).await
}

/// The time on this machine's clock, which all servers have.
pub async fn now(stage: &Deployment) -> Moment {
    let (seconds, micros): (i64, u32) =
        ::redis::cmd("TIME").query_async(&mut stage.board().await).await.unwrap();
    DateTime::from_timestamp(seconds, micros * 1_000).unwrap()
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

/// I1, by the platform's own record: no key has moved tokens twice, no row was called for but with its own key, and
/// the books are even.
#[track_caller]
pub fn assert_moved_once(record: &Record) {
    assert_eq!(record.forgotten, 0);
    let mut moved = BTreeMap::<&str, u32>::new();
    for call in record.calls.iter().filter(|call| call.moved()) {
        *moved.entry(call.idempotency_key.as_deref().expect("a call without a key")).or_default() += 1;
    }
    let twice: Vec<_> = moved.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(record.residual, rust_decimal::Decimal::ZERO);
}

/// No slot was called for twice: each key once, each key one row, one row a slot. These rows were read after the newest
/// call that they are asked for.
#[track_caller]
pub fn assert_fired_once(stage: &Deployment, rows: &[Row]) {
    let record = stage.sandbox().record();
    assert_moved_once(&record);
    let newest = rows.iter().map(|row| row.registered_at).max();
    let mut keys = BTreeSet::new();
    for call in &record.calls {
        let key = call.idempotency_key.as_deref().expect("a call without a key");
        assert!(keys.insert(key), "{key} was sent twice");
        let has_row = rows.iter().any(|row| row.test_id.to_string() == key);
        assert!(has_row || Some(call.at) > newest, "{key} has no row");
    }
    assert_one_row_a_slot(rows);
}

/// The rows, once each slot up to the newest of now has one: those that nobody fired are written a little later.
pub async fn no_gaps(stage: &Deployment) -> Vec<Row> {
    let newest = stage.rows().await.iter().filter_map(|row| row.cycle).max();
    let whole = |rows: &[Row]| slots(rows, newest).into_values().all(|cycles| cycles == whole(&cycles));
    let rows = stage.rows_when("a row of each slot", 30, whole).await;
    rows.into_iter().filter(|row| row.cycle <= newest).collect()
}

/// The cycles of each path up to this one, in order.
fn slots(rows: &[Row], newest: Option<i64>) -> BTreeMap<&str, Vec<i64>> {
    let mut slots = BTreeMap::<&str, Vec<i64>>::new();
    for row in rows.iter().filter(|row| row.cycle <= newest) {
        slots.entry(&row.path).or_default().push(row.cycle.expect("a slot's cycle"));
    }
    slots.values_mut().for_each(|cycles| cycles.sort_unstable());
    slots
}

fn whole(cycles: &[i64]) -> Vec<i64> {
    (cycles[0]..=cycles[cycles.len() - 1]).collect()
}

/// I2: each slot between a path's first and its last has one row.
#[track_caller]
pub fn assert_one_row_a_slot(rows: &[Row]) {
    for (path, cycles) in slots(rows, Some(i64::MAX)) {
        assert_eq!(cycles, whole(&cycles), "the slots of {path}");
    }
}

/// I5: nothing was blamed on the platform.
#[track_caller]
pub fn assert_not_blamed(rows: &[Row]) {
    let blamed: Vec<&Row> = rows.iter().filter(|row| row.outcome == "failed").collect();
    assert!(blamed.is_empty(), "{blamed:#?}");
}

/// What `/api/v1/canaries/accounting` says: the residual, which has to be 0 (I2).
pub async fn residual(canary: &Instance) -> Option<i64> {
    let answer = canary.get("/api/v1/canaries/accounting").await?;
    let json: serde_json::Value = answer.json().await.ok()?;
    json["residual"].as_i64()
}

pub fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}
