//! What the export reads, and its marks.

use canary_domain::{Backend, Outcome, Reason, Test, TestId};
use canary_store::{ExportMark, ExportRow, Ledger, Route};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::fixtures::{
    CYCLE, PERIOD_MS, at, edge, fired_by_hand, judged, not_fired, passed, seen, stamp, test, with_outcome,
    write_passed,
};
use crate::home::Home;

fn ids(rows: &[ExportRow]) -> Vec<TestId> {
    rows.iter().map(|row| row.test_id).collect()
}

async fn changes(ledger: &dyn Ledger, after: i64) -> Vec<ExportRow> {
    ledger.export_changes(after, 100).await.unwrap()
}

async fn everything(ledger: &dyn Ledger) -> Vec<TestId> {
    ids(&ledger.export_span((at(0), TestId::from(Uuid::nil())), edge(CYCLE + 1_000), 100).await.unwrap())
}

pub async fn a_row_is_exported_with_its_labels_and_moments(home: &Home) {
    let ledger = home.ledger();
    let mut test = Test { backend: Backend::TwoPc, ..test("p", CYCLE + 3) };
    test.registered_at = edge(CYCLE + 3) + TimeDelta::seconds(5);
    let row = with_outcome(test.clone(), Outcome::Passed);
    ledger.record(std::slice::from_ref(&row)).await.unwrap();
    let fired_at = row.facts.fired_at.unwrap();
    let expected = ExportRow {
        test_id: test.test_id,
        route: Route {
            path: "p".into(),
            backend: Backend::TwoPc,
            source_frame: "a".into(),
            dest_frame: "b".into(),
        },
        cycle_at: edge(CYCLE + 3),
        registered_at: test.registered_at,
        fired_at: Some(fired_at),
        watched_until: fired_at + TimeDelta::seconds(600),
        judged_at: row.judged_at,
        outcome: Outcome::Passed,
        latency_ms: Some(45.678),
        change: Some(1),
    };
    assert_eq!(changes(&*ledger, 0).await, std::slice::from_ref(&expected));
    let before = edge(CYCLE + 4);
    let start = (at(0), TestId::from(Uuid::nil()));
    assert_eq!(ledger.export_span(start, before, 9).await.unwrap(), [expected]);
}

pub async fn a_slot_that_was_not_fired_is_watched_from_its_registration(home: &Home) {
    let ledger = home.ledger();
    let unfired = not_fired(test("p", CYCLE), Reason::Paused);
    ledger.write_unfired(std::slice::from_ref(&unfired)).await.unwrap();
    let rows = changes(&*ledger, 0).await;
    assert_eq!((rows[0].outcome, rows[0].fired_at, rows[0].latency_ms), (Outcome::Skipped, None, None));
    assert_eq!(rows[0].watched_until, edge(CYCLE) + TimeDelta::seconds(600));
    assert_eq!(PERIOD_MS * CYCLE, rows[0].cycle_at.timestamp_millis());
}

pub async fn pending_rows_and_tests_without_a_slot_are_not_exported(home: &Home) {
    let ledger = home.ledger();
    ledger.claim(&test("p", CYCLE)).await.unwrap();
    write_passed(&*ledger, fired_by_hand("p")).await;
    let there = write_passed(&*ledger, test("p", CYCLE + 1)).await;
    home.ledger_of("staging").claim(&Test { canary: "staging".into(), ..test("p", CYCLE) }).await.unwrap();
    assert_eq!(ids(&changes(&*ledger, 0).await), [there]);
    assert_eq!(everything(&*ledger).await, [there]);
}

pub async fn a_row_that_is_judged_long_after_newer_ones_comes_after_them(home: &Home) {
    let ledger = home.ledger();
    let old = test("p", CYCLE);
    ledger.claim(&old).await.unwrap();
    let newer = write_passed(&*ledger, test("p", CYCLE + 500)).await;
    let seen_until = changes(&*ledger, 0).await.last().unwrap().change.unwrap();
    let missed = not_fired(test("q", CYCLE + 1), Reason::NoLeader);
    ledger.write_unfired(std::slice::from_ref(&missed)).await.unwrap();
    let late = write_passed(&*ledger, old).await;
    assert_eq!(ids(&changes(&*ledger, seen_until).await), [missed.test.test_id, late]);
    assert_eq!(everything(&*ledger).await, [late, missed.test.test_id, newer], "by registration");
}

pub async fn an_amended_row_is_exported_as_it_is_now(home: &Home) {
    let ledger = home.ledger();
    let first = test("p", CYCLE);
    write_passed(&*ledger, first.clone()).await;
    let second = write_passed(&*ledger, test("p", CYCLE + 1)).await;
    let mut facts = seen(first);
    facts.stamps.add(canary_domain::Stage::FeeCollected, stamp(facts.start() + TimeDelta::seconds(2)));
    let verdict = passed(&facts);
    let amended = facts.test.test_id;
    assert_eq!(ledger.record(&[judged(facts, Some(verdict))]).await.unwrap().len(), 1);
    assert_eq!(ids(&changes(&*ledger, 0).await), [second, amended]);
}

pub async fn pages_to_export_follow_one_another(home: &Home) {
    let ledger = home.ledger();
    // Two at a moment, so that the id decides.
    let tests: Vec<Test> = (0..10).map(|n| test(&format!("p{}", n % 2), CYCLE + n / 2)).collect();
    let rows: Vec<_> = tests.into_iter().map(|test| with_outcome(test, Outcome::Passed)).collect();
    ledger.record(&rows).await.unwrap();
    let (mut by_change, mut after) = (Vec::new(), 0);
    loop {
        let page = ledger.export_changes(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.change.unwrap();
        by_change.extend(page.iter().map(|row| row.test_id));
    }
    let (mut by_time, mut after) = (Vec::new(), (at(0), TestId::from(Uuid::nil())));
    loop {
        let page = ledger.export_span(after, edge(CYCLE + 4), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.registered_at, last.test_id);
        by_time.extend(page);
    }
    assert_eq!(by_change.len(), 10);
    assert_eq!(by_time.len(), 8, "the end itself is not before it");
    assert!(by_time.is_sorted_by_key(|row| (row.registered_at, row.test_id.to_string())));
}

pub async fn a_mark_only_moves_on(home: &Home) {
    let ledger = home.ledger();
    let mark = |change| ExportMark { change, registered_at: at(change), test_id: TestId::random() };
    assert_eq!(ledger.export_mark("one").await.unwrap(), None);
    assert!(ledger.save_export_mark("one", mark(7), at(0)).await.unwrap());
    assert!(!ledger.save_export_mark("one", mark(7), at(1)).await.unwrap());
    assert!(!ledger.save_export_mark("one", mark(6), at(2)).await.unwrap(), "what a deposed leader knows");
    assert_eq!(ledger.export_mark("one").await.unwrap(), Some(7));
    assert!(ledger.save_export_mark("one", mark(8), at(3)).await.unwrap());
    assert!(ledger.save_export_mark("two", mark(1), at(4)).await.unwrap());
    assert!(home.ledger_of("staging").save_export_mark("one", mark(2), at(5)).await.unwrap());
    assert_eq!(ledger.export_mark("one").await.unwrap(), Some(8));
    assert_eq!(ledger.export_mark("two").await.unwrap(), Some(1));
}
