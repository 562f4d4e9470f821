//! I1: one slot, one row, one transfer at most, by the sandbox's own record.

use std::collections::{BTreeMap, BTreeSet};

use canary_sandbox::{MovementKind, TransferCall};
use rust_decimal::Decimal;

use super::super::{History, Invariant, Violation};
use crate::Row;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let violation = |what: &str, evidence: Vec<String>| {
        (!evidence.is_empty()).then(|| Violation::of(Invariant::I1, what, evidence))
    };
    let found = [
        violation("the platform's record is not whole, or its books are uneven", books(history)),
        violation("a key moved tokens more than once", moved_twice(history)),
        violation("a transfer was debited more than once", debited_twice(history)),
        violation("a call without a row of its own", without_row(history)),
        violation("a slot has more than one row", slots_twice(history)),
    ];
    found.into_iter().flatten().collect()
}

fn books(history: &History) -> Vec<String> {
    let record = &history.record;
    let whole = record.forgotten == 0 && record.residual == Decimal::ZERO;
    (!whole)
        .then(|| format!("{} forgotten, residual {}", record.forgotten, record.residual))
        .into_iter()
        .collect()
}

fn moved_twice(history: &History) -> Vec<String> {
    let mut moved = BTreeMap::<&str, Vec<&TransferCall>>::new();
    for call in history.record.calls.iter().filter(|call| call.moved()) {
        moved.entry(call.idempotency_key.as_deref().unwrap_or("no key")).or_default().push(call);
    }
    moved.values().filter(|calls| calls.len() > 1).map(|calls| format!("{calls:?}")).collect()
}

fn debited_twice(history: &History) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let debits = history.record.movements.iter().filter(|movement| movement.kind == MovementKind::Debited);
    debits.filter(|debit| !seen.insert(&debit.transfer_id)).map(|debit| format!("{debit:?}")).collect()
}

/// Each call is a row's, under its key, to its receiver, of its amount; a slot fired under two keys shows here.
fn without_row(history: &History) -> Vec<String> {
    let rows: BTreeMap<String, &Row> =
        history.rows.iter().map(|row| (row.test_id.to_string(), row)).collect();
    let calls = history.record.calls.iter().filter(|call| call.at < history.settled);
    let is_of = |call: &TransferCall, row: &Row| {
        call.sender.as_ref().is_none_or(|sender| *sender == row.sender)
            && call.receiver.as_ref() == Some(&row.receiver)
            && call.amount == Some(row.amount)
            && call.message == Some(format!("canary-{}", row.test_id))
    };
    let has_row = |call: &&TransferCall| {
        let row = call.idempotency_key.as_ref().and_then(|key| rows.get(key));
        row.is_some_and(|row| is_of(call, row))
    };
    calls.filter(|call| !has_row(call)).map(|call| format!("{call:?}")).collect()
}

fn slots_twice(history: &History) -> Vec<String> {
    let mut seen = BTreeSet::new();
    history.slots().filter(|row| !seen.insert((&row.path, row.cycle))).map(Row::told).collect()
}

#[cfg(test)]
mod tests {
    use super::super::doctored::{found, sound};
    use super::*;
    use uuid::Uuid;

    fn objections(doctor: impl Fn(&mut History)) -> Vec<String> {
        found(check, doctor)
    }

    #[test]
    fn a_key_that_moved_twice_is_found() {
        let found = objections(|history| {
            let again = history.record.calls[0].clone();
            history.record.calls.push(again);
        });
        assert_eq!(found, ["I1: a key moved tokens more than once"]);
    }

    #[test]
    fn a_transfer_that_was_debited_twice_is_found() {
        let found = objections(|history| {
            let again = history.record.movements[0].clone();
            history.record.movements.push(again);
        });
        assert_eq!(found, ["I1: a transfer was debited more than once"]);
    }

    #[test]
    fn a_call_under_a_key_that_no_row_has_is_found() {
        let found =
            objections(|history| history.record.calls[0].idempotency_key = Some(Uuid::nil().to_string()));
        assert_eq!(found, ["I1: a call without a row of its own"]);
        let found = objections(|history| history.record.calls[0].receiver = Some("did:avt:mallory".into()));
        assert_eq!(found, ["I1: a call without a row of its own"]);
    }

    #[test]
    fn a_slot_with_two_rows_is_found() {
        let found = objections(|history| {
            let twin = Row { test_id: Uuid::nil(), ..history.rows[0].clone() };
            history.rows.push(twin);
        });
        assert_eq!(found, ["I1: a slot has more than one row"]);
    }

    #[test]
    fn a_record_that_is_not_whole_proves_nothing() {
        let found = objections(|history| history.record.forgotten = 1);
        assert_eq!(found, ["I1: the platform's record is not whole, or its books are uneven"]);
        assert!(!sound().record.calls.is_empty());
    }
}
