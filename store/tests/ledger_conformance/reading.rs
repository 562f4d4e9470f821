//! Rows, read.

use canary_domain::{Backend, Moment, Origin, Outcome, Reason, Test, TestId};
use canary_store::{Filter, Ledger};
use chrono::TimeDelta;

use crate::fixtures::{CYCLE, edge, fired_by_hand, not_fired, seen, test, with_outcome, write_passed};
use crate::home::{CANARY, Home};

fn all() -> Filter {
    Filter::default()
}

async fn ids(ledger: &dyn Ledger, filter: &Filter) -> Vec<TestId> {
    let page = ledger.results(filter, None, 100).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.iter().map(|row| row.facts.test.test_id).collect()
}

pub async fn rows_that_are_not_there_are_left_out(home: &Home) {
    let ledger = home.ledger();
    let there = write_passed(&*ledger, test("p", CYCLE)).await;
    let rows = ledger.rows(&[TestId::random(), there, TestId::random()]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.facts.test.test_id).collect::<Vec<_>>(), [there]);
    assert_eq!(ledger.rows(&[]).await.unwrap(), []);
}

pub async fn pending_gives_the_oldest_back_with_their_facts_ordered_ones_too(home: &Home) {
    let ledger = home.ledger();
    let tests: Vec<Test> = (0..4).map(|n| test("p", CYCLE + n)).collect();
    for test in tests.iter().rev() {
        ledger.claim(test).await.unwrap();
    }
    let facts = seen(tests[1].clone());
    ledger.record(&[with_outcome(tests[1].clone(), Outcome::Pending)]).await.unwrap();
    write_passed(&*ledger, test("q", CYCLE)).await;
    let ordered = Test { registered_at: edge(CYCLE + 2) + TimeDelta::microseconds(1), ..fired_by_hand("p") };
    ledger.claim(&ordered).await.unwrap();

    let before = edge(CYCLE + 3);
    let pending = ledger.pending(before, 10).await.unwrap();
    let found: Vec<TestId> = pending.iter().map(|facts| facts.test.test_id).collect();
    assert_eq!(
        found,
        [tests[0].test_id, tests[1].test_id, tests[2].test_id, ordered.test_id],
        "the moment itself is not before it"
    );
    assert_eq!(pending[1], facts);
    assert_eq!(ledger.pending(before, 2).await.unwrap().len(), 2);
}

pub async fn every_filter_narrows_and_all_of_them_have_to_match(home: &Home) {
    let ledger = home.ledger();
    let (p, q) = (test("p", CYCLE), Test { backend: Backend::TwoPc, ..test("q", CYCLE + 1) });
    let late = test("p", CYCLE + 2);
    let (p_id, q_id, late_id) = (p.test_id, q.test_id, late.test_id);
    let skipped = not_fired(test("p", CYCLE + 3), Reason::Paused);
    let rows = [(p, Outcome::Passed), (q, Outcome::Failed), (late, Outcome::Late)];
    let rows: Vec<_> = rows.into_iter().map(|(test, outcome)| with_outcome(test, outcome)).collect();
    ledger.record(&rows).await.unwrap();
    ledger.write_unfired(std::slice::from_ref(&skipped)).await.unwrap();
    let skipped_id = skipped.test.test_id;

    assert_eq!(ids(&*ledger, &all()).await, [skipped_id, late_id, q_id, p_id], "newest first");
    let path = |path: &str| Filter { path: Some(path.into()), ..all() };
    assert_eq!(ids(&*ledger, &path("p")).await, [skipped_id, late_id, p_id]);
    assert_eq!(ids(&*ledger, &path("r")).await, []);
    assert_eq!(ids(&*ledger, &Filter { backend: Some(Backend::TwoPc), ..all() }).await, [q_id]);
    let outcome = |outcome| Filter { outcome: Some(outcome), ..all() };
    for (wanted, id) in [
        (Outcome::Passed, p_id),
        (Outcome::Failed, q_id),
        (Outcome::Late, late_id),
        (Outcome::Skipped, skipped_id),
    ] {
        assert_eq!(ids(&*ledger, &outcome(wanted)).await, [id]);
    }
    assert_eq!(ids(&*ledger, &outcome(Outcome::Pending)).await, []);
    let between = Filter { from: Some(edge(CYCLE + 1)), to: Some(edge(CYCLE + 3)), ..all() };
    assert_eq!(ids(&*ledger, &between).await, [late_id, q_id], "from is in, to is out");
    assert_eq!(ids(&*ledger, &Filter { path: Some("p".into()), ..between.clone() }).await, [late_id]);
    assert_eq!(ids(&*ledger, &Filter { outcome: Some(Outcome::Passed), ..between }).await, []);
}

async fn walk(ledger: &dyn Ledger, limit: i64) -> Vec<TestId> {
    let mut found = Vec::new();
    let mut cursor: Option<(Moment, TestId)> = None;
    loop {
        let page = ledger.results(&all(), cursor, limit).await.unwrap();
        assert!(page.rows.len() <= usize::try_from(limit).unwrap());
        found.extend(page.rows.iter().map(|row| row.facts.test.test_id));
        // News arrives while somebody leafs through.
        let newest = test("p", CYCLE + 1_000 + i64::try_from(found.len()).unwrap());
        write_passed(ledger, newest).await;
        cursor = page.next;
        if cursor.is_none() {
            return found;
        }
    }
}

pub async fn pages_stay_right_while_rows_arrive(home: &Home) {
    let ledger = home.ledger();
    let mut there = Vec::new();
    for n in 0..10 {
        there.insert(0, write_passed(&*ledger, test("p", CYCLE + n)).await);
    }
    assert_eq!(walk(&*ledger, 5).await, there, "a full last page has no next one");
    let page = ledger.results(&all(), None, 0).await.unwrap();
    assert_eq!((page.rows.len(), page.next), (0, None));
}

pub async fn rows_registered_at_one_moment_are_paged_by_id(home: &Home) {
    let ledger = home.ledger();
    let mut there = Vec::new();
    for n in 0..7 {
        let test = Test { registered_at: edge(CYCLE) + TimeDelta::microseconds(1), ..test("p", CYCLE + n) };
        there.push(write_passed(&*ledger, test).await);
    }
    there.sort_unstable();
    there.reverse();
    assert_eq!(walk(&*ledger, 2).await, there);
}

pub async fn two_deployments_in_one_database_never_see_each_other(home: &Home) {
    let (ours, theirs) = (home.ledger(), home.ledger_of("staging"));
    let foreign = Test { canary: "staging".into(), ..test("p", CYCLE) };
    theirs.claim(&foreign).await.unwrap();
    let local = test("p", CYCLE);
    ours.claim(&local).await.unwrap();
    write_passed(&*ours, test("p", CYCLE + 1)).await;

    assert_eq!(ours.rows(&[foreign.test_id]).await.unwrap(), []);
    assert_eq!(ids(&*theirs, &all()).await, [foreign.test_id]);
    assert_eq!(theirs.pending(edge(CYCLE + 9), 9).await.unwrap()[0].test.canary, "staging");
    assert_eq!(theirs.pending(edge(CYCLE + 9), 9).await.unwrap().len(), 1);
    assert_eq!(theirs.accounting().await.unwrap().paths[0].slots, 1);
    assert_eq!(theirs.slot_spans(crate::fixtures::PERIOD_MS).await.unwrap()[0].last, CYCLE);
    assert_eq!(theirs.gaps("p", crate::fixtures::PERIOD_MS, CYCLE, CYCLE + 1, 9).await.unwrap(), [CYCLE + 1]);
    assert_eq!(theirs.roll_up(edge(CYCLE)).await.unwrap(), 0);
    assert_eq!(theirs.prune(edge(CYCLE + 9), 9).await.unwrap(), 0);
    // The same id under another name is nobody's but the first's.
    let mut stolen = with_outcome(local.clone(), Outcome::Failed);
    stolen.facts.test.canary = "staging".into();
    stolen.facts.test.origin = Origin::Fire;
    (stolen.facts.test.cycle, stolen.facts.test.period_ms) = (None, None);
    assert_eq!(theirs.record(&[stolen]).await.unwrap(), []);
    assert_eq!(ours.rows(&[local.test_id]).await.unwrap()[0].outcome, Outcome::Pending);
    assert_eq!(ours.rows(&[local.test_id]).await.unwrap()[0].facts.test.canary, CANARY);
}
