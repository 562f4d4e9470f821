//! No slot is lost, and one that is shows (I2).

use canary_domain::{Outcome, Reason, Test};
use canary_store::{Accounting, PathAccount, SlotSpan};

use chrono::TimeDelta;

use crate::fixtures::{CYCLE, PERIOD_MS, edge, fired_by_hand, not_fired, test, with_outcome, write_passed};
use crate::home::Home;

fn empty(path: &str) -> PathAccount {
    PathAccount {
        path: path.into(),
        slots: 0,
        passed: 0,
        late: 0,
        failed: 0,
        inconclusive: 0,
        skipped: 0,
        missed: 0,
        pending: 0,
        residual: 0,
    }
}

pub async fn slots_are_the_sum_of_all_outcomes(home: &Home) {
    let ledger = home.ledger();
    assert_eq!(ledger.accounting().await.unwrap(), Accounting { paths: vec![], residual: 0 });
    let outcomes = [
        Outcome::Pending,
        Outcome::Passed,
        Outcome::Passed,
        Outcome::Late,
        Outcome::Failed,
        Outcome::Inconclusive,
    ];
    let mut rows: Vec<_> = outcomes
        .into_iter()
        .zip(CYCLE..)
        .map(|(outcome, cycle)| with_outcome(test("p", cycle), outcome))
        .collect();
    rows.push(with_outcome(fired_by_hand("p"), Outcome::Failed));
    ledger.record(&rows).await.unwrap();
    let unfired = [
        not_fired(test("p", CYCLE + 6), Reason::Maintenance),
        not_fired(test("p", CYCLE + 7), Reason::Overrun),
        not_fired(test("a", CYCLE), Reason::Overrun),
    ];
    ledger.write_unfired(&unfired).await.unwrap();

    let p = PathAccount {
        slots: 8,
        passed: 2,
        late: 1,
        failed: 1,
        inconclusive: 1,
        skipped: 1,
        missed: 1,
        pending: 1,
        ..empty("p")
    };
    let a = PathAccount { slots: 1, missed: 1, ..empty("a") };
    assert_eq!(ledger.accounting().await.unwrap(), Accounting { paths: vec![a, p], residual: 0 });
}

pub async fn a_lost_slot_is_a_residual_and_a_gap(home: &Home) {
    let ledger = home.ledger();
    for cycle in [CYCLE, CYCLE + 1, CYCLE + 4] {
        write_passed(&*ledger, test("p", cycle)).await;
    }
    write_passed(&*ledger, test("q", CYCLE)).await;
    let accounting = ledger.accounting().await.unwrap();
    assert_eq!(accounting.residual, 2);
    assert_eq!(accounting.paths[0], PathAccount { slots: 5, passed: 3, residual: 2, ..empty("p") });
    let gaps = ledger.gaps("p", PERIOD_MS, CYCLE, CYCLE + 4, 10).await.unwrap();
    assert_eq!(gaps, [CYCLE + 2, CYCLE + 3]);

    let found =
        gaps.into_iter().map(|cycle| not_fired(test("p", cycle), Reason::NoLeader)).collect::<Vec<_>>();
    ledger.write_unfired(&found).await.unwrap();
    assert_eq!(ledger.accounting().await.unwrap().residual, 0);
}

pub async fn recent_slots_are_counted_by_their_cycles_alone(home: &Home) {
    let ledger = home.ledger();
    // The gap lies before the moment, and the last one was registered half a minute after its cycle began.
    for cycle in [CYCLE, CYCLE + 2, CYCLE + 3, CYCLE + 5] {
        write_passed(&*ledger, test("p", cycle)).await;
    }
    write_passed(&*ledger, test("q", CYCLE + 1)).await;
    let late = Test { registered_at: edge(CYCLE + 2) + TimeDelta::seconds(30), ..test("r", CYCLE + 2) };
    write_passed(&*ledger, late).await;
    write_passed(&*ledger, fired_by_hand("p")).await;
    let since = ledger.accounting_since(edge(CYCLE + 2)).await.unwrap();
    let p = PathAccount { slots: 4, passed: 3, residual: 1, ..empty("p") };
    let r = PathAccount { slots: 1, passed: 1, ..empty("r") };
    assert_eq!(since, Accounting { paths: vec![p, r.clone()], residual: 1 });
    let later = ledger.accounting_since(edge(CYCLE + 2) + TimeDelta::milliseconds(1)).await.unwrap();
    assert_eq!(later.paths.iter().map(|path| path.slots).collect::<Vec<_>>(), [3]);
    assert_eq!(ledger.accounting_since(edge(CYCLE + 6)).await.unwrap().paths, []);
    assert_eq!(ledger.accounting_since(edge(0)).await.unwrap(), ledger.accounting().await.unwrap());
}

/// A test of half the period, which counts its cycles twice as fast.
fn faster(cycle: i64) -> Test {
    Test { period_ms: Some(PERIOD_MS / 2), ..test("p", cycle) }
}

pub async fn a_change_of_the_period_loses_no_slot(home: &Home) {
    let ledger = home.ledger();
    for cycle in [CYCLE, CYCLE + 1] {
        write_passed(&*ledger, test("p", cycle)).await;
    }
    for cycle in [2 * CYCLE + 4, 2 * CYCLE + 5, 2 * CYCLE + 6] {
        write_passed(&*ledger, faster(cycle)).await;
    }
    let accounting = ledger.accounting().await.unwrap();
    assert_eq!(accounting.paths, [PathAccount { slots: 5, passed: 5, ..empty("p") }]);
    assert_eq!(accounting.residual, 0);
}

pub async fn spans_and_gaps_are_those_of_one_period(home: &Home) {
    let ledger = home.ledger();
    assert_eq!(ledger.slot_spans(PERIOD_MS).await.unwrap(), []);
    for (path, cycle) in [("q", CYCLE + 9), ("p", CYCLE + 3), ("p", CYCLE), ("r", CYCLE)] {
        write_passed(&*ledger, test(path, cycle)).await;
    }
    write_passed(&*ledger, faster(2 * CYCLE + 8)).await;
    write_passed(&*ledger, fired_by_hand("z")).await;
    let mut spans = ledger.slot_spans(PERIOD_MS).await.unwrap();
    spans.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let span = |path: &str, first, last| SlotSpan { path: path.into(), first, last };
    let all = [span("p", CYCLE, CYCLE + 3), span("q", CYCLE + 9, CYCLE + 9), span("r", CYCLE, CYCLE)];
    assert_eq!(spans, all);
    let half = ledger.slot_spans(PERIOD_MS / 2).await.unwrap();
    assert_eq!(half, [span("p", 2 * CYCLE + 8, 2 * CYCLE + 8)]);
    assert_eq!(ledger.slot_spans(1_000).await.unwrap(), []);
}

pub async fn gaps_are_ascending_and_limited(home: &Home) {
    let ledger = home.ledger();
    write_passed(&*ledger, test("p", CYCLE + 1)).await;
    let gaps = |first, last, limit| ledger.gaps("p", PERIOD_MS, first, last, limit);
    assert_eq!(gaps(CYCLE, CYCLE + 3, 9).await.unwrap(), [CYCLE, CYCLE + 2, CYCLE + 3], "both ends included");
    assert_eq!(gaps(CYCLE, CYCLE + 3, 2).await.unwrap(), [CYCLE, CYCLE + 2]);
    assert_eq!(gaps(CYCLE + 1, CYCLE + 1, 9).await.unwrap(), [0_i64; 0]);
    assert_eq!(gaps(CYCLE + 3, CYCLE, 9).await.unwrap(), [0_i64; 0], "a range that runs backwards is empty");
    let long = gaps(CYCLE, CYCLE + 2_000_000, 3).await.unwrap();
    assert_eq!(long, [CYCLE, CYCLE + 2, CYCLE + 3]);
}
