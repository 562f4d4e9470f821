//! The most that a console has to bear: 30 paths, a slot a second, and parts of the ledger that fail.

use std::sync::Arc;
use std::time::Duration;

use canary_console::{Plan, PlannedPath};
use canary_domain::{Backend, Cadence, Outcome};
use canary_store::{Ledger, MemoryBoard};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::past::{Past, ago, cycle, now, test, until};
use crate::stand::{API, Stand, plan};

const PATHS: usize = 30;
const HOUR: i64 = 3_600;
/// Two hours and a half: the hour that goes on is half over.
const ROWS: i64 = HOUR * 5 / 2;

/// A slot of each path each second, passed but for every tenth.
const SEED: &str = "INSERT INTO canary_test_results (test_id, canary, path, backend, source_frame, dest_frame, cycle,
    period_ms, term, sender, receiver, amount, registered_at, deadline_ms, watch_ms, origin, outcome, failure_signal,
    total_latency_ms, judged_at, revision, change_id)
    SELECT gen_random_uuid(), 'test', 'p-' || path, 'intra', 'a', 'a', cycle, 1000, 1, 'x', 'y', 0.01,
        to_timestamp(cycle) + interval '10 ms', 5000, 60000, 'schedule',
        CASE WHEN cycle % 10 = 0 THEN 'failed' ELSE 'passed' END,
        CASE WHEN cycle % 10 = 0 THEN 'timeout' END,
        CASE WHEN cycle % 10 <> 0 THEN 100 + cycle % 50 END, to_timestamp(cycle) + interval '2 s', 1,
        (cycle - $1 - 1) * 30 + path
    FROM generate_series($1 + 1, $2) AS cycle, generate_series(1, 30) AS path";

fn busy() -> Plan {
    let one = plan().paths.remove(0);
    let path = |number| PlannedPath { name: format!("p-{number}"), ..one.clone() };
    let cadence = Cadence::new(Duration::from_secs(1), Duration::ZERO).unwrap();
    Plan { cadence, paths: (1..=PATHS).map(path).collect(), ..plan() }
}

/// A test of a second's slot.
fn slot(path: &str, at: canary_domain::Moment) -> canary_domain::Test {
    let (cycle, period_ms) = (Some(at.timestamp()), Some(1_000));
    canary_domain::Test { path: path.into(), cycle, period_ms, ..test(Backend::Intra, at) }
}

#[tokio::test]
async fn a_slot_a_second_on_thirty_paths_is_shown_and_goes_on() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let sql = PgPool::connect(&past.url).await?;
    let last = now().timestamp();
    let seeded = sqlx::query(SEED).bind(last - ROWS).bind(last).execute(&sql).await?.rows_affected();
    assert_eq!(seeded, 270_000);
    sqlx::query("INSERT INTO canary_change_feed VALUES ('test', $1)").bind(ROWS * 30).execute(&sql).await?;
    let (board, folder) = (Arc::new(MemoryBoard::new()), tempfile::tempdir()?);
    let ledger: Arc<dyn Ledger> = Arc::clone(&past.ledger);
    let stand = Stand::planned(busy(), board, ledger, folder).await?;
    let board = until(&stand, API, |board| board["canary"] == "test").await?;
    let window = |board: &Value| {
        let window = &board["paths"][29]["windows"]["1h"];
        [&window["passed"], &window["failed"], &window["pending"]].map(|count| count.as_i64().unwrap())
    };
    assert_eq!(window(&board), [HOUR * 9 / 10, HOUR / 10, 0]);
    assert_eq!(board["windows"]["1h"]["passed"], HOUR * 9 / 10 * 30);
    let cycles = stand.json(&format!("{API}/cycles"), 200).await?;
    assert_eq!(cycles["cycles"].as_array().unwrap().len(), 720, "as many as a page can show");
    assert_eq!(cycles["cycles"][719]["slots"].as_object().unwrap().len(), PATHS);
    assert_eq!(stand.get("/status.json").await?.status(), 200);
    let trend = stand.json(&format!("{API}/trend?days=1"), 200).await?;
    assert_eq!(trend["paths"][0]["slots"][23], HOUR / 2 + 1, "{}", trend["paths"][0]);

    *stand.world.now.lock().unwrap() = now() + TimeDelta::seconds(1);
    let next = slot("p-30", now() + TimeDelta::seconds(1));
    past.test(next.clone(), Outcome::Pending).await?;
    until(&stand, API, |board| window(board) == [HOUR * 9 / 10 - 1, HOUR / 10, 1]).await?;
    past.test(next, Outcome::Passed).await?;
    until(&stand, API, |board| window(board) == [HOUR * 9 / 10, HOUR / 10, 0]).await?;
    Ok(())
}

#[tokio::test]
async fn a_part_of_the_ledger_that_fails_holds_up_no_verdict() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(1), Outcome::Passed).await?;
    past.roll_up().await?;
    let stand = past.console().await?;
    let sql = PgPool::connect(&past.url).await?;
    sqlx::query("ALTER TABLE canary_hourly RENAME TO gone").execute(&sql).await?;
    // In the next hour all is read again.
    let later = now() + TimeDelta::minutes(40);
    *stand.world.now.lock().unwrap() = later;
    past.slot(Backend::Intra, later - TimeDelta::minutes(1), Outcome::Failed).await?;
    past.slot(Backend::Intra, later, Outcome::Pending).await?;
    let hour = |board: &Value| ["passed", "failed", "pending"].map(|of| board["windows"]["1h"][of].clone());
    let board = until(&stand, API, |board| hour(board) == [json!(1), json!(1), json!(1)]).await?;
    assert_eq!(board["as_of"], "2026-11-21T02:10:00.000000Z");
    let cycles = stand.json(&format!("{API}/cycles"), 200).await?;
    assert_eq!(cycles["cycles"][0]["cycle"], cycle(later));
    assert_eq!(cycles["cycles"][0]["slots"]["p-intra"]["outcome"], "pending");
    // What came into the rollup meanwhile is there once that can be read.
    past.slot(Backend::TwoPc, ago(300), Outcome::Passed).await?;
    sqlx::query("ALTER TABLE gone RENAME TO canary_hourly").execute(&sql).await?;
    past.roll_up().await?;
    until(&stand, API, |board| board["windows"]["24h"]["passed"] == 2).await?;
    Ok(())
}
