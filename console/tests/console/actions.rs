//! What operators do, and the trail of it.

use std::sync::atomic::{AtomicI64, Ordering};

use canary_console::FireRefused;
use canary_domain::{Hold, HoldKind, parse_iso};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{Desk, OPERATOR, VIEWER, kind, told, until};
use crate::stand::edge;

const ACTIONS: [&str; 5] = [
    "/paths/p-async/pause",
    "/paths/p-async/resume",
    "/paths/p-async/fire",
    "/maintenance",
    "/maintenance/end",
];

/// The trail: actor, role, action, path, detail, remote.
async fn trail(desk: &Desk) -> anyhow::Result<Vec<Value>> {
    let rows =
        "SELECT jsonb_build_array(actor, role, action, path, detail, remote) FROM canary_audit ORDER BY id";
    Ok(sqlx::query_scalar(rows).fetch_all(&desk.sql).await?)
}

async fn act(desk: &Desk, path: &str, body: Value) -> anyhow::Result<reqwest::Response> {
    Ok(desk.with_token(Method::POST, path, OPERATOR).json(&body).send().await?)
}

fn window() -> Value {
    json!({ "from": "2026-11-21T02:00:00Z", "to": "2026-11-21T03:00:00+00:00", "reason": " new switch " })
}

#[tokio::test]
async fn a_viewer_can_do_nothing_but_look() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for path in ACTIONS {
        let answer = desk.with_token(Method::POST, path, VIEWER).json(&window()).send().await?;
        let problem = told(answer, 403).await?;
        assert_eq!(problem["type"], "urn:canary:problem:forbidden", "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("ann is a viewer"), "{problem}");
        let answer = desk.of_page(Method::POST, path).json(&window()).send().await?;
        assert_eq!(kind(answer, 401).await?, "unauthorized", "{path}");
    }
    assert_eq!((desk.held().await?, trail(&desk).await?), (0, vec![]));
    assert!(desk.world.fired.lock().unwrap().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_path_is_paused_until_it_is_resumed_and_each_time_leaves_a_trace() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let paused = json!({ "path": "p-async", "held": "paused" });
    let answer = act(&desk, "/paths/p-async/pause", json!({ "reason": " too noisy " })).await?;
    assert_eq!(told(answer, 200).await?, paused);
    let again = desk.with_token(Method::POST, "/paths/p-async/pause", OPERATOR).send().await?;
    assert_eq!(told(again, 200).await?, paused);
    let pause = Hold { kind: HoldKind::Pause, path: Some("p-async".into()), from: edge(30), until: None };
    assert_eq!(desk.ledger.holds(edge(30)).await?, [pause], "a paused path is not paused again");

    *desk.world.now.lock().unwrap() = edge(31);
    let resumed = json!({ "path": "p-async", "held": null });
    for _ in 0..2 {
        assert_eq!(told(act(&desk, "/paths/p-async/resume", json!({})).await?, 200).await?, resumed);
    }
    assert_eq!(desk.ledger.holds(edge(32)).await?, []);
    let row =
        |action: &str, detail: Value| json!(["bob", "operator", action, "p-async", detail, "127.0.0.1"]);
    assert_eq!(
        trail(&desk).await?,
        [
            row("pause", "too noisy".into()),
            row("pause", Value::Null),
            row("resume", Value::Null),
            row("resume", Value::Null)
        ]
    );
    let at = "SELECT DISTINCT at FROM canary_audit ORDER BY at";
    let at: Vec<canary_domain::Moment> = sqlx::query_scalar(at).fetch_all(&desk.sql).await?;
    assert_eq!(at, [edge(30), edge(31)], "the board's time");
    Ok(())
}

#[tokio::test]
async fn a_test_is_fired_on_demand() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let answer = desk.with_token(Method::POST, "/paths/p-2pc/fire", OPERATOR).send().await?;
    let told = told(answer, 202).await?;
    assert!(told["test_id"].as_str().unwrap().parse::<canary_domain::TestId>().is_ok(), "{told}");
    assert_eq!(*desk.world.fired.lock().unwrap(), ["p-2pc"]);
    let row = |detail: &str| json!(["bob", "operator", "fire", "p-2pc", detail, "127.0.0.1"]);
    let mut rows = vec![row("asked for"), row(&format!("fired {}", told["test_id"].as_str().unwrap()))];
    assert_eq!(trail(&desk).await?, rows);

    *desk.world.refused.lock().unwrap() = Some(FireRefused::Unavailable("the board does not answer".into()));
    let answer = desk.with_token(Method::POST, "/paths/p-2pc/fire", OPERATOR).send().await?;
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(kind(answer, 503).await?, "fire-unavailable");
    rows.extend([row("asked for"), row("refused: the board does not answer")]);
    assert_eq!(trail(&desk).await?, rows, "what was asked for is in the trail, and what came of it");
    Ok(())
}

#[tokio::test]
async fn whoever_hangs_up_takes_the_order_back() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let counted = |count: &AtomicI64| count.load(Ordering::SeqCst);
    desk.world.hangs.store(true, Ordering::SeqCst);
    let mut order = Box::pin(desk.with_token(Method::POST, "/paths/p-2pc/fire", OPERATOR).send());
    let begun = until(async || Ok(counted(&desk.world.begun) == 1));
    tokio::select! {
        begun = begun => begun?,
        answered = &mut order => anyhow::bail!("{answered:?}"),
    }
    assert_eq!(counted(&desk.world.given_up), 0);
    drop(order);
    until(async || Ok(counted(&desk.world.given_up) == 1)).await
}

#[tokio::test]
async fn a_test_that_cannot_be_begun_in_time_is_given_up_and_not_sent() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    desk.world.hangs.store(true, Ordering::SeqCst);
    let problem = told(act(&desk, "/paths/p-2pc/fire", json!({})).await?, 504).await?;
    assert!(problem["detail"].as_str().unwrap().contains("nothing is sent"), "{problem}");
    assert_eq!(desk.world.given_up.load(Ordering::SeqCst), 1, "before it was answered");
    let trail = trail(&desk).await?;
    assert!(trail[1][4].as_str().unwrap().starts_with("refused: the test could not be begun"), "{trail:?}");
    Ok(())
}

#[tokio::test]
async fn an_action_that_fails_is_in_the_trail_with_its_failure() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    sqlx::query("ALTER TABLE canary_holds RENAME TO elsewhere").execute(&desk.sql).await?;
    for path in ["/paths/p-async/pause", "/paths/p-async/resume", "/maintenance", "/maintenance/end"] {
        let body = if path == "/maintenance" { window() } else { json!({}) };
        assert_eq!(kind(act(&desk, path, body).await?, 500).await?, "store-broken", "{path}");
        let trail = trail(&desk).await?;
        assert!(trail.last().unwrap()[4].as_str().unwrap_or_default().starts_with("failed: "), "{trail:?}");
    }
    assert_eq!(trail(&desk).await?.len(), 8);
    Ok(())
}

#[tokio::test]
async fn a_path_that_is_not_there_is_a_404_and_leaves_no_trace() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for action in ["pause", "resume", "fire"] {
        for path in ["nothing", "P-ASYNC", "%2e%2e", "p-async%00"] {
            let answer = act(&desk, &format!("/paths/{path}/{action}"), json!({})).await?;
            assert_eq!(kind(answer, 404).await?, "not-found", "{path} {action}");
        }
    }
    assert_eq!(trail(&desk).await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_done() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    sqlx::query("ALTER TABLE canary_audit RENAME TO elsewhere").execute(&desk.sql).await?;
    for path in ["/paths/p-async/pause", "/paths/p-async/fire", "/maintenance"] {
        let body = if path == "/maintenance" { window() } else { json!({}) };
        assert_eq!(kind(act(&desk, path, body).await?, 500).await?, "store-broken", "{path}");
    }
    assert_eq!(desk.held().await?, 0);
    assert!(desk.world.fired.lock().unwrap().is_empty());
    Ok(())
}

#[tokio::test]
async fn maintenance_holds_all_paths_or_those_that_are_named_and_marks_the_trend() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let all = told(act(&desk, "/maintenance", window()).await?, 201).await?;
    assert_eq!(
        all,
        json!({ "holds": [{
            "kind": "maintenance", "path": null, "from": "2026-11-21T02:00:00.000000Z",
            "until": "2026-11-21T03:00:00.000000Z", "actor": "bob", "reason": "new switch"
        }] })
    );
    let mut some = window();
    some["paths"] = json!(["p-intra", "p-2pc", "p-intra"]);
    let some = told(act(&desk, "/maintenance", some).await?, 201).await?;
    let paths: Vec<_> = some["holds"].as_array().unwrap().iter().map(|hold| hold["path"].clone()).collect();
    assert_eq!(paths, ["p-2pc", "p-intra"]);

    let held = desk.ledger.holds(edge(30)).await?;
    assert_eq!(held.len(), 3);
    assert!(held.iter().all(|hold| hold.kind == HoldKind::Maintenance && hold.from == edge(60)));
    assert_eq!(held.iter().filter(|hold| hold.path.is_none()).count(), 1);
    let marks = "SELECT at, text FROM canary_annotations WHERE kind = 'maintenance' ORDER BY id";
    let marks: Vec<(canary_domain::Moment, String)> = sqlx::query_as(marks).fetch_all(&desk.sql).await?;
    let at: Vec<_> = marks.iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [edge(60), edge(120), edge(60), edge(120)]);
    assert_eq!(marks[0].1, "maintenance of all paths: new switch");
    assert_eq!(marks[3].1, "end of the maintenance of p-2pc, p-intra: new switch");
    let trail = trail(&desk).await?;
    assert_eq!(trail[0][2], "maintenance");
    assert!(trail[1][4].as_str().unwrap().ends_with("p-2pc, p-intra: new switch"), "{trail:?}");

    *desk.world.now.lock().unwrap() = edge(61);
    let resumed = told(act(&desk, "/paths/p-async/resume", json!({})).await?, 200).await?;
    assert_eq!(resumed["held"], "maintenance", "resuming ends no window");
    Ok(())
}

#[tokio::test]
async fn ending_maintenance_ends_what_is_on_and_takes_back_what_is_planned() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    assert_eq!(told(act(&desk, "/maintenance/end", json!({})).await?, 200).await?, json!({ "ended": 0 }));
    for (from, to) in [("02:00", "03:00"), ("04:00", "05:00")] {
        let (from, to) = (format!("2026-11-21T{from}:00Z"), format!("2026-11-21T{to}:00Z"));
        let window = json!({ "from": from, "to": to, "reason": "new switch" });
        assert_eq!(act(&desk, "/maintenance", window).await?.status(), 201);
    }
    assert_eq!(act(&desk, "/paths/p-async/pause", json!({})).await?.status(), 200);
    *desk.world.now.lock().unwrap() = edge(90);
    assert_eq!(told(act(&desk, "/maintenance/end", json!({})).await?, 200).await?, json!({ "ended": 2 }));
    let left = desk.ledger.holds(edge(91)).await?;
    assert!(left.iter().all(|hold| hold.kind == HoldKind::Pause) && left.len() == 1, "{left:?}");
    assert_eq!(desk.audited("maintenance").await?, 4);
    Ok(())
}

#[tokio::test]
async fn a_window_that_makes_no_sense_is_refused_by_the_name_of_the_field() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for (field, change, told_of) in [
        ("from", json!({ "from": null }), "from is missing"),
        ("to", json!({ "to": null }), "to is missing"),
        ("reason", json!({ "reason": null }), "reason is missing"),
        ("reason", json!({ "reason": "  " }), "reason is missing"),
        ("reason", json!({ "reason": "ä".repeat(201) }), "201 characters"),
        ("from", json!({ "from": "yesterday" }), "`yesterday` is no RFC 3339 time"),
        ("to", json!({ "to": "2026-11-21T02:00:00Z" }), "is not after from"),
        ("to", json!({ "to": "2026-12-21T02:00:01Z" }), "more than 30 days after from"),
        ("to", json!({ "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T01:30:00Z" }), "is over"),
        ("paths", json!({ "paths": [] }), "name one at least"),
        ("paths", json!({ "paths": ["p-async", "nothing"] }), "there is no path `nothing`"),
        ("paths[0]", json!({ "paths": [7] }), "invalid type"),
        ("until", json!({ "until": "2026-11-21T02:00:00Z" }), "unknown field `until`"),
    ] {
        let mut body = window();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let problem = told(act(&desk, "/maintenance", body).await?, 422).await?;
        assert_eq!(problem["type"], "urn:canary:problem:invalid-body");
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(told_of), "{problem}");
    }
    assert_eq!((desk.held().await?, desk.audited("maintenance").await?), (0, 0));
    let edge_of_sense = json!({
        "from": "2026-11-20T02:00:00Z", "to": "2026-12-20T02:00:00Z", "reason": "ä".repeat(200)
    });
    assert_eq!(act(&desk, "/maintenance", edge_of_sense).await?.status(), 201);
    assert!(desk.ledger.holds(parse_iso("2026-12-20T01:59:59Z").unwrap()).await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn a_body_has_to_be_small_json_of_known_fields() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let send = async |kind: &str, body: String| {
        let request =
            desk.with_token(Method::POST, "/paths/p-async/pause", OPERATOR).header("content-type", kind);
        anyhow::Ok(request.body(body).send().await?)
    };
    let json = "application/json";
    assert_eq!(kind(send("text/plain", "{}".into()).await?, 415).await?, "unsupported-type");
    assert_eq!(kind(send(json, "{".into()).await?, 400).await?, "malformed-body");
    assert_eq!(told(send(json, r#"{"raeson":""}"#.into()).await?, 422).await?["field"], "raeson");
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(4_096));
    assert_eq!(kind(send(json, long.clone()).await?, 413).await?, "too-large");
    let chunks = [Ok::<_, std::io::Error>(long)];
    let request =
        desk.with_token(Method::POST, "/paths/p-async/pause", OPERATOR).header("content-type", json);
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    assert_eq!(kind(request.body(chunked).send().await?, 413).await?, "too-large", "its length not said");
    assert_eq!((desk.held().await?, desk.audited("pause").await?), (0, 0));
    assert_eq!(send("application/json; charset=utf-8", r#"{"reason":"x"}"#.into()).await?.status(), 200);
    Ok(())
}
