//! The commands that change past rows on order, on both ledgers: `rejudge` and `prune`.

use std::path::Path;
use std::time::Duration;

use canary_store::wall;
use canary_tests::{Deployment, Ended, Plan, Process, Route, run, until};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::{PgPool, SqlitePool};

/// As short as deadline and `blind_after` let it be.
const WATCH: Duration = Duration::from_secs(12);
/// Rows whose watch has to be over.
const CLOSED: usize = 3;

/// Where the rows are.
enum Books {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl Books {
    /// One text of each row found; none while there is no table.
    async fn texts(&self, sql: &'static str) -> Vec<String> {
        let found = match self {
            Self::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
            Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await,
        };
        found.unwrap_or_default()
    }

    async fn change(&self, sql: &'static str) -> u64 {
        match self {
            Self::Postgres(pool) => sqlx::query(sql).execute(pool).await.unwrap().rows_affected(),
            Self::Sqlite(pool) => sqlx::query(sql).execute(pool).await.unwrap().rows_affected(),
        }
    }

    /// When the passed rows were registered, oldest first.
    async fn passed(&self) -> Vec<DateTime<Utc>> {
        let sql = match self {
            Self::Postgres(_) => {
                "SELECT to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') \
                 FROM canary_test_results WHERE outcome = 'passed' ORDER BY registered_at"
            }
            Self::Sqlite(_) => {
                "SELECT registered_at FROM canary_test_results WHERE outcome = 'passed' ORDER BY registered_at"
            }
        };
        self.texts(sql).await.into_iter().map(|text| text.parse().unwrap()).collect()
    }
}

fn plan() -> Plan {
    let routes = Route::named(&["a-intra"]);
    Plan { routes, watch: WATCH, blind_after: Duration::from_secs(5), ..Plan::default() }
}

/// Some rows of slots, whose watch is over once the canary has ended.
async fn wait_for_closed(books: &Books) {
    until("rows whose watch is over", 90, async || {
        let over = wall() - WATCH - TimeDelta::seconds(1);
        books.passed().await.iter().filter(|at| **at < over).count() >= CLOSED
    })
    .await;
}

#[test]
fn past_rows_are_judged_again_and_pruned_on_postgres() {
    run(async {
        let stage = Deployment::start(plan()).await;
        let mut canary = stage.launch_ready().await;
        let books = Books::Postgres(stage.sql().clone());
        wait_for_closed(&books).await;
        canary.terminate().await;
        rejudge(&stage, "canary.toml", &books).await;
        prune(&stage, "canary.toml", &books).await;
    });
}

#[test]
fn past_rows_are_judged_again_and_pruned_on_sqlite() {
    run(async {
        let stage = Deployment::start(plan()).await;
        let file = stage.folder().join("embedded.db");
        embed(&stage, &file);
        let config = stage.folder().join("embedded.toml");
        let mut canary = Process::spawn(&["run", "--config", config.to_str().unwrap()]);
        until("the ledger's file", 60, async || file.exists()).await;
        let pool = SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        let books = Books::Sqlite(pool);
        wait_for_closed(&books).await;
        canary.terminate().await;
        rejudge(&stage, "embedded.toml", &books).await;
        prune(&stage, "embedded.toml", &books).await;
    });
}

/// Writes `embedded.toml`: the same canary without Redis and PostgreSQL.
fn embed(stage: &Deployment, ledger: &Path) {
    let text = std::fs::read_to_string(stage.folder().join("canary.toml")).unwrap();
    let (before, rest) = text.split_once("[redis]\n").unwrap();
    let (_, after) = rest.split_once("[frames.a]\n").unwrap();
    stage.write("embedded.toml", &format!("{before}[embedded]\npath = {ledger:?}\n\n[frames.a]\n{after}"));
}

async fn rejudge(stage: &Deployment, file: &str, books: &Books) {
    let same = stage.canary_on(file, &["rejudge", "--since", "1h"]).await;
    assert_eq!(same.code(), Some(0), "{}{}", same.stdout, same.stderr);
    assert!(same.stdout.contains("every row has the verdict"), "{}", same.stdout);

    // What another version's rules may have said.
    let changed = books
        .change(
            "UPDATE canary_test_results SET outcome = 'failed', failure_signal = 'timeout' WHERE registered_at = \
             (SELECT min(registered_at) FROM canary_test_results WHERE outcome = 'passed')",
        )
        .await;
    assert_eq!(changed, 1);
    let passed = books.passed().await.len();
    let dry = stage.canary_on(file, &["rejudge", "--since", "1h"]).await;
    assert_eq!(dry.code(), Some(1), "{}{}", dry.stdout, dry.stderr);
    for word in ["failed/timeout", "passed", "a-intra", "--write"] {
        assert!(dry.stdout.contains(word), "`{word}` is not in {}", dry.stdout);
    }
    assert_eq!(books.passed().await.len(), passed, "nothing was written");

    let written = stage.canary_on(file, &["rejudge", "--since", "1h", "--write"]).await;
    assert_eq!(written.code(), Some(0), "{}{}", written.stdout, written.stderr);
    assert!(written.stdout.contains("amended   1 rows"), "{}", written.stdout);
    assert!(written.stderr.contains("100 %  judged"), "{}", written.stderr);
    assert_eq!(books.passed().await.len(), passed + 1);
    let revised = "SELECT outcome FROM canary_test_results WHERE registered_at = \
                   (SELECT min(registered_at) FROM canary_test_results) AND revision > 1";
    assert_eq!(books.texts(revised).await, ["passed"], "an amendment has the next revision");
    let audit = "SELECT action || ' by ' || actor || ': ' || detail FROM canary_audit";
    let trail = books.texts(audit).await;
    assert!(trail[0].starts_with("rejudge by command line: 1 rows since "), "{trail:?}");
    assert_eq!(stage.canary_on(file, &["rejudge", "--since", "1h"]).await.code(), Some(0));
}

async fn prune(stage: &Deployment, file: &str, books: &Books) {
    let rows = books.passed().await;
    let before = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let young = stage.canary_on(file, &["prune", "--before", &before(wall())]).await;
    assert_eq!(young.code(), Some(64), "{}{}", young.stdout, young.stderr);
    assert!(young.stderr.contains("younger than the watch"), "{}", young.stderr);
    let no_date = stage.canary_on(file, &["prune", "--before", "yesterday"]).await;
    assert_eq!(no_date.code(), Some(64), "{}", no_date.stderr);
    assert!(no_date.stderr.contains("2026-10-01"), "{}", no_date.stderr);
    assert_eq!(books.passed().await, rows);

    let nothing = stage.canary_on(file, &["prune", "--before", "2026-01-01"]).await;
    assert_eq!(told(&nothing), "deleted   0 rows");
    let done = stage.canary_on(file, &["prune", "--before", &before(rows[2])]).await;
    assert_eq!(told(&done), "deleted   2 rows", "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("100 %  deleted 2 rows"), "{}", done.stderr);
    assert_eq!(books.passed().await, rows[2..]);
    let counted = "SELECT CAST(sum(passed) AS text) FROM canary_hourly";
    assert_eq!(books.texts(counted).await, [rows.len().to_string()], "the rollups stay whole");
}

fn told(ended: &Ended) -> &str {
    assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
    ended.stdout.split(" registered").next().unwrap_or_default()
}
