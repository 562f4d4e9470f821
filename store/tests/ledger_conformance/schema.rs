//! Migrations, and what the schema allows.

use canary_domain::{Backend, FireStatus, Hold, HoldKind, LatencyBasis, Origin, Outcome, Reason};
use canary_store::{Ledger, StoreError};
use tokio::task::JoinSet;

use crate::fixtures::{
    CYCLE, at, because, fired_by_hand, judged, not_fired, passed, row, seen, test, with_outcome,
};
use crate::home::Home;

pub async fn migrating_twice_and_at_once_is_safe(home: &Home) {
    home.ledger().migrate().await.unwrap();
    for _ in 0..3 {
        let fresh = home.another();
        migrate_at_once(&fresh).await;
        fresh.ledger().ping().await.unwrap();
    }
}

async fn migrate_at_once(home: &Home) {
    let mut migrating = JoinSet::new();
    for _ in 0..4 {
        let ledger = home.ledger();
        migrating.spawn(async move { ledger.migrate().await });
    }
    for done in migrating.join_all().await {
        done.unwrap();
    }
}

pub async fn an_empty_database_does_not_answer_a_ping(home: &Home) {
    home.ledger().ping().await.unwrap();
    let empty = home.another();
    let error = empty.ledger().ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    assert!(error.to_string().contains("run `canary migrate`"), "{error}");
    home.execute("UPDATE canary_migrations SET success = false WHERE version > 1").await;
    let error = home.ledger().ping().await.unwrap_err().to_string();
    assert!(error.contains("it has schema 1"), "{error}");
}

async fn judge(ledger: &dyn Ledger, verdict: canary_domain::Verdict, facts: canary_domain::Facts) {
    let id = facts.test.test_id;
    ledger.record(&[judged(facts, Some(verdict.clone()))]).await.unwrap();
    let row = row(ledger, id).await;
    assert_eq!(
        (row.outcome, row.reason, row.latency_basis),
        (verdict.outcome, verdict.reason, verdict.latency_basis)
    );
}

pub async fn every_word_of_the_domain_is_allowed_by_the_checks(home: &Home) {
    let ledger = home.ledger();
    for reason in Reason::ALL {
        let facts = seen(fired_by_hand("p"));
        let verdict = because(&facts, *reason);
        judge(&*ledger, verdict, facts).await;
    }
    let outcomes = [Outcome::Passed, Outcome::Late].into_iter();
    for (outcome, basis) in outcomes.zip([LatencyBasis::Observed, LatencyBasis::EventTime]) {
        let facts = seen(fired_by_hand("p"));
        let verdict = canary_domain::Verdict { outcome, latency_basis: Some(basis), ..passed(&facts) };
        judge(&*ledger, verdict, facts).await;
    }
    for backend in Backend::ALL {
        for origin in [Origin::Probe, Origin::Fire] {
            let test = canary_domain::Test { backend: *backend, origin, ..fired_by_hand("p") };
            ledger.claim(&test).await.unwrap();
            assert_eq!(row(&*ledger, test.test_id).await.facts.test, test);
        }
    }
    for status in [FireStatus::Accepted, FireStatus::Rejected, FireStatus::Unavailable, FireStatus::Timeout] {
        let mut facts = seen(fired_by_hand("p"));
        facts.answer.as_mut().unwrap().status = status;
        let verdict = because(&facts, Reason::Timeout);
        judge(&*ledger, verdict, facts).await;
    }
    for kind in [HoldKind::Pause, HoldKind::Maintenance] {
        ledger
            .place_hold(&Hold { kind, path: None, from: at(0), until: None }, "alice", "drill")
            .await
            .unwrap();
    }
}

pub async fn migrations_leave_rows_that_are_there_alone(home: &Home) {
    // As a program of the first migration alone left it: with rows, and without what came later.
    let test = test("p", CYCLE);
    let ledger = home.ledger();
    ledger.claim(&test).await.unwrap();
    let unfired = not_fired(crate::fixtures::test("p", CYCLE + 1), Reason::Paused);
    ledger.write_unfired(std::slice::from_ref(&unfired)).await.unwrap();
    for table in [
        "canary_hourly",
        "canary_audit",
        "canary_annotations",
        "canary_holds",
        "canary_slot_key",
        "canary_export_cursor",
        "canary_change_feed",
        "canary_evidence",
        "canary_webhook_cursor",
        "canary_webhook_paths",
        "canary_webhook_notices",
    ] {
        home.execute(&format!("DROP TABLE {table}")).await;
    }
    if matches!(home, Home::Postgres { .. }) {
        home.execute("DROP FUNCTION canary_number_change CASCADE").await;
    }
    home.execute("DROP INDEX canary_test_results_changes").await;
    home.execute("ALTER TABLE canary_test_results DROP COLUMN change_id").await;
    home.execute("DELETE FROM canary_migrations WHERE version > 1").await;
    assert!(ledger.ping().await.is_err());

    migrate_at_once(home).await;
    ledger.ping().await.unwrap();
    assert_eq!(row(&*ledger, test.test_id).await.facts.test, test);
    assert_eq!(row(&*ledger, unfired.test.test_id).await.outcome, Outcome::Skipped);
    assert_eq!(ledger.roll_up(at(0)).await.unwrap(), 1, "old rows are rolled up into the new table");

    assert_eq!((ledger.latest_change().await.unwrap(), ledger.changes(0, 9).await.unwrap()), (0, vec![]));
    let verdicts = [test, unfired.test].map(|test| with_outcome(test, Outcome::Passed));
    assert_eq!(
        ledger.record(&verdicts).await.unwrap().len(),
        2,
        "both are news, and in the feed from now on"
    );
    let told: Vec<_> =
        ledger.changes(0, 9).await.unwrap().iter().map(|brief| (brief.change, brief.revision)).collect();
    assert_eq!(told, [(Some(1), 1), (Some(2), 2)]);
}

pub async fn of_several_open_pauses_of_a_path_the_earliest_outlives_the_migration(home: &Home) {
    let ledger = home.ledger();
    if matches!(home, Home::Postgres { .. }) {
        home.execute("DROP FUNCTION canary_number_change CASCADE").await;
    }
    for table in
        ["canary_evidence", "canary_webhook_cursor", "canary_webhook_paths", "canary_webhook_notices"]
    {
        home.execute(&format!("DROP TABLE {table}")).await;
    }
    home.execute("DROP INDEX canary_holds_open_pause").await;
    home.execute("ALTER TABLE canary_holds DROP COLUMN ended_at").await;
    home.execute("DELETE FROM canary_migrations WHERE version > 6").await;
    let holds = [("p", 20), ("p", 10), ("p", 10), ("q", 30)];
    for (path, from) in holds {
        let from = canary_domain::iso(at(from));
        home.execute(&format!(
            "INSERT INTO canary_holds (canary, kind, path, from_at, until_at, actor, reason)
             VALUES ('prod', 'pause', '{path}', '{from}', NULL, 'alice', 'drill')"
        ))
        .await;
    }
    migrate_at_once(home).await;
    let pause = |path: &str, from| Hold {
        kind: HoldKind::Pause,
        path: Some(path.to_owned()),
        from: at(from),
        until: None,
    };
    assert_eq!(ledger.holds(at(0)).await.unwrap(), [pause("p", 10), pause("q", 30)]);
}

/// Design §5, word for word, and what §13 and the facts need beyond it.
const COLUMNS: &str = "test_id canary path backend source_frame dest_frame cycle term sender receiver amount \
    transfer_id registered_at fired_at accepted_at fire_status fire_code tokens_xfer_seen_at fee_collected_seen_at \
    cf_initiated_seen_at cf_settled_local_seen_at cf_settled_remote_seen_at cf_refunded_seen_at stamps completed_at \
    deadline_at decided_as_of judged_at outcome failure_signal missing_stages total_latency_ms latency_basis \
    clock_error_ms revision origin period_ms deadline_ms watch_ms fired_error_us answered_at fire_error withheld \
    mismatch landed judge_term change_id";

pub async fn the_table_lists_its_columns_in_the_designs_order(home: &Home) {
    let names = match home {
        Home::Postgres { .. } => {
            let unexplained = home
                .texts(
                    "SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class c
                         ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relname LIKE 'canary\\_%'
                     WHERE a.attnum > 0 AND c.relname <> 'canary_migrations'
                         AND col_description(a.attrelid, a.attnum) IS NULL",
                )
                .await;
            assert_eq!(unexplained, []);
            "SELECT attname::text FROM pg_attribute
             WHERE attrelid = 'canary_test_results'::regclass AND attnum > 0 ORDER BY attnum"
        }
        Home::Sqlite { .. } => "SELECT name FROM pragma_table_info('canary_test_results') ORDER BY cid",
    };
    let names: Vec<String> = home.texts(names).await.into_iter().flatten().collect();
    assert_eq!(names, COLUMNS.split_whitespace().collect::<Vec<_>>());
}
