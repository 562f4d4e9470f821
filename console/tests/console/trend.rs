//! `GET /trend`.

use canary_domain::{Backend, Hold, HoldKind, Outcome, iso};
use canary_store::Annotation;
use serde_json::{Value, json};

use crate::past::{Past, ago, at, now, until};
use crate::stand::{API, Stand};

fn column<'a>(trend: &'a Value, path: &str, name: &str) -> &'a Vec<Value> {
    let paths = trend["paths"].as_array().unwrap();
    paths.iter().find(|found| found["path"] == path).unwrap()[name].as_array().unwrap()
}

#[tokio::test]
async fn each_hour_of_the_span_has_a_place_in_every_column() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(0), Outcome::Passed).await?;
    past.slot(Backend::Intra, at("2026-11-20T05:10:00Z"), Outcome::Passed).await?;
    past.slot(Backend::Intra, at("2026-11-20T05:20:00Z"), Outcome::Failed).await?;
    past.slot(Backend::Intra, at("2026-11-20T05:30:00Z"), Outcome::Skipped).await?;
    past.slot(Backend::Intra, at("2026-10-22T02:00:00Z"), Outcome::Passed).await?;
    past.roll_up().await?;
    for (days, kind) in [(31, "process_start"), (2, "leader_change")] {
        let at = now() - chrono::TimeDelta::days(days);
        let node = (days == 2).then(|| "node-1".to_owned());
        past.ledger.annotate(&Annotation { at, kind: kind.into(), text: "told".into(), node }).await?;
    }
    let stand = past.console().await?;
    let trend = stand.json(&format!("{API}/trend"), 200).await?;
    assert_eq!((&trend["days"], &trend["step_ms"]), (&json!(30), &json!(3_600_000)));
    let hours: Vec<i64> = trend["at"].as_array().unwrap().iter().map(|at| at.as_i64().unwrap()).collect();
    assert_eq!(hours.len(), 720);
    assert!(hours.windows(2).all(|pair| pair[1] - pair[0] == 3_600_000));
    assert_eq!(hours[719], at("2026-11-21T01:00:00Z").timestamp_millis());
    for path in ["p-intra", "p-async", "p-2pc"] {
        for name in ["pass_rate", "p50_ms", "p95_ms", "p99_ms", "slots", "told"] {
            assert_eq!(column(&trend, path, name).len(), 720, "{path} {name}");
        }
    }
    let place = 719 - 20;
    assert_eq!(column(&trend, "p-intra", "pass_rate")[place], 0.5);
    assert_eq!(column(&trend, "p-intra", "slots")[place], 3);
    assert_eq!(column(&trend, "p-intra", "told")[place], 2, "a slot that was skipped says nothing");
    assert_eq!(column(&trend, "p-intra", "slots")[719], 1, "the hour that goes on");
    assert_eq!(column(&trend, "p-intra", "slots")[0], 1);
    let p95 = column(&trend, "p-intra", "p95_ms")[place].as_f64().unwrap();
    assert!((99.0..=101.0).contains(&p95), "{p95}");
    assert_eq!(column(&trend, "p-intra", "pass_rate")[place + 1], Value::Null);
    assert_eq!(
        trend["marks"],
        json!([{ "at": "2026-11-19T01:30:00.000000Z", "kind": "leader_change", "text": "told", "node": "node-1" }])
    );
    let trend = stand.json(&format!("{API}/trend?days=1"), 200).await?;
    assert_eq!((trend["at"].as_array().unwrap().len(), &trend["marks"]), (24, &json!([])));
    Ok(())
}

/// The judge rolls hours up once a minute; the page of a first demo would stay empty as long.
#[tokio::test]
async fn the_hours_that_go_on_are_there_before_they_are_rolled_up() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(40), Outcome::Failed).await?;
    past.slot(Backend::Intra, ago(50), Outcome::Skipped).await?;
    past.roll_up().await?;
    let stand = past.console().await?;
    let newest = |trend: &Value, name: &str| column(trend, "p-intra", name)[718..].to_vec();
    let trend = stand.json(&format!("{API}/trend"), 200).await?;
    assert_eq!(
        (newest(&trend, "slots"), newest(&trend, "pass_rate")),
        (vec![json!(2), json!(0)], vec![json!(0.0), Value::Null])
    );
    past.slot(Backend::Intra, ago(0), Outcome::Passed).await?;
    past.slot(Backend::Intra, ago(39), Outcome::Passed).await?;
    let there = |trend: &Value| newest(trend, "slots") == [json!(3), json!(1)];
    let trend = until(&stand, &format!("{API}/trend"), there).await?;
    assert_eq!(newest(&trend, "pass_rate"), [json!(0.5), json!(1.0)]);
    let p95 = newest(&trend, "p95_ms")[1].as_f64().unwrap();
    assert!((99.0..=101.0).contains(&p95), "{p95}");
    Ok(())
}

#[tokio::test]
async fn maintenance_is_marked_as_it_was_and_not_as_it_was_planned() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let place = async |path: Option<&str>, from, until, reason| {
        let (kind, path, until) = (HoldKind::Maintenance, path.map(str::to_owned), Some(until));
        past.ledger.place_hold(&Hold { kind, path, from, until }, "ann", reason).await
    };
    place(None, ago(90), ago(60), "a switch").await?;
    place(None, ago(20), ago(-20), "cut short").await?;
    place(Some("p-2pc"), ago(-30), ago(-60), "taken back").await?;
    past.ledger.end_maintenance(ago(10)).await?;
    place(Some("p-intra"), ago(5), ago(-40), "goes on").await?;
    place(Some("p-async"), ago(-60), ago(-90), "to come").await?;
    let (at, kind, text) = (ago(-45), "maintenance".into(), "as it was planned".into());
    past.ledger.annotate(&Annotation { at, kind, text, node: None }).await?;
    let stand = past.console().await?;
    let trend = stand.json(&format!("{API}/trend?days=1"), 200).await?;
    let mark = |at, text: &str| json!({ "at": iso(at), "kind": "maintenance", "text": text, "node": null });
    assert_eq!(
        trend["marks"],
        json!([
            mark(ago(90), "maintenance of all paths: a switch"),
            mark(ago(60), "end of the maintenance of all paths: a switch"),
            mark(ago(20), "maintenance of all paths: cut short"),
            mark(ago(10), "end of the maintenance of all paths: cut short"),
            mark(ago(5), "maintenance of p-intra: goes on"),
        ])
    );
    Ok(())
}

#[tokio::test]
async fn thirty_days_are_written_once_and_then_only_sent() -> anyhow::Result<()> {
    let stand: Stand = Past::begin().await?.console().await?;
    let first = stand.get(&format!("{API}/trend")).await?.bytes().await?;
    let again = stand.get(&format!("{API}/trend")).await?;
    assert_eq!(again.headers()["content-type"], "application/json");
    assert_eq!(again.headers()["content-length"].to_str()?.parse::<usize>()?, first.len());
    assert_eq!(again.bytes().await?, first);
    Ok(())
}
