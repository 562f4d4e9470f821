//! History for the ledger: what a month of production would have left, by SQL.
//!
//! Nothing is random: dice are hashes of path and cycle, so that every run asks the same questions of the same rows. Mostly
//! passed, some of everything else, and now and then an hour in which a backend breaks or everything is in maintenance.

use canary_store::{Ledger, PostgresLedger};
use canary_tests::{Deployment, Route};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgPool;

use crate::{PERIOD, days};

const DAY_CYCLES: i64 = 24 * 60;
const ROWS: &str = include_str!("rows.sql");
const FEED: &str = "INSERT INTO canary_change_feed (canary, last_change) VALUES ($1, $2)";

/// Writes the rows of all slots from 30 days ago until now, a day at a time; answers how many.
pub(crate) async fn rows(pool: &PgPool, canary: &str, routes: &[Route]) -> i64 {
    let paths: Vec<_> = routes
        .iter()
        .enumerate()
        .map(|(number, Route { name, backend, from, to })| {
            json!({"number": number, "name": name, "backend": backend, "sender": from, "receiver": to})
        })
        .collect();
    let paths = json!(paths);
    let (now,): (DateTime<Utc>,) = sqlx::query_as("SELECT now()").fetch_one(pool).await.unwrap();
    let this_cycle = now.timestamp() / i64::try_from(PERIOD.as_secs()).unwrap();
    let mut written = 0_i64;
    for day in (0..days()).rev() {
        let last = this_cycle - 2 - day * DAY_CYCLES;
        let insert = sqlx::query(ROWS).bind(canary).bind(&paths).bind(last - DAY_CYCLES + 1).bind(last);
        let done = insert.bind(written).execute(pool).await.unwrap();
        written += i64::try_from(done.rows_affected()).unwrap();
    }
    sqlx::query(FEED).bind(canary).bind(written).execute(pool).await.unwrap();
    written
}

/// Rolls all hours up as the judge does, after the server has looked at the rows, as it would have long ago; answers how
/// many hours of paths.
pub(crate) async fn hours(stage: &Deployment) -> u64 {
    let url = std::fs::read_to_string(stage.folder().join("postgres.url")).unwrap();
    let ledger = PostgresLedger::connect(&url.into(), stage.name()).unwrap();
    sqlx::raw_sql("VACUUM (ANALYZE) canary_test_results").execute(stage.sql()).await.unwrap();
    let hours = ledger.roll_up(DateTime::UNIX_EPOCH).await.unwrap();
    sqlx::raw_sql("VACUUM (ANALYZE) canary_hourly").execute(stage.sql()).await.unwrap();
    hours
}
