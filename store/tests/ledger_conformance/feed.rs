//! The feed of changes: numbers that ascend as commits do, so that who reads on from a number misses nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use canary_domain::{Outcome, Reason, Stage, Test, TestId};
use canary_store::{Brief, FactsRow, Ledger};
use chrono::TimeDelta;
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::fixtures::{
    CYCLE, because, edge, fired_by_hand, judged, not_fired, row, seen, stamp, test, with_outcome,
    write_passed,
};
use crate::home::{CANARY, Home};

/// Number and revision of each change after `after`.
pub async fn told(ledger: &dyn Ledger, after: i64) -> Vec<(TestId, i64, i32)> {
    let told = |brief: &Brief| (brief.test_id, brief.change.unwrap(), brief.revision);
    ledger.changes(after, 1_000).await.unwrap().iter().map(told).collect()
}

fn with_its_fee(mut row: FactsRow) -> FactsRow {
    row.facts.stamps.add(Stage::FeeCollected, stamp(row.facts.start()));
    row
}

pub async fn a_change_gets_the_next_number_and_what_is_no_change_gets_none(home: &Home) {
    let ledger = home.ledger();
    assert_eq!(ledger.latest_change().await.unwrap(), 0);
    let claimed = test("p", CYCLE);
    ledger.claim(&claimed).await.unwrap();
    let pending = with_outcome(claimed.clone(), Outcome::Pending);
    ledger.record(&[pending, with_outcome(test("p", CYCLE + 1), Outcome::Pending)]).await.unwrap();
    assert_eq!((ledger.latest_change().await.unwrap(), told(&*ledger, 0).await), (0, vec![]));

    let rows = [claimed, test("q", CYCLE)].map(|test| with_outcome(test, Outcome::Passed));
    let ids = rows.each_ref().map(|row| row.facts.test.test_id);
    for row in &rows {
        ledger.record(std::slice::from_ref(row)).await.unwrap();
    }
    let skipped = not_fired(test("p", CYCLE + 2), Reason::Paused);
    let skipped_id = skipped.test.test_id;
    ledger.write_unfired(std::slice::from_ref(&skipped)).await.unwrap();
    let expected = [(ids[0], 1, 1), (ids[1], 2, 1), (skipped_id, 3, 1)];
    assert_eq!(told(&*ledger, 0).await, expected);

    ledger.record(&rows).await.unwrap();
    let successor = rows.map(|row| FactsRow { judge_term: 9, ..row });
    ledger.record(&successor).await.unwrap();
    ledger.write_unfired(&[skipped]).await.unwrap();
    assert_eq!((ledger.latest_change().await.unwrap(), told(&*ledger, 0).await), (3, expected.to_vec()));
}

pub async fn an_amended_row_appears_again_at_its_new_number_alone(home: &Home) {
    let ledger = home.ledger();
    let rows = [CYCLE, CYCLE + 1].map(|cycle| with_outcome(test("p", cycle), Outcome::Failed));
    let [first, second] = rows.each_ref().map(|row| row.facts.test.test_id);
    ledger.record(&rows).await.unwrap();
    let pending = with_outcome(test("q", CYCLE), Outcome::Pending);
    let same = FactsRow { judge_term: 9, ..rows[1].clone() };
    ledger.record(&[with_its_fee(rows[0].clone()), pending, same]).await.unwrap();
    assert_eq!(told(&*ledger, 0).await, [(second, 2, 1), (first, 3, 2)]);
    assert_eq!(told(&*ledger, 2).await, [(first, 3, 2)]);
    assert_eq!(told(&*ledger, 3).await, []);
}

pub async fn a_mixed_batch_numbers_its_new_and_its_amended_rows(home: &Home) {
    let ledger = home.ledger();
    let there: Vec<_> = (0..4).map(|n| with_outcome(test("p", CYCLE + n), Outcome::Passed)).collect();
    ledger.record(&there).await.unwrap();
    let new = (4..8).map(|n| with_outcome(test("p", CYCLE + n), Outcome::Late));
    let pending = with_outcome(test("p", CYCLE + 8), Outcome::Pending);
    let pending_id = pending.facts.test.test_id;
    let batch: Vec<_> = there.iter().cloned().map(with_its_fee).chain(new).chain([pending]).collect();
    ledger.record(&batch).await.unwrap();
    let told = told(&*ledger, 4).await;
    assert_eq!(told.len(), 8);
    assert!(told.iter().all(|(id, _, _)| *id != pending_id));
    assert_eq!(ledger.latest_change().await.unwrap(), 12);
    assert_eq!(told.last().unwrap().1, 12, "each has a number of its own, and none is left over");
}

pub async fn a_large_batch_is_told_in_pages_by_registration(home: &Home) {
    let ledger = home.ledger();
    let mut rows: Vec<_> = (0..1_203).map(|n| with_outcome(test("p", CYCLE + n), Outcome::Passed)).collect();
    rows.rotate_left(700);
    ledger.record(&rows).await.unwrap();
    let (mut after, mut told) = (0, Vec::new());
    loop {
        let page = ledger.changes(after, 250).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.change.unwrap();
        told.extend(page);
    }
    assert_eq!((told.len(), after), (1_203, 1_203));
    assert!(told.is_sorted_by_key(|brief| brief.change), "ascending");
    let of_one_statement = told.chunk_by(|a, b| a.registered_at < b.registered_at).count();
    assert!(of_one_statement <= 3, "within a statement, those registered first are told first");
}

pub async fn a_change_is_told_in_brief_whoever_asked_for_the_test(home: &Home) {
    let ledger = home.ledger();
    let facts = seen(fired_by_hand("p"));
    let by_hand = judged(facts.clone(), Some(because(&facts, Reason::Timeout)));
    let scheduled = with_outcome(test("q", CYCLE + 1), Outcome::Late);
    ledger.record(&[by_hand.clone(), scheduled.clone()]).await.unwrap();
    let [failed, late] = ledger.changes(0, 9).await.unwrap().try_into().unwrap();
    let expected = Brief {
        test_id: facts.test.test_id,
        path: "p".into(),
        backend: facts.test.backend,
        origin: facts.test.origin,
        cycle: None,
        period_ms: None,
        registered_at: facts.test.registered_at,
        judged_at: Some(by_hand.judged_at),
        outcome: Outcome::Failed,
        reason: Some(Reason::Timeout),
        missing: vec!["tokens_xfer".into()],
        latency_ms: None,
        revision: 1,
        change: Some(1),
    };
    assert_eq!(failed, expected);
    let test = &scheduled.facts.test;
    assert_eq!((late.cycle, late.period_ms, late.origin), (test.cycle, test.period_ms, test.origin));
    assert_eq!((late.latency_ms, late.reason, &late.missing), (Some(31_000.5), None, &vec![]));
    assert_eq!(ledger.changes(0, 1).await.unwrap(), [expected], "at most as many as were asked for");
    for told in [failed, late] {
        let row = row(&*ledger, told.test_id).await;
        assert_eq!(Brief::from(&row), Brief { change: None, ..told }, "the whole row in brief is the same");
    }
}

pub async fn two_deployments_count_apart(home: &Home) {
    let (ours, theirs) = (home.ledger(), home.ledger_of("staging"));
    for n in 0..3 {
        write_passed(&*ours, test("p", CYCLE + n)).await;
    }
    assert_eq!((theirs.latest_change().await.unwrap(), told(&*theirs, 0).await), (0, vec![]));
    let foreign = Test { canary: "staging".into(), ..test("p", CYCLE) };
    let foreign = write_passed(&*theirs, foreign).await;
    assert_eq!(told(&*theirs, 0).await, [(foreign, 1, 1)]);
    assert_eq!(ours.latest_change().await.unwrap(), 3);
}

pub async fn pruning_leaves_the_feed_where_it_was(home: &Home) {
    let ledger = home.ledger();
    for n in 0..4 {
        write_passed(&*ledger, test("p", CYCLE + n)).await;
    }
    assert_eq!(ledger.prune(edge(CYCLE + 2), 9).await.unwrap(), 2);
    assert_eq!(ledger.changes(0, 9).await.unwrap().len(), 2);
    assert_eq!(ledger.prune(edge(CYCLE + 9), 9).await.unwrap(), 2);
    assert_eq!((ledger.latest_change().await.unwrap(), told(&*ledger, 0).await), (4, vec![]));
    let next = write_passed(&*ledger, test("p", CYCLE + 9)).await;
    assert_eq!(told(&*ledger, 0).await, [(next, 5, 1)], "no number is given twice");
}

/// No test has this id, and all come after it.
fn before_all() -> TestId {
    TestId::from(Uuid::nil())
}

pub async fn recent_rows_are_told_oldest_first(home: &Home) {
    let ledger = home.ledger();
    let mut tests: Vec<Test> = (0..4).map(|n| test("p", CYCLE + n)).collect();
    tests.push(Test { registered_at: edge(CYCLE + 9), ..fired_by_hand("q") });
    let ids: Vec<TestId> = tests.iter().map(|test| test.test_id).collect();
    let outcomes = [Outcome::Passed, Outcome::Failed, Outcome::Passed, Outcome::Pending, Outcome::Failed];
    let rows: Vec<_> = tests.into_iter().zip(outcomes).map(|(test, is)| with_outcome(test, is)).collect();
    ledger.record(&rows).await.unwrap();
    let briefs = async |since, outcome| -> Vec<TestId> {
        let told = ledger.briefs((since, before_all()), outcome, 9).await.unwrap();
        told.iter().map(|brief| brief.test_id).collect()
    };
    assert_eq!(briefs(edge(CYCLE), None).await, ids);
    assert_eq!(briefs(edge(CYCLE + 1), None).await, ids[1..], "the moment itself is in");
    assert_eq!(briefs(edge(CYCLE + 1) + TimeDelta::microseconds(1), None).await, ids[2..]);
    assert_eq!(briefs(edge(CYCLE), Some(Outcome::Passed)).await, [ids[0], ids[2]]);
    assert_eq!(briefs(edge(CYCLE + 1), Some(Outcome::Failed)).await, [ids[1], ids[4]]);
    let pending = ledger.briefs((edge(CYCLE), before_all()), Some(Outcome::Pending), 9).await.unwrap();
    assert_eq!((pending.len(), pending[0].change, pending[0].judged_at), (1, None, None));
    let foreign = home.ledger_of("staging").briefs((edge(CYCLE), before_all()), None, 9).await.unwrap();
    assert_eq!(foreign, []);
}

pub async fn recent_rows_are_paged_without_loss_or_repeats(home: &Home) {
    let ledger = home.ledger();
    // Many at one moment, which a page ends among.
    let mut tests: Vec<Test> = (0..7).map(|n| test(&format!("p{n}"), CYCLE)).collect();
    tests.extend((1..4).map(|n| test("p", CYCLE + n)));
    let mut wanted: Vec<_> = tests.iter().map(|test| (test.registered_at, test.test_id)).collect();
    wanted.sort();
    let rows: Vec<_> = tests.into_iter().map(|test| with_outcome(test, Outcome::Passed)).collect();
    ledger.record(&rows).await.unwrap();
    for outcome in [None, Some(Outcome::Passed)] {
        let (mut after, mut told) = ((edge(CYCLE), before_all()), Vec::new());
        loop {
            let page = ledger.briefs(after, outcome, 3).await.unwrap();
            told.extend(page.iter().map(|brief| (brief.registered_at, brief.test_id)));
            match told.last() {
                Some(last) if !page.is_empty() => after = *last,
                Some(_) | None => break,
            }
        }
        assert_eq!(told, wanted);
    }
}

const ROUNDS: i64 = 60;
const BATCH: i64 = 6;

/// What one of the writers does in a round: rows of its own, and the amendment of those of the round before.
fn batch(writer: i64, round: i64, before: &[FactsRow]) -> Vec<FactsRow> {
    let first = CYCLE + BATCH * round;
    let path = format!("p{writer}");
    let new = (first..first + BATCH).map(|cycle| with_outcome(test(&path, cycle), Outcome::Passed));
    new.chain(before.iter().take(2).cloned().map(with_its_fee)).collect()
}

pub async fn write_rounds(ledger: Arc<dyn Ledger>, writer: i64, at_work: Arc<AtomicUsize>) -> usize {
    let (mut before, mut changes) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let rows = batch(writer, round, &before);
        changes += ledger.record(&rows).await.unwrap().len();
        let unfired = not_fired(test(&format!("u{writer}"), CYCLE + round), Reason::NoLeader);
        changes += ledger.write_unfired(&[unfired]).await.unwrap().len();
        before = rows;
    }
    at_work.fetch_sub(1, Ordering::SeqCst);
    changes
}

/// Reads on until nobody writes any more, a few changes at a time.
pub async fn follow(ledger: &dyn Ledger, at_work: &AtomicUsize) -> Vec<Brief> {
    let (mut after, mut told) = (0, Vec::new());
    loop {
        let done = at_work.load(Ordering::SeqCst) == 0;
        let some = ledger.changes(after, 5).await.unwrap();
        if done && some.is_empty() {
            return told;
        }
        after = some.last().map_or(after, |brief| brief.change.unwrap());
        told.extend(some);
    }
}

pub async fn who_reads_on_beside_two_writers_misses_no_change(home: &Home) {
    let at_work = Arc::new(AtomicUsize::new(2));
    let mut writing = JoinSet::new();
    for writer in 0..2 {
        writing.spawn(write_rounds(home.ledger(), writer, at_work.clone()));
    }
    let reader = home.ledger();
    let told = follow(&*reader, &at_work).await;
    let changes: usize = writing.join_all().await.into_iter().sum();
    let amended = usize::try_from((ROUNDS - 1) * 2 * 2).unwrap();
    let rows = usize::try_from((BATCH + 1) * ROUNDS * 2).unwrap();
    assert_eq!(changes, rows + amended);

    assert!(told.is_sorted_by(|a, b| a.change < b.change), "each number once, in order");
    let latest = reader.latest_change().await.unwrap();
    assert_eq!(told.last().unwrap().change, Some(latest));
    let seen: BTreeMap<TestId, Brief> = told.into_iter().map(|brief| (brief.test_id, brief)).collect();
    let now = reader.briefs((edge(CYCLE), before_all()), None, i64::MAX).await.unwrap();
    assert_eq!((now.len(), seen.len()), (rows, rows));
    for brief in now {
        assert_eq!(seen[&brief.test_id], brief, "the last that was told of it is what it is now");
    }
}

/// Those who wait for what this connection has locked.
const WAITING: &str =
    "SELECT pid::text FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))";

async fn somebody_waits(home: &Home) {
    let waiting = async {
        while home.texts(WAITING).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(15), waiting).await.expect("somebody waits");
}

/// Of PostgreSQL alone: SQLite lets one write at a time anyway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_is_seen_before_a_lower_one_and_no_claim_waits_for_them() {
    let home = Home::postgres().await;
    let ledger = home.ledger();
    write_passed(&*ledger, test("p", CYCLE)).await;
    // Somebody has taken number 2 and has not committed yet.
    let take = format!("UPDATE canary_change_feed SET last_change = 2 WHERE canary = '{CANARY}'");
    home.execute(&format!("BEGIN; {take}")).await;
    let (judge, row) = (home.ledger(), with_outcome(test("p", CYCLE + 1), Outcome::Passed));
    let (id, mut writing) = (row.facts.test.test_id, JoinSet::new());
    writing.spawn(async move { judge.record(&[row]).await.unwrap() });
    somebody_waits(&home).await;
    ledger.claim(&test("p", CYCLE + 2)).await.unwrap();
    assert_eq!(home.texts(WAITING).await.len(), 1, "the judge waits still, and the claim did not");
    assert_eq!(told(&*ledger, 1).await, []);
    home.execute("COMMIT").await;
    assert_eq!(writing.join_all().await[0].len(), 1);
    assert_eq!(told(&*ledger, 1).await, [(id, 3, 1)]);
}

/// Of PostgreSQL alone, as above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_that_raced_with_its_claim_has_a_number() {
    let home = Home::postgres().await;
    let ledger = home.ledger();
    // The claim is under way when the judge looks, and there when the judge inserts.
    let claimed = test("p", CYCLE);
    ledger.claim(&claimed).await.unwrap();
    home.execute(
        "CREATE TABLE kept AS TABLE canary_test_results; TRUNCATE canary_test_results; BEGIN;
         INSERT INTO canary_test_results TABLE kept",
    )
    .await;
    let (judge, row) = (home.ledger(), with_outcome(claimed, Outcome::Passed));
    let id = row.facts.test.test_id;
    let mut writing = JoinSet::new();
    writing.spawn(async move { judge.record(&[row]).await.unwrap() });
    somebody_waits(&home).await;
    home.execute("COMMIT").await;
    assert_eq!(writing.join_all().await[0][0].before, Some(Outcome::Pending));
    let told = told(&*ledger, 0).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].0, told[0].2), (id, 1));
    assert_eq!(told[0].1, ledger.latest_change().await.unwrap());
}
