//! `GET /cycles`.

use canary_domain::{Backend, Outcome};
use serde_json::Value;

use crate::past::{Past, ago, cycle, now};
use crate::stand::{API, Stand};

#[tokio::test]
async fn every_cycle_of_the_span_is_listed_newest_first_with_the_slots_that_have_a_row() -> anyhow::Result<()>
{
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(0), Outcome::Pending).await?;
    let passed = past.slot(Backend::Intra, ago(59), Outcome::Passed).await?;
    past.slot(Backend::TwoPc, ago(59), Outcome::Missed).await?;
    past.slot(Backend::Intra, ago(60), Outcome::Failed).await?;
    let stand = past.console().await?;
    let told = stand.json(&format!("{API}/cycles"), 200).await?;
    assert_eq!(told["period_ms"], 60_000);
    assert_eq!(told["paths"], serde_json::json!(["p-intra", "p-async", "p-2pc"]));
    let cycles = told["cycles"].as_array().unwrap();
    let numbers: Vec<i64> = cycles.iter().map(|cycle| cycle["cycle"].as_i64().unwrap()).collect();
    let newest = cycle(now());
    assert_eq!(numbers, (newest - 59..=newest).rev().collect::<Vec<_>>());
    assert_eq!(cycles[0]["at"], "2026-11-21T01:30:00.000000Z");
    assert_eq!(cycles[0]["slots"]["p-intra"]["outcome"], "pending");
    assert_eq!(cycles[1]["slots"], serde_json::json!({}));
    assert_eq!(cycles[59]["slots"]["p-intra"]["test_id"], passed.to_string());
    assert_eq!(cycles[59]["slots"]["p-2pc"]["failure_signal"], "no_leader");
    assert_eq!(cycles[59]["slots"].get("p-async"), None::<&Value>);
    let told = stand.json(&format!("{API}/cycles?minutes=61"), 200).await?;
    assert_eq!(told["cycles"][60]["slots"]["p-intra"]["outcome"], "failed");
    Ok(())
}

#[tokio::test]
async fn spans_that_are_none_are_refused_and_named() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for (query, parameter) in [
        ("/cycles?minutes=0", "minutes"),
        ("/cycles?minutes=121", "minutes"),
        ("/cycles?minutes=x", "minutes"),
        ("/cycles?hours=1", "query"),
        ("/trend?days=0", "days"),
        ("/trend?days=31", "days"),
        ("/trend?days=1&days=2", "query"),
        ("/stream?last_event_id=x", "last_event_id"),
        ("/stream?last_event_id=-1", "last_event_id"),
        ("/stream?after=1", "query"),
    ] {
        let problem = stand.problem(&format!("{API}{query}"), 422).await?;
        assert_eq!(problem["parameter"], parameter, "{query}");
    }
    Ok(())
}
