//! `GET /`: what comes from the board, and what is shown while board or ledger is away.

use std::sync::Arc;

use canary_domain::{EventType, Moment, Role};
use canary_store::{
    AgentState, Board, Ledger, MemoryBoard, PostgresLedger, ReactorState, RedisBoard, SqliteLedger,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::figures::path;
use crate::past::{Past, ago, now, until};
use crate::stand::{API, Stand, local};
use crate::trace::Log;

fn reactor(node: &str) -> ReactorState {
    ReactorState {
        frame: "a".into(),
        event_type: EventType::TokensTransferred,
        node: node.into(),
        position: Some(77),
        covered: Some(canary_domain::Interval { from: ago(9), until: ago(1) }),
        connected: true,
        last_event_at: None,
        events_total: 1_000,
        matched_total: 3,
        reconnects_total: 2,
    }
}

async fn on_board(board: Arc<dyn Board>) -> anyhow::Result<Stand> {
    let past = Past::begin().await?;
    board.acquire(Role::Runner, &"node-1".into(), std::time::Duration::from_secs(60)).await?;
    let runway = Some(std::time::Duration::from_secs(86_400));
    let agent = AgentState { agent: "alpha".into(), balance: "12.50".parse()?, runway, at: ago(2) };
    board.save_agent(&agent).await?;
    for node in ["node-2", "node-1"] {
        board.save_reactor(&reactor(node)).await?;
    }
    let stand = Stand::over(board, past.ledger, local(), tempfile::tempdir()?).await?;
    until(&stand, API, |board| board["canary"] == "test").await?;
    Ok(stand)
}

#[tokio::test]
async fn leaders_balances_and_reactors_come_from_the_board() -> anyhow::Result<()> {
    let stand = on_board(Arc::new(MemoryBoard::new())).await?;
    let board = stand.json(API, 200).await?;
    assert_eq!((&board["board"], &board["leaders"][0]["node"]), (&json!("available"), &json!("node-1")));
    assert!(board["leaders"][0]["term"].as_i64().unwrap() > 0);
    assert_eq!(board["leaders"][1], json!({ "role": "judge", "node": null, "term": null }));
    assert_eq!(board["leaders"][2], Value::Null, "nobody leads an export that is not set up");
    assert_eq!(
        path(&board, "p-intra")["agent"],
        json!({ "name": "alpha", "balance": "12.5", "runway_seconds": 86_400, "at": "2026-11-21T01:28:00.000000Z" })
    );
    assert_eq!(board["next_fire_at"], "2026-11-21T01:30:03.333333Z");
    let told = stand.json(&format!("{API}/reactors"), 200).await?;
    assert_eq!(
        told["reactors"][0],
        json!({
            "frame": "a", "event_type": "TokensTransferred", "node": "node-1", "connected": true, "position": 77,
            "covered_since": "2026-11-21T01:21:00.000000Z", "covered_until": "2026-11-21T01:29:00.000000Z",
            "last_event_at": null, "events_total": 1_000, "matched_total": 3, "reconnects_total": 2
        })
    );
    assert_eq!((&told["reactors"][1]["node"], &told["board"]), (&json!("node-2"), &json!("available")));
    Ok(())
}

#[tokio::test]
async fn a_board_that_is_away_leaves_its_part_empty_and_the_rest_as_it_is() -> anyhow::Result<()> {
    let mut redis = canary_test_servers::Redis::start()?;
    let stand = on_board(Arc::new(RedisBoard::connect(&redis.url().into(), String::new())?)).await?;
    assert_eq!(stand.json(API, 200).await?["leaders"][0]["node"], "node-1");
    redis.stop()?;
    let board = until(&stand, API, |board| board["board"] == "unavailable").await?;
    assert_eq!(
        (&board["leaders"][0]["node"], &board["leaders"][0]["role"]),
        (&Value::Null, &json!("runner"))
    );
    assert_eq!(
        path(&board, "p-intra")["agent"],
        json!({ "name": "alpha", "balance": null, "runway_seconds": null, "at": null })
    );
    let told = stand.json(&format!("{API}/reactors"), 200).await?;
    assert_eq!((&told["reactors"], &told["board"]), (&json!([]), &json!("unavailable")));
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_is_away_leaves_the_picture_as_it_was_and_says_since_when() -> anyhow::Result<()> {
    let mut postgres = canary_test_servers::Postgres::start()?;
    let ledger = Arc::new(PostgresLedger::connect(&postgres.create_database()?.into(), "test")?);
    let stand = Stand::over(Arc::new(MemoryBoard::new()), ledger, local(), tempfile::tempdir()?).await?;
    until(&stand, API, |board| board["canary"] == "test").await?;
    postgres.stop()?;
    let later: Moment = now() + TimeDelta::minutes(5);
    *stand.world.now.lock().unwrap() = later;
    let board = stand.json(API, 200).await?;
    assert_eq!(
        (&board["now"], &board["as_of"]),
        (&json!("2026-11-21T01:35:00.000000Z"), &json!("2026-11-21T01:30:00.000000Z"))
    );
    postgres.restart()?;
    until(&stand, API, |board| board["as_of"] == "2026-11-21T01:35:00.000000Z").await?;
    Ok(())
}

#[tokio::test]
async fn until_the_ledger_was_read_there_is_nothing_to_show() -> anyhow::Result<()> {
    let mut postgres = canary_test_servers::Postgres::start()?;
    let ledger = Arc::new(PostgresLedger::connect(&postgres.create_database()?.into(), "test")?);
    // The stand migrates; the console meets a ledger that is away.
    let stand = {
        ledger.migrate().await?;
        postgres.stop()?;
        Stand::over_migrated(Arc::new(MemoryBoard::new()), ledger, local(), tempfile::tempdir()?).await?
    };
    for path in ["", "/cycles", "/trend", "/stream"] {
        let told = stand.problem(&format!("{API}{path}"), 503).await?;
        assert_eq!(told["type"], "urn:canary:problem:starting", "{path}");
    }
    for path in ["/status", "/status.json", "/badge/p-intra.svg"] {
        stand.problem(path, 503).await?;
    }
    stand.json(&format!("{API}/about"), 200).await?;
    stand.json(&format!("{API}/reactors"), 200).await?;
    postgres.restart()?;
    until(&stand, API, |board| board["canary"] == "test").await?;
    Ok(())
}

#[tokio::test]
async fn a_schema_that_is_behind_is_waited_for_and_named_to_those_who_are_signed_in() -> anyhow::Result<()> {
    let (log, _logging) = Log::begin();
    let folder = tempfile::tempdir()?;
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), "test")?);
    let board = Arc::new(MemoryBoard::new());
    let stand = Stand::over_migrated(board, Arc::clone(&ledger) as _, local(), folder).await?;
    let why = async || anyhow::Ok(stand.problem(API, 503).await?["detail"].as_str().unwrap().to_owned());
    let named = async {
        while !why().await?.contains("it has no canary schema") {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), named).await??;
    assert!(why().await?.ends_with("run `canary migrate`"), "{}", why().await?);
    for path in ["/status", "/status.json", "/badge/p-intra.svg"] {
        let told = stand.problem(path, 503).await?;
        assert_eq!(
            (&told["type"], &told["detail"]),
            (&json!("urn:canary:problem:starting"), &json!("nothing is known of the paths yet")),
            "{path}"
        );
    }
    ledger.migrate().await?;
    until(&stand, API, |board| board["canary"] == "test").await?;
    assert_eq!(
        log.lines(&[" WARN ", "canary_console::picture"]),
        0,
        "the rest of the process waits as well, and says so"
    );
    Ok(())
}
