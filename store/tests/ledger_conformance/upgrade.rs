//! A rolling upgrade on PostgreSQL: what an instance of an older version writes beside this one. (One process has a file.)

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use canary_domain::TestId;
use canary_store::{Brief, Filter};
use tokio::task::JoinSet;

use crate::feed::{follow, told, write_rounds};
use crate::fixtures::{CYCLE, test, write_passed};
use crate::home::{CANARY, Home};

/// As an instance of before schema 5 writes: its statements know no numbers.
async fn as_an_older_judge(home: &Home, statement: &str) {
    let turn = format!("pg_advisory_xact_lock(hashtextextended('canary_test_results {CANARY}', 0))");
    home.execute(&format!("BEGIN; SELECT {turn}; {statement}; COMMIT")).await;
}

fn amending(which: &str) -> String {
    format!("UPDATE canary_test_results SET outcome = 'late', revision = revision + 1 WHERE {which}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_judge_writes_is_numbered_by_the_database() {
    let home = Home::postgres().await;
    let ledger = home.ledger();
    let known = write_passed(&*ledger, test("p", CYCLE)).await;
    let claimed = test("p", CYCLE + 1);
    ledger.claim(&claimed).await.unwrap();
    as_an_older_judge(&home, &amending("revision = 0")).await;
    assert_eq!(told(&*ledger, 1).await, [(claimed.test_id, 2, 1)], "a first verdict");
    as_an_older_judge(&home, &amending(&format!("test_id = '{known}'"))).await;
    assert_eq!(told(&*ledger, 2).await, [(known, 3, 2)], "an amendment");

    let noted = "UPDATE canary_test_results SET judge_term = 9, term = 8";
    as_an_older_judge(&home, noted).await;
    ledger.claim(&test("p", CYCLE + 2)).await.unwrap();
    let facts = "UPDATE canary_test_results SET transfer_id = 't' WHERE revision = 0";
    as_an_older_judge(&home, facts).await;
    assert_eq!(ledger.latest_change().await.unwrap(), 3, "what is no change gets no number");

    let again = "CREATE TABLE kept AS SELECT * FROM canary_test_results;
        UPDATE kept SET change_id = NULL; DELETE FROM canary_test_results;
        INSERT INTO canary_test_results SELECT * FROM kept ORDER BY registered_at";
    as_an_older_judge(&home, again).await;
    assert_eq!(told(&*ledger, 3).await, [(known, 4, 2), (claimed.test_id, 5, 1)], "rows that were not there");
    let next = write_passed(&*ledger, test("p", CYCLE + 3)).await;
    assert_eq!(
        told(&*ledger, 5).await,
        [(next, 6, 1)],
        "and one that numbers them itself goes on from there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_on_beside_an_older_judge_misses_no_change() {
    let home = Home::postgres().await;
    let at_work = Arc::new(AtomicUsize::new(2));
    let mut writing = JoinSet::new();
    writing.spawn(write_rounds(home.ledger(), 0, at_work.clone()));
    let theirs = async {
        let ledger = home.ledger();
        for cycle in CYCLE..CYCLE + 40 {
            ledger.claim(&test("theirs", cycle)).await.unwrap();
            // Its own row, and some of its successor's.
            let some =
                format!("path = 'theirs' AND cycle = {cycle} OR path = 'p0' AND cycle % 5 = {cycle} % 5");
            as_an_older_judge(&home, &amending(&some)).await;
        }
        at_work.fetch_sub(1, Ordering::SeqCst);
    };
    let reader = home.ledger();
    let (told, ()) = tokio::join!(follow(&*reader, &at_work), theirs);
    writing.join_all().await;
    assert!(told.is_sorted_by(|a, b| a.change < b.change), "each number once, in order");
    assert_eq!(told.last().unwrap().change, Some(reader.latest_change().await.unwrap()));
    let seen: BTreeMap<TestId, Brief> = told.into_iter().map(|brief| (brief.test_id, brief)).collect();
    let now = reader.results(&Filter::default(), None, 10_000).await.unwrap().rows;
    assert_eq!(now.len(), seen.len());
    for row in now {
        let last = &seen[&row.facts.test.test_id];
        assert_eq!(
            (last.revision, last.outcome),
            (row.revision, row.outcome),
            "the last that was told of it"
        );
    }
}
