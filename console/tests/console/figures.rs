//! `GET /`: the scoreboard's figures against the rows that were written.

use canary_domain::{Backend, Hold, HoldKind, Origin, Outcome};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::past::{Past, ago, at, cycle, now, test, until};
use crate::stand::API;

pub(crate) fn path<'a>(board: &'a Value, name: &str) -> &'a Value {
    board["paths"].as_array().unwrap().iter().find(|path| path["path"] == name).unwrap()
}

/// Passed slots of each window.
fn passed(windows: &Value) -> [i64; 4] {
    ["1h", "24h", "7d", "30d"].map(|window| windows[window]["passed"].as_i64().unwrap())
}

#[tokio::test]
async fn windows_count_what_lies_in_them_and_nothing_twice() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    for moment in [
        ago(0),
        ago(59),
        ago(60),
        at("2026-11-20T23:00:00Z"), // the first that is kept one by one; its hour is in the rollup, too
        at("2026-11-20T22:59:00Z"),
        at("2026-11-20T01:00:00Z"),
        at("2026-11-20T00:59:00Z"),
        at("2026-11-14T01:00:00Z"),
        at("2026-11-14T00:59:00Z"),
        at("2026-10-22T01:00:00Z"),
        at("2026-10-22T00:59:00Z"),
    ] {
        past.slot(Backend::Intra, moment, Outcome::Passed).await?;
    }
    past.slot(Backend::TwoPc, ago(10), Outcome::Passed).await?;
    past.roll_up().await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    assert_eq!(passed(&path(&board, "p-intra")["windows"]), [2, 6, 8, 10]);
    assert_eq!(passed(&path(&board, "p-2pc")["windows"]), [1, 1, 1, 1]);
    assert_eq!(passed(&path(&board, "p-async")["windows"]), [0, 0, 0, 0]);
    assert_eq!(passed(&board["windows"]), [3, 7, 9, 11], "all paths together");
    Ok(())
}

#[tokio::test]
async fn rates_and_percentiles_are_those_of_the_rows() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    use Outcome::{Failed, Inconclusive, Late, Missed, Passed, Pending, Skipped};
    let outcomes = [Passed, Passed, Passed, Late, Failed, Inconclusive, Skipped, Missed, Pending];
    for (minutes, outcome) in (1..).zip(outcomes) {
        past.slot(Backend::Async, ago(minutes), outcome).await?;
        past.slot(Backend::Async, ago(minutes + 600), outcome).await?;
    }
    past.roll_up().await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    let row = path(&board, "p-async");
    for (window, times) in [("1h", 1), ("24h", 2)] {
        let window = &row["windows"][window];
        for (outcome, count) in [
            ("passed", 3),
            ("late", 1),
            ("failed", 1),
            ("inconclusive", 1),
            ("skipped", 1),
            ("missed", 1),
            ("pending", 1),
        ] {
            assert_eq!(window[outcome], count * times, "{outcome}: {window}");
        }
        assert_eq!(window["pass_rate"], 0.6);
        for percentile in ["p50_ms", "p95_ms", "p99_ms"] {
            let ms = window[percentile].as_f64().unwrap();
            assert!((99.0..=101.0).contains(&ms), "{percentile}: {ms}");
        }
    }
    let empty = &path(&board, "p-intra")["windows"]["30d"];
    assert_eq!((&empty["pass_rate"], &empty["p50_ms"]), (&Value::Null, &Value::Null));
    Ok(())
}

#[tokio::test]
async fn a_row_is_shown_while_it_is_pending_and_an_amendment_moves_the_counts() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let stand = past.console().await?;
    let fired = test(Backend::Intra, ago(1));
    let counts = |board: &Value| {
        let window = &path(board, "p-intra")["windows"]["30d"];
        ["pending", "failed", "late"].map(|outcome| window[outcome].as_i64().unwrap())
    };
    past.test(fired.clone(), Outcome::Pending).await?;
    let board = until(&stand, API, |board| counts(board) == [1, 0, 0]).await?;
    assert_eq!(path(&board, "p-intra")["last"], Value::Null, "it has no verdict yet");
    past.test(fired.clone(), Outcome::Failed).await?;
    let board = until(&stand, API, |board| counts(board) == [0, 1, 0]).await?;
    let row = path(&board, "p-intra");
    assert_eq!((&row["state"], &row["consecutive_failures"]), (&json!("degraded"), &json!(1)));
    assert_eq!(
        row["last"],
        json!({
            "test_id": fired.test_id.to_string(),
            "path": "p-intra",
            "backend": "intra",
            "origin": "schedule",
            "cycle": cycle(ago(1)),
            "registered_at": "2026-11-21T01:29:00.020000Z",
            "judged_at": "2026-11-21T01:29:05.020000Z",
            "outcome": "failed",
            "failure_signal": "timeout",
            "missing_stages": ["tokens_xfer"],
            "total_latency_ms": null,
            "revision": 1
        })
    );
    past.test(fired, Outcome::Late).await?;
    let board = until(&stand, API, |board| counts(board) == [0, 0, 1]).await?;
    assert_eq!(path(&board, "p-intra")["last"]["revision"], 2);
    Ok(())
}

/// An older version gives its verdicts no number; in PostgreSQL a trigger does, unless it is off.
#[tokio::test]
async fn a_verdict_without_a_change_leaves_no_slot_pending() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let id = past.slot(Backend::Intra, ago(1), Outcome::Pending).await?;
    let stand = past.console().await?;
    let outcome = |told: &Value| told["cycles"][1]["slots"]["p-intra"]["outcome"].clone();
    let cycles = format!("{API}/cycles");
    until(&stand, &cycles, |told| outcome(told) == "pending").await?;
    let sql = sqlx::PgPool::connect(&past.url).await?;
    sqlx::query("ALTER TABLE canary_test_results DISABLE TRIGGER USER").execute(&sql).await?;
    let verdict = "UPDATE canary_test_results SET outcome = 'passed', revision = 1, judged_at = registered_at, \
                   total_latency_ms = 100 WHERE test_id = $1::uuid";
    sqlx::query(verdict).bind(id.to_string()).execute(&sql).await?;
    until(&stand, &cycles, |told| outcome(told) == "passed").await?;
    assert_eq!(past.ledger.latest_change().await?, 0);
    assert_eq!(passed(&stand.json(API, 200).await?["windows"]), [1; 4]);
    Ok(())
}

#[tokio::test]
async fn what_was_fired_outside_any_slot_is_in_no_figure() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    let fired = test(Backend::Intra, ago(1));
    let free = canary_domain::Test { origin: Origin::Fire, cycle: None, period_ms: None, ..fired };
    past.test(free, Outcome::Failed).await?;
    past.slot(Backend::Intra, ago(2), Outcome::Passed).await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    let row = path(&board, "p-intra");
    assert_eq!((&row["state"], &row["windows"]["1h"]["failed"]), (&json!("passing"), &json!(0)));
    assert_eq!(row["recent"].as_array().unwrap().len(), 1);
    Ok(())
}

#[tokio::test]
async fn failures_in_a_row_are_counted_back_to_the_last_pass_however_long_ago() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    // A pass ten hours ago; then a failure every 20 minutes, and some that say nothing between.
    let pass = now() - TimeDelta::minutes(600);
    past.slot(Backend::TwoPc, pass - TimeDelta::minutes(1), Outcome::Failed).await?;
    past.slot(Backend::TwoPc, pass, Outcome::Passed).await?;
    for step in 1..=29 {
        past.slot(Backend::TwoPc, pass + TimeDelta::minutes(20 * step), Outcome::Failed).await?;
        past.slot(Backend::TwoPc, pass + TimeDelta::minutes(20 * step + 1), Outcome::Missed).await?;
    }
    past.slot(Backend::TwoPc, ago(1), Outcome::Late).await?;
    past.roll_up().await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    let row = path(&board, "p-2pc");
    assert_eq!(row["consecutive_failures"], 30);
    assert_eq!((&row["state"], &board["state"]), (&json!("failing"), &json!("failing")));
    assert_eq!(row["last_pass_at"], "2026-11-20T15:30:00.020000Z");
    let recent = row["recent"].as_array().unwrap();
    assert_eq!(recent.len(), 30, "further back than what is kept one by one");
    assert_eq!(recent[29]["outcome"], "late");
    let registered: Vec<&str> = recent.iter().map(|brief| brief["registered_at"].as_str().unwrap()).collect();
    assert!(registered.is_sorted(), "{registered:?}");
    past.slot(Backend::TwoPc, ago(0), Outcome::Passed).await?;
    let board = until(&stand, API, |board| path(board, "p-2pc")["consecutive_failures"] == 0).await?;
    assert_eq!(path(&board, "p-2pc")["state"], "passing");
    Ok(())
}

#[tokio::test]
async fn a_path_that_never_passed_counts_all_its_failures() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    for minutes in [1, 2, 300, 3_000] {
        past.slot(Backend::Intra, ago(minutes), Outcome::Failed).await?;
    }
    past.roll_up().await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    let row = path(&board, "p-intra");
    assert_eq!((&row["consecutive_failures"], &row["last_pass_at"]), (&json!(4), &Value::Null));
    Ok(())
}

#[tokio::test]
async fn a_verdict_that_is_old_says_nothing_of_now() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(3), Outcome::Passed).await?;
    past.slot(Backend::Async, ago(3), Outcome::Passed).await?;
    let stand = past.console().await?;
    let board = until(&stand, API, |board| path(board, "p-intra")["state"] == "passing").await?;
    assert_eq!(path(&board, "p-2pc")["state"], "unknown", "there never was any");
    *stand.world.now.lock().unwrap() = now() + TimeDelta::minutes(4);
    let board = until(&stand, API, |board| path(board, "p-intra")["state"] == "unknown").await?;
    assert_eq!(path(&board, "p-async")["state"], "passing", "its deadline is longer");
    Ok(())
}

#[tokio::test]
async fn a_new_hour_lets_go_of_what_is_old_and_loses_nothing() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    // The last lies in the window of a day until the next hour.
    for minutes in [5, 100, 145, 24 * 60 + 20] {
        past.slot(Backend::Intra, ago(minutes), Outcome::Passed).await?;
    }
    past.roll_up().await?;
    let stand = past.console().await?;
    assert_eq!(passed(&stand.json(API, 200).await?["windows"]), [1, 4, 4, 4]);
    *stand.world.now.lock().unwrap() = now() + TimeDelta::minutes(40);
    past.slot(Backend::Intra, now() + TimeDelta::minutes(39), Outcome::Passed).await?;
    until(&stand, API, |board| passed(&board["windows"]) == [2, 4, 5, 5]).await?;
    let cycles = stand.json(&format!("{API}/cycles?minutes=120"), 200).await?;
    assert_eq!(cycles["cycles"].as_array().unwrap().len(), 120);
    Ok(())
}

#[tokio::test]
async fn the_last_hour_slides_while_nothing_is_written() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(59), Outcome::Passed).await?;
    past.slot(Backend::Intra, ago(1), Outcome::Passed).await?;
    let stand = past.console().await?;
    assert_eq!(passed(&stand.json(API, 200).await?["windows"]), [2; 4]);
    *stand.world.now.lock().unwrap() = now() + TimeDelta::minutes(2);
    let board = stand.json(API, 200).await?;
    assert_eq!(
        (passed(&board["windows"]), passed(&path(&board, "p-intra")["windows"])),
        ([1, 2, 2, 2], [1, 2, 2, 2])
    );
    assert_eq!(
        (&board["now"], &path(&board, "p-intra")["state"]),
        (&json!("2026-11-21T01:32:00.000000Z"), &json!("passing"))
    );
    *stand.world.now.lock().unwrap() = now() + TimeDelta::minutes(5);
    assert_eq!(path(&stand.json(API, 200).await?, "p-intra")["state"], "unknown", "it has become old");
    Ok(())
}

#[tokio::test]
async fn holds_are_shown_and_a_path_that_is_held_is_paused() -> anyhow::Result<()> {
    let past = Past::begin().await?;
    past.slot(Backend::Intra, ago(1), Outcome::Failed).await?;
    let pause = Hold { kind: HoldKind::Pause, path: Some("p-intra".into()), from: ago(5), until: None };
    past.ledger.place_hold(&pause, "bob", "a new switch").await?;
    let window = Hold {
        kind: HoldKind::Maintenance,
        path: None,
        from: now() + TimeDelta::hours(1),
        until: Some(now() + TimeDelta::hours(2)),
    };
    past.ledger.place_hold(&window, "ann", "planned").await?;
    let stand = past.console().await?;
    let board = stand.json(API, 200).await?;
    let row = path(&board, "p-intra");
    assert_eq!((&row["state"], &row["held"]), (&json!("paused"), &json!("paused")));
    assert_eq!(path(&board, "p-2pc")["held"], Value::Null);
    assert_eq!(
        board["holds"],
        json!([
            { "kind": "pause", "path": "p-intra", "from": "2026-11-21T01:25:00.000000Z", "until": null,
              "actor": "bob", "reason": "a new switch" },
            { "kind": "maintenance", "path": null, "from": "2026-11-21T02:30:00.000000Z",
              "until": "2026-11-21T03:30:00.000000Z", "actor": "ann", "reason": "planned" },
        ])
    );
    past.ledger.lift_pause("p-intra", now()).await?;
    let board = until(&stand, API, |board| path(board, "p-intra")["held"] == Value::Null).await?;
    assert_eq!(path(&board, "p-intra")["state"], "degraded");
    *stand.world.now.lock().unwrap() = now() + TimeDelta::minutes(61);
    until(&stand, API, |board| path(board, "p-2pc")["held"] == "maintenance").await?;
    Ok(())
}
