//! Slots: claimed, or not fired.

use canary_domain::{Facts, Outcome, Reason, TestId, Withheld};
use canary_store::{Claim, StoreError};
use tokio::task::JoinSet;

use crate::fixtures::{CYCLE, fired_by_hand, not_fired, row, test, write_passed};
use crate::home::Home;

pub async fn of_twenty_concurrent_claims_of_a_slot_exactly_one_wins(home: &Home) {
    let instances = [home.ledger(), home.ledger()];
    let mut claims = JoinSet::new();
    for n in 0..20 {
        let (ledger, test) = (instances[n % 2].clone(), test("p", CYCLE));
        claims.spawn(async move { ledger.claim(&test).await.unwrap() });
    }
    let won = claims.join_all().await.into_iter().filter(|claim| *claim == Claim::Claimed).count();
    assert_eq!(won, 1);
    assert_eq!(home.texts("SELECT path FROM canary_test_results").await.len(), 1);
}

pub async fn tests_without_a_slot_are_just_written(home: &Home) {
    let ledger = home.ledger();
    let by_hand = [fired_by_hand("p"), fired_by_hand("p")];
    for test in &by_hand {
        assert_eq!(ledger.claim(test).await.unwrap(), Claim::Claimed);
        let row = row(&*ledger, test.test_id).await;
        assert_eq!(row.facts, Facts::registered(test.clone()));
        assert_eq!((row.outcome, row.revision, row.judged_at), (Outcome::Pending, 0, None));
    }
}

pub async fn a_slot_with_any_row_is_taken(home: &Home) {
    let ledger = home.ledger();
    let ours = test("p", CYCLE);
    assert_eq!(ledger.claim(&ours).await.unwrap(), Claim::Claimed);
    assert_eq!(ledger.claim(&ours).await.unwrap(), Claim::Taken, "the very same test, once more");
    write_passed(&*ledger, test("p", CYCLE + 1)).await;
    assert_eq!(ledger.claim(&test("p", CYCLE + 1)).await.unwrap(), Claim::Taken);
    ledger.write_unfired(&[not_fired(test("p", CYCLE + 2), Reason::Paused)]).await.unwrap();
    assert_eq!(ledger.claim(&test("p", CYCLE + 2)).await.unwrap(), Claim::Taken);
    assert_eq!(ledger.claim(&test("q", CYCLE)).await.unwrap(), Claim::Claimed, "another path's slot is free");
}

pub async fn a_slot_that_was_not_fired_is_written_once_with_its_reason(home: &Home) {
    let ledger = home.ledger();
    let claimed = test("p", CYCLE);
    ledger.claim(&claimed).await.unwrap();
    let wanted: Vec<_> = [Reason::NoLeader, Reason::Paused, Reason::Overrun]
        .into_iter()
        .zip(CYCLE..)
        .map(|(reason, cycle)| not_fired(test("p", cycle), reason))
        .collect();
    let mut written = ledger.write_unfired(&wanted).await.unwrap();
    let mut free: Vec<TestId> = wanted[1..].iter().map(|unfired| unfired.test.test_id).collect();
    written.sort_unstable();
    free.sort_unstable();
    assert_eq!(written, free, "the claimed slot is left alone");
    assert_eq!(ledger.write_unfired(&wanted).await.unwrap(), [], "and so are all of them the second time");

    let paused = row(&*ledger, wanted[1].test.test_id).await;
    let at = wanted[1].at;
    assert_eq!((paused.outcome, paused.reason, paused.revision), (Outcome::Skipped, Some(Reason::Paused), 1));
    assert_eq!((paused.decided_as_of, paused.judged_at, paused.deadline_at), (Some(at), Some(at), None));
    assert_eq!(paused.facts.withheld, Some(Withheld { at, reason: Reason::Paused, code: None }));
    assert_eq!(row(&*ledger, wanted[2].test.test_id).await.outcome, Outcome::Missed);
    assert_eq!(row(&*ledger, claimed.test_id).await.outcome, Outcome::Pending);
}

pub async fn another_deployments_test_is_refused(home: &Home) {
    let error = home.ledger_of("staging").claim(&test("p", CYCLE)).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    assert!(error.to_string().contains("deployment prod"), "{error}");
}
