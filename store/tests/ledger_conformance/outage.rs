//! The ledger away, frozen, closed to us, or busy: every call comes back in a few seconds, says where and why, never a
//! user or a password (I8), and works again by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::SlotKey;
use canary_store::{Claim, Ledger, PostgresLedger, Result, SqliteLedger, StoreError};
use canary_test_servers::{Postgres, shared_postgres};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::fixtures::{CYCLE, PERIOD_MS, at, test};
use crate::home::{CANARY, Home};

const USER: &str = "mallory";
const PASSWORD: &str = "s3cret-as-can-be";
/// What "a few seconds" is, with room for a loaded machine.
const SOON: Duration = Duration::from_secs(9);

fn ledger_at(url: &str) -> PostgresLedger {
    PostgresLedger::connect(&SecretString::from(url), CANARY).unwrap()
}

/// A superuser whose name and password should never be read anywhere.
fn with_login(url: &str) -> String {
    url.replace("postgres@", &format!("{USER}:{PASSWORD}@"))
}

fn assert_silent_about_the_login(error: &StoreError) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains(PASSWORD) && !text.contains(USER), "{text}");
    }
}

async fn fails_soon<T: std::fmt::Debug>(call: impl Future<Output = Result<T>>) -> StoreError {
    let error = timeout(SOON, call).await.expect("it answers soon").expect_err("it can't work");
    assert_silent_about_the_login(&error);
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_stops_and_returns_needs_no_new_connect() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_database().unwrap();
    let admin = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql("CREATE ROLE mallory LOGIN SUPERUSER").execute(&admin).await.unwrap();
    admin.close().await;
    server.stop().unwrap();

    let ledger = ledger_at(&with_login(&url));
    let asked = Instant::now();
    let error = fails_soon(ledger.ping()).await;
    assert!(error.is_unavailable(), "{error}");
    assert!(error.to_string().contains(&format!("PostgreSQL 127.0.0.1:{}/test_0", server.port())), "{error}");
    assert!(error.to_string().contains("refused") && asked.elapsed() < Duration::from_secs(1), "{error}");

    server.restart().unwrap();
    ledger.migrate().await.unwrap();
    assert_eq!(ledger.claim(&test("p", CYCLE)).await.unwrap(), Claim::Claimed);
    server.stop().unwrap();
    for _ in 0..3 {
        assert!(fails_soon(ledger.claim(&test("p", CYCLE + 1))).await.is_unavailable());
    }
    assert!(fails_soon(ledger.migrate()).await.is_unavailable());
    server.restart().unwrap();
    assert_eq!(ledger.claim(&test("p", CYCLE)).await.unwrap(), Claim::Taken, "the row outlived the crash");
    assert_eq!(ledger.claim(&test("p", CYCLE + 1)).await.unwrap(), Claim::Claimed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_ledger_answers_in_seconds_and_leaves_no_connection_behind() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_database().unwrap();
    let ledger = Arc::new(ledger_at(&url));
    ledger.migrate().await.unwrap();
    let ask_often = || {
        let mut asking = JoinSet::new();
        for _ in 0..20 {
            let ledger = ledger.clone();
            asking.spawn(async move { ledger.ping().await });
        }
        asking
    };
    for done in ask_often().join_all().await {
        done.unwrap();
    }
    server.pause().unwrap();
    // More calls than connections, twice: what one call gives up must not be waited for by the next.
    for _ in 0..2 {
        for done in timeout(SOON, ask_often().join_all()).await.unwrap() {
            assert!(done.unwrap_err().is_unavailable());
        }
    }
    server.resume().unwrap();
    for done in ask_often().join_all().await {
        done.unwrap();
    }
}

/// A login is changed in its file while the canary runs (design §6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_was_changed_is_read_again_once_the_server_refuses_the_old_one() {
    let url = shared_postgres().create_database().unwrap();
    let elsewhere = shared_postgres().create_database().unwrap();
    let file = Arc::new(Mutex::new(with_login(&url)));
    let content = Arc::clone(&file);
    let ledger =
        PostgresLedger::connect_from(move || Ok(content.lock().unwrap().clone().into()), CANARY).unwrap();
    *file.lock().unwrap() = elsewhere;
    for _ in 0..2 {
        let refused = fails_soon(ledger.ping()).await;
        assert!(
            refused.to_string().contains("login was refused"),
            "another database is not followed: {refused}"
        );
    }
    *file.lock().unwrap() = url;
    assert!(fails_soon(ledger.migrate()).await.to_string().contains("login was refused"));
    ledger.migrate().await.unwrap();
    ledger.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_will_not_pass_is_told_apart_from_what_may() {
    let server = shared_postgres();
    let url = server.create_database().unwrap();
    let debug = format!("{:?}", ledger_at(&with_login(&url)));
    assert!(!debug.contains(PASSWORD) && !debug.contains(USER) && debug.contains("127.0.0.1"), "{debug}");
    let refused = fails_soon(ledger_at(&with_login(&url)).ping()).await;
    assert!(!refused.is_unavailable() && refused.to_string().contains("login was refused"), "{refused}");
    let nowhere = fails_soon(ledger_at(&server.url("nowhere")).ping()).await;
    assert!(
        !nowhere.is_unavailable() && nowhere.to_string().contains("\"nowhere\" does not exist"),
        "{nowhere}"
    );
    let unknown = ledger_at(&url.replace("127.0.0.1", "ledger.invalid"));
    assert!(fails_soon(unknown.ping()).await.is_unavailable());
    let no_schema = fails_soon(ledger_at(&url).accounting()).await;
    assert!(!no_schema.is_unavailable(), "{no_schema}");
    for url in [format!("{USER}:{PASSWORD}"), format!("postgres://{USER}:{PASSWORD}@[::1/x"), String::new()] {
        let error = PostgresLedger::connect(&SecretString::from(url), CANARY).unwrap_err();
        assert_silent_about_the_login(&error);
        assert!(!error.is_unavailable());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_else_locks_is_given_up_in_seconds() {
    let home = Home::postgres().await;
    let ledger = home.ledger();
    ledger.slot_key(&SlotKey::random()).await.unwrap();
    home.execute("BEGIN; LOCK TABLE canary_test_results").await;
    let error = fails_soon(ledger.claim(&test("p", CYCLE))).await;
    assert!(error.is_unavailable(), "{error}");
    home.execute("ROLLBACK").await;
    assert_eq!(ledger.claim(&test("p", CYCLE)).await.unwrap(), Claim::Claimed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_that_another_process_writes_is_given_up_in_seconds_and_read_meanwhile() {
    let home = Home::sqlite().await;
    let ledger = home.ledger();
    home.execute("BEGIN IMMEDIATE").await;
    let error = fails_soon(ledger.claim(&test("p", CYCLE))).await;
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(ledger.slot_spans(PERIOD_MS).await.unwrap(), []);
    home.execute("ROLLBACK").await;
    assert_eq!(ledger.claim(&test("p", CYCLE)).await.unwrap(), Claim::Claimed);
    assert_eq!(ledger.pending(at(1), 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_sqlite_file_is_for_its_owner_alone_and_one_that_cannot_be_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::sqlite().await;
    assert_eq!(home.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let lost = home.file().join("nowhere/canary.db");
    let error = SqliteLedger::open(&lost, CANARY).unwrap_err().to_string();
    assert!(error.contains(lost.to_str().unwrap()), "{error}");
}
