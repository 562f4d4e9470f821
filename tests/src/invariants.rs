//! The invariants (design §3.4), asked of the platform's own record, the ledger and the console.

use std::collections::{BTreeMap, BTreeSet};

use canary_sandbox::Record;
use chrono::{DateTime, Utc};

use crate::{Deployment, Instance, Row};

/// On this machine's clock.
pub type Moment = DateTime<Utc>;

/// The time on this machine's clock, which all servers have.
///
/// # Panics
/// If Redis doesn't answer.
pub async fn now(stage: &Deployment) -> Moment {
    let (seconds, micros): (i64, u32) =
        redis::cmd("TIME").query_async(&mut stage.board().await).await.unwrap();
    DateTime::from_timestamp(seconds, micros * 1_000).unwrap()
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
    // A ledger that did not answer has no rows, and would have no gaps.
    let there = stage.rows_when("rows", 30, |rows| rows.iter().any(|row| row.cycle.is_some())).await;
    let newest = there.iter().filter_map(|row| row.cycle).max();
    let whole = |rows: &[Row]| {
        rows.len() >= there.len() && slots(rows, newest).into_values().all(|cycles| cycles == whole(&cycles))
    };
    let rows = stage.rows_when("a row of each slot", 30, whole).await;
    rows.into_iter().filter(|row| row.cycle <= newest).collect()
}

/// The cycles of each path up to this one, in order.
fn slots(rows: &[Row], newest: Option<i64>) -> BTreeMap<&str, Vec<i64>> {
    let mut slots = BTreeMap::<&str, Vec<i64>>::new();
    for row in rows.iter().filter(|row| row.cycle.is_some() && row.cycle <= newest) {
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
