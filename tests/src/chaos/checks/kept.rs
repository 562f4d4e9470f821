//! I6: a row once written is never lost, and changes only as it may: from pending, or to a higher revision.

use std::sync::Arc;

use super::super::{History, Invariant, Snapshot, Violation};
use crate::Row;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for pair in history.snapshots.windows(2) {
        compare(&pair[0], &pair[1], &mut wrong);
    }
    let last = history.snapshots.last().into_iter().flat_map(|snapshot| snapshot.rows.values());
    for before in last {
        match history.rows.iter().find(|row| row.test_id == before.test_id) {
            Some(after) => wrong.extend(objection(before, after)),
            None => wrong.push(format!("gone in the end: {}", before.told())),
        }
    }
    if history.snapshots.len() < 2 {
        wrong.push("too few snapshots to tell".into());
    }
    let what = "a row was lost, or changed as it may not";
    if wrong.is_empty() { Vec::new() } else { vec![Violation::of(Invariant::I6, what, wrong)] }
}

fn compare(earlier: &Snapshot, later: &Snapshot, wrong: &mut Vec<String>) {
    for (test_id, before) in &earlier.rows {
        match later.rows.get(test_id) {
            Some(after) if Arc::ptr_eq(before, after) => {}
            Some(after) => wrong.extend(objection(before, after)),
            None => wrong.push(format!("gone at {}: {}", later.at, before.told())),
        }
    }
}

fn objection(before: &Row, after: &Row) -> Option<String> {
    let slot = |row: &Row| (row.path.clone(), row.cycle, row.origin.clone(), row.registered_at);
    let what = if slot(before) != slot(after) {
        "another slot"
    } else if before.judged() && !after.judged() {
        "pending again"
    } else if after.revision < before.revision {
        "a lower revision"
    } else if before.judged() && after.revision == before.revision && content(before) != content(after) {
        "other content under the same revision"
    } else if after.judged() && after.revision == 0 {
        "a verdict without a revision"
    } else {
        return None;
    };
    Some(format!("{what}: {} became {}", before.told(), after.told()))
}

/// What a revision stands for: everything but when it was judged.
fn content(row: &Row) -> Row {
    Row { judged_at: None, ..row.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::doctored::found;
    use super::*;

    const WHAT: &str = "I6: a row was lost, or changed as it may not";

    /// Changes the first row of the last snapshot.
    fn amended(change: impl Fn(&mut Row)) -> Vec<String> {
        found(check, |history| {
            let test_id = history.rows[0].test_id;
            let snapshot = history.snapshots.last_mut().unwrap();
            change(Arc::make_mut(snapshot.rows.get_mut(&test_id).unwrap()));
            // And the rows at the end are the same.
            history.rows[0] = Row::clone(&snapshot.rows[&test_id]);
        })
    }

    #[test]
    fn a_row_that_vanishes_is_found() {
        let found_on_the_way = found(check, |history| {
            let test_id = history.rows[0].test_id;
            history.snapshots[1].rows.remove(&test_id);
        });
        assert_eq!(found_on_the_way, [WHAT]);
        assert_eq!(found(check, |history| drop(history.rows.remove(0))), [WHAT]);
    }

    #[test]
    fn only_a_higher_revision_changes_a_verdict() {
        let failed = |row: &mut Row| row.outcome = "failed".into();
        assert_eq!(amended(failed), [WHAT]);
        assert_eq!(
            amended(|row| {
                failed(row);
                row.revision += 1;
            }),
            [""; 0]
        );
        assert_eq!(amended(|row| row.revision -= 1), [WHAT]);
        assert_eq!(
            amended(|row| {
                row.outcome = "pending".into();
                row.revision += 1;
            }),
            [WHAT]
        );
    }

    #[test]
    fn a_row_stays_its_slots() {
        assert_eq!(amended(|row| row.cycle = row.cycle.map(|cycle| cycle + 1)), [WHAT]);
    }
}
