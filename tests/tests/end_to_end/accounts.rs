//! What holds of every slot, whatever happened to the canary: I1, I2 and I5, against the platform's own record.

use std::collections::{BTreeMap, BTreeSet};

use canary_sandbox::Record;
use canary_tests::{Deployment, Instance, Row, until};

/// No slot moved tokens twice, and none was fired under two keys.
pub(crate) fn each_slot_moved_once(rows: &[Row], record: &Record) {
    assert_eq!(record.forgotten, 0);
    let by_key: BTreeMap<String, &Row> = rows.iter().map(|row| (row.test_id.to_string(), row)).collect();
    let mut moved = BTreeSet::new();
    for call in &record.calls {
        let key = call.idempotency_key.clone().unwrap();
        let row = by_key.get(&key).unwrap_or_else(|| panic!("{key} was fired, and has no row"));
        assert_eq!(call.message, Some(format!("canary-{key}")));
        assert_eq!((call.sender.as_ref(), call.receiver.as_ref()), (Some(&row.sender), Some(&row.receiver)));
        assert!(!call.moved() || moved.insert(key), "moved twice: {}", row.told());
    }
    let transfers: BTreeSet<&str> = record.movements.iter().map(|m| m.transfer_id.as_str()).collect();
    assert_eq!(transfers.len(), moved.len(), "a transfer for each key that moved tokens");
}

/// Every path has one row for each cycle, from its first to its last.
pub(crate) fn no_cycle_is_without_a_row(rows: &[Row]) {
    let mut paths: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for row in rows {
        paths.entry(&row.path).or_default().push(row.cycle.unwrap());
    }
    for (path, mut cycles) in paths {
        cycles.sort_unstable();
        let whole: Vec<i64> = (cycles[0]..=cycles[cycles.len() - 1]).collect();
        assert_eq!(cycles, whole, "the cycles of {path}");
    }
}

/// The cycles of which a slot was missed.
pub(crate) fn missed_cycles(rows: &[Row]) -> BTreeSet<i64> {
    rows.iter().filter(|row| row.outcome == "missed").filter_map(|row| row.cycle).collect()
}

/// Nothing that befell the canary was blamed on the platform.
pub(crate) fn nobody_is_blamed(rows: &[Row]) {
    let blamed: Vec<String> = rows.iter().filter(|row| row.outcome == "failed").map(Row::told).collect();
    assert!(blamed.is_empty(), "{blamed:#?}");
}

/// The API's accounting is SQL's, path by path, and leaves nothing over.
pub(crate) async fn accounting_agrees(stage: &Deployment, canary: &Instance) {
    // Slots go on, so SQL has to say the same before and after.
    until("an accounting that is the rows'", 20, async || {
        let before = counted(&stage.rows().await);
        let said = canary.json("/api/v1/canaries/accounting").await;
        assert_eq!(said["residual"], 0, "{said}");
        let told: BTreeMap<(String, String), i64> = said["paths"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|path| {
                assert_eq!(path["residual"], 0, "{path}");
                let name = path["path"].as_str().unwrap().to_owned();
                let words =
                    ["slots", "passed", "late", "failed", "inconclusive", "skipped", "missed", "pending"];
                words.map(|word| ((name.clone(), word.to_owned()), path[word].as_i64().unwrap()))
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        told == before && before == counted(&stage.rows().await)
    })
    .await;
}

/// How many rows of a path have an outcome, and how many there are.
fn counted(rows: &[Row]) -> BTreeMap<(String, String), i64> {
    let mut counts = BTreeMap::new();
    for row in rows.iter().filter(|row| row.origin == "schedule") {
        *counts.entry((row.path.clone(), "slots".to_owned())).or_default() += 1;
        *counts.entry((row.path.clone(), row.outcome.clone())).or_default() += 1;
    }
    counts
}
