//! What is kept beside the row of a failure: once, with the first verdict that asks for it, and without touching the row.

use canary_domain::{EventType, Outcome, Reason, Stage, Test, TestId};
use canary_store::{FactsRow, Ledger, LogSearch, Observation, Unsearched, Watcher};
use chrono::TimeDelta;

use crate::fixtures::{
    CYCLE, at, because, edge, fired_by_hand, judged, passed, row, seen, stamp, test, with_outcome,
};
use crate::home::Home;

fn observed(us: i64, node: &str) -> Observation {
    let reactor = Watcher {
        frame: "a".into(),
        event_type: EventType::TokensTransferred,
        node: node.into(),
        connected: true,
        position: Some(77),
        covered_since: Some(at(us - 9)),
        covered_until: Some(at(us)),
        last_event_at: None,
    };
    Observation { at: at(us), reactors: vec![reactor] }
}

fn failed(test: Test, reason: Reason) -> FactsRow {
    let facts = seen(test);
    let verdict = because(&facts, reason);
    judged(facts, Some(verdict))
}

async fn record(ledger: &dyn Ledger, row: FactsRow, observed: &Observation) -> usize {
    ledger.record_observed(&[row], Some(observed)).await.unwrap().len()
}

fn found(body: &str) -> LogSearch {
    LogSearch { at: at(50), status: Some(200), body: Some(body.into()), truncated: false, error: None }
}

pub async fn evidence_is_taken_with_the_first_failure_and_stays(home: &Home) {
    let ledger = home.ledger();
    let (first, later) = (observed(10, "n1"), observed(20, "n2"));
    let test = test("p", CYCLE);
    let id = test.test_id;
    assert_eq!(record(&*ledger, failed(test.clone(), Reason::ObserverBlind), &first).await, 1);
    let evidence = ledger.evidence(id).await.unwrap().unwrap();
    assert_eq!((&evidence.observed, &evidence.log), (&first, &None), "to the microsecond");
    // The same again, and an amendment.
    assert_eq!(record(&*ledger, failed(test.clone(), Reason::ObserverBlind), &later).await, 0);
    assert_eq!(record(&*ledger, failed(test.clone(), Reason::Timeout), &later).await, 1);
    assert_eq!(ledger.evidence(id).await.unwrap().unwrap().observed, first);
    assert_eq!(row(&*ledger, id).await.revision, 2);
    // It passed after all: what was seen then stays.
    let mut facts = seen(test);
    facts.stamps.add(Stage::FeeCollected, stamp(facts.start() + TimeDelta::seconds(2)));
    let verdict = passed(&facts);
    assert_eq!(record(&*ledger, judged(facts, Some(verdict)), &later).await, 1);
    assert_eq!(ledger.evidence(id).await.unwrap().unwrap().observed, first);
}

pub async fn only_failures_and_blindness_ask_for_evidence(home: &Home) {
    let ledger = home.ledger();
    let seen_so = observed(10, "n1");
    for reason in Reason::ALL {
        let row = failed(fired_by_hand("p"), *reason);
        let id = row.facts.test.test_id;
        record(&*ledger, row, &seen_so).await;
        let wanted = reason.outcome() == Outcome::Failed || *reason == Reason::ObserverBlind;
        assert_eq!(ledger.evidence(id).await.unwrap().is_some(), wanted, "{reason}");
    }
    let passing = with_outcome(test("p", CYCLE), Outcome::Passed);
    let id = passing.facts.test.test_id;
    record(&*ledger, passing, &seen_so).await;
    assert_eq!(ledger.evidence(id).await.unwrap(), None);
    let quiet = failed(test("p", CYCLE + 1), Reason::Timeout);
    let id = quiet.facts.test.test_id;
    ledger.record(&[quiet]).await.unwrap();
    assert_eq!(ledger.evidence(id).await.unwrap(), None, "nobody said how the observers were");
}

/// The slot has another test's row, so this one is left out: its evidence must not keep the batch from being written.
pub async fn a_verdict_that_is_left_out_leaves_no_evidence(home: &Home) {
    let ledger = home.ledger();
    ledger.claim(&test("p", CYCLE)).await.unwrap();
    let (stranger, other) =
        (failed(test("p", CYCLE), Reason::Timeout), failed(test("q", CYCLE), Reason::Timeout));
    let ids = [stranger.facts.test.test_id, other.facts.test.test_id];
    let rows = [stranger, other];
    assert_eq!(ledger.record_observed(&rows, Some(&observed(10, "n1"))).await.unwrap().len(), 1);
    assert_eq!(ledger.evidence(ids[0]).await.unwrap(), None);
    assert!(ledger.evidence(ids[1]).await.unwrap().is_some());
}

pub async fn a_search_of_logs_is_asked_for_in_its_span_and_kept_once(home: &Home) {
    let (ledger, outbox) = (home.ledger(), home.outbox());
    let mut ids = Vec::new();
    for (cycle, us) in [(CYCLE, 10), (CYCLE + 1, 20), (CYCLE + 2, 30)] {
        let row = failed(test("p", cycle), Reason::Timeout);
        ids.push(row.facts.test.test_id);
        record(&*ledger, row, &observed(us, "n1")).await;
    }
    let asked = outbox.unsearched(at(20), at(40), 9).await.unwrap();
    let wanted = |n: usize, cycle, us| Unsearched {
        test_id: ids[n],
        transfer_id: Some(format!("tx-{}", ids[n])),
        registered_at: edge(cycle),
        observed_at: at(us),
    };
    assert_eq!(asked, [wanted(2, CYCLE + 2, 30), wanted(1, CYCLE + 1, 20)], "newest first");
    assert_eq!(outbox.unsearched(at(0), at(30), 1).await.unwrap(), [wanted(1, CYCLE + 1, 20)]);
    assert_eq!(home.outbox_of("staging").unsearched(at(0), at(99), 9).await.unwrap(), []);

    let before = row(&*ledger, ids[1]).await;
    let latest = ledger.latest_change().await.unwrap();
    assert!(outbox.keep_search(ids[1], &found("one\0line")).await.unwrap());
    assert!(!outbox.keep_search(ids[1], &found("another")).await.unwrap(), "the first counts");
    assert!(!outbox.keep_search(TestId::random(), &found("of nobody")).await.unwrap());
    let log = ledger.evidence(ids[1]).await.unwrap().unwrap().log;
    assert_eq!(log, Some(found("one\u{FFFD}line")));
    assert_eq!(outbox.unsearched(at(0), at(30), 9).await.unwrap().len(), 1);
    assert_eq!((row(&*ledger, ids[1]).await, ledger.latest_change().await.unwrap()), (before, latest));
}

pub async fn evidence_goes_with_its_row(home: &Home) {
    let ledger = home.ledger();
    let (old, young) =
        (failed(test("p", CYCLE), Reason::Timeout), failed(test("p", CYCLE + 9), Reason::Timeout));
    let ids = [old.facts.test.test_id, young.facts.test.test_id];
    ledger.record_observed(&[old, young], Some(&observed(10, "n1"))).await.unwrap();
    assert_eq!(ledger.prune(edge(CYCLE + 5), 100).await.unwrap(), 1);
    assert_eq!(ledger.evidence(ids[0]).await.unwrap(), None);
    assert!(ledger.evidence(ids[1]).await.unwrap().is_some());
    let left = home.texts("SELECT CAST(count(*) AS text) FROM canary_evidence").await;
    assert_eq!(left, [Some("1".to_owned())]);
}
