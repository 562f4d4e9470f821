//! Health, readiness and metrics.

use std::sync::Arc;

use canary_console::NotReady;
use canary_store::{RedisBoard, SqliteLedger};
use serde_json::json;

use crate::on_both_ledgers;
use crate::stand::{Stand, local};

on_both_ledgers! { a_console_is_ready_once_all_is }

async fn a_console_is_ready_once_all_is(stand: Stand) -> anyhow::Result<()> {
    let part = NotReady { part: "reactor a/TokensTransferred".into(), why: "it has not subscribed".into() };
    stand.world.not_ready.lock().unwrap().push(part);
    assert_eq!(
        stand.json("/readyz", 503).await?,
        json!({
            "ready": false,
            "not_ready": [{ "part": "reactor a/TokensTransferred", "why": "it has not subscribed" }]
        })
    );
    stand.world.not_ready.lock().unwrap().clear();
    assert_eq!(stand.json("/readyz", 200).await?, json!({ "ready": true, "not_ready": [] }));
    Ok(())
}

#[tokio::test]
async fn a_board_that_is_away_makes_it_not_ready_but_alive() -> anyhow::Result<()> {
    let mut redis = canary_test_servers::Redis::start()?;
    let folder = tempfile::tempdir()?;
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), "test")?);
    let board = Arc::new(RedisBoard::connect(&redis.url().into(), String::new())?);
    let stand = Stand::over(board, ledger, local(), folder).await?;
    redis.stop()?;
    let told = stand.json("/readyz", 503).await?;
    assert_eq!(told["not_ready"][0]["part"], "board");
    assert!(!told.to_string().contains("127.0.0.1"), "everybody may read it: {told}");
    assert_eq!(stand.json("/healthz", 200).await?, json!({ "status": "alive" }));
    redis.restart()?;
    let back = async {
        while stand.get("/readyz").await?.status() != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), back).await?
}

#[tokio::test]
async fn metrics_are_served_as_prometheus_text() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let answer = stand.get("/metrics").await?;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4");
    assert!(answer.text().await?.contains("canary_sights_total 0"));
    Ok(())
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_served_there_alone() -> anyhow::Result<()> {
    let settings = canary_console::Settings { metrics_listen: Some(local().listen), ..local() };
    let stand = Stand::with(|_| settings).await?;
    assert_ne!(stand.address, stand.metrics);
    stand.problem("/metrics", 404).await?;
    for (path, status) in
        [("/metrics", 200), ("/healthz", 200), ("/readyz", 200), ("/api/v1/canaries/results", 404)]
    {
        let answer = stand.client.get(format!("http://{}{path}", stand.metrics)).send().await?;
        assert_eq!(answer.status(), status, "{path}");
    }
    Ok(())
}
