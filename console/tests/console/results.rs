//! `GET /results`.

use canary_domain::Backend;
use serde_json::Value;

use crate::on_both_ledgers;
use crate::stand::{API, Stand};

on_both_ledgers! {
    pages_go_through_all_rows_newest_first_whatever_arrives_meanwhile
    filters_narrow_and_combine
    fields_bear_the_columns_names
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["results"].as_array().unwrap();
    rows.iter().map(|row| row["test_id"].as_str().unwrap().to_owned()).collect()
}

async fn pages_go_through_all_rows_newest_first_whatever_arrives_meanwhile(
    stand: Stand,
) -> anyhow::Result<()> {
    let mut written = Vec::new();
    for _ in 0..5 {
        written.push(stand.write(Backend::Async, Some(500)).await?.to_string());
    }
    written.reverse();
    let mut read = Vec::new();
    let mut path = format!("{API}/results?limit=2");
    loop {
        let page = stand.json(&path, 200).await?;
        read.extend(ids(&page));
        stand.write(Backend::Async, Some(500)).await?;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert!(cursor.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{cursor}");
        path = format!("{API}/results?limit=2&cursor={cursor}");
    }
    assert_eq!(read, written);
    Ok(())
}

async fn filters_narrow_and_combine(stand: Stand) -> anyhow::Result<()> {
    let passed = stand.write(Backend::Async, Some(500)).await?.to_string();
    let refunded = stand.write(Backend::Async, None).await?.to_string();
    let other = stand.write(Backend::TwoPc, Some(700)).await?.to_string();
    for (query, expected) in [
        ("", vec![&other, &refunded, &passed]),
        ("?path=p-2pc", vec![&other]),
        ("?backend=async", vec![&refunded, &passed]),
        ("?outcome=passed", vec![&other, &passed]),
        ("?outcome=passed&backend=async", vec![&passed]),
        ("?from=2026-11-21T01:01:00Z", vec![&other, &refunded]),
        ("?to=2026-11-21T01:01:00Z", vec![&passed]),
        ("?from=2026-11-21T02:01:00%2B01:00&to=2026-11-21T01:02:00Z", vec![&refunded]),
        ("?path=nobody", vec![]),
    ] {
        let page = stand.json(&format!("{API}/results{query}"), 200).await?;
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "{query}");
        assert_eq!(page["next_cursor"], Value::Null);
    }
    Ok(())
}

async fn fields_bear_the_columns_names(stand: Stand) -> anyhow::Result<()> {
    stand.write(Backend::Async, Some(500)).await?;
    let page = stand.json(&format!("{API}/results"), 200).await?;
    let row = &page["results"][0];
    for (field, value) in [
        ("canary", "test"),
        ("path", "p-async"),
        ("backend", "async"),
        ("origin", "schedule"),
        ("source_frame", "a"),
        ("dest_frame", "b"),
        ("sender", "did:alpha"),
        ("amount", "0.01"),
        ("transfer_id", "t-0"),
        ("registered_at", "2026-11-21T01:00:00.000000Z"),
        ("fired_at", "2026-11-21T01:00:00.010250Z"),
        ("accepted_at", "2026-11-21T01:00:00.050250Z"),
        ("fire_status", "accepted"),
        ("cf_initiated_seen_at", "2026-11-21T01:00:00.040250Z"),
        ("completed_at", "2026-11-21T01:00:00.510250Z"),
        ("deadline_at", "2026-11-21T01:05:30.010250Z"),
        ("decided_as_of", "2026-11-21T01:00:00.510250Z"),
        ("judged_at", "2026-11-21T01:00:03.010250Z"),
        ("outcome", "passed"),
        ("latency_basis", "observed"),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    assert_eq!(row["total_latency_ms"], 500.0);
    assert_eq!(row["clock_error_ms"], 0.1);
    assert_eq!((&row["cycle"], &row["term"], &row["fire_code"]), (&0.into(), &4.into(), &202.into()));
    assert_eq!((&row["revision"], &row["missing_stages"]), (&1.into(), &Value::Array(Vec::new())));
    assert_eq!(row["stamps"]["cf_settled_remote"]["via"], "live");
    for empty in ["failure_signal", "tokens_xfer_seen_at", "cf_refunded_seen_at", "landed", "mismatch"] {
        assert_eq!(row.get(empty), Some(&Value::Null), "{empty}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_understood_is_a_422_that_names_it() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for (query, parameter, told) in [
        ("outcome=broken", "outcome", "broken"),
        ("backend=saga", "backend", "saga"),
        ("from=yesterday", "from", "yesterday"),
        ("to=1", "to", "RFC 3339"),
        ("limit=0", "limit", "1 to 500"),
        ("limit=501", "limit", "501"),
        ("cursor=abc", "cursor", "abc"),
        ("form=1", "query", "form"),
        ("path=a&path=b", "query", "twice"),
    ] {
        let problem = stand.problem(&format!("{API}/results?{query}"), 422).await?;
        assert_eq!(problem["parameter"], parameter, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(told), "{problem}");
    }
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_is_away_is_a_503_that_names_it() -> anyhow::Result<()> {
    let mut postgres = canary_test_servers::Postgres::start()?;
    let ledger = canary_store::PostgresLedger::connect(&postgres.create_database()?.into(), "test")?;
    let board = std::sync::Arc::new(canary_store::MemoryBoard::new());
    let settings = crate::stand::local();
    let stand = Stand::over(board, std::sync::Arc::new(ledger), settings, tempfile::tempdir()?).await?;
    postgres.stop()?;
    let problem = stand.problem(&format!("{API}/results"), 503).await?;
    assert!(problem["detail"].as_str().unwrap().contains(&postgres.port().to_string()), "{problem}");
    let answer = stand.get(&format!("{API}/accounting")).await?;
    assert_eq!(answer.headers()["retry-after"], "5");
    postgres.restart()?;
    stand.json(&format!("{API}/results"), 200).await?;
    Ok(())
}
