//! `/metrics`: every series is there from the start, and the counters are what the rows say.

use std::collections::BTreeSet;

use canary_tests::{Deployment, Instance, Metrics, Plan, Route, Row, run, until, within};

use crate::healthy::healthy;

const OUTCOMES: [&str; 6] = ["passed", "late", "failed", "inconclusive", "skipped", "missed"];
const SIGNALS: [&str; 7] =
    ["refunded", "rejected", "unavailable", "fire_timeout", "timeout", "mismatch", "refunded_after_settled"];
const EVENTS: [&str; 5] = [
    "TokensTransferred",
    "TransactionFeeCollected",
    "CrossFrameTransferInitiated",
    "CrossFrameTransferSettled",
    "CrossFrameTransferRefunded",
];
/// Design §9 without the export's, which the `monitoring` tests look at: names and labels, a histogram by its count.
const METRICS: [(&str, &[&str]); 29] = [
    ("tests_total", &["path", "backend", "outcome"]),
    ("failures_total", &["path", "backend", "signal"]),
    ("latency_seconds_count", &["path", "backend"]),
    ("stage_latency_seconds_count", &["backend", "stage"]),
    ("fire_duration_seconds_count", &["path", "backend"]),
    ("slot_lateness_seconds_count", &[]),
    ("in_flight", &["backend"]),
    ("accounting_residual", &["path"]),
    ("leader", &["role"]),
    ("leader_term", &["role"]),
    ("leader_changes_total", &["role"]),
    ("reactor_up", &["frame", "event"]),
    ("reactor_events_total", &["frame", "event", "via"]),
    ("reactor_matched_total", &["frame", "event"]),
    ("reactor_rejected_total", &["frame", "event", "reason"]),
    ("reactor_reconnects_total", &["frame", "event"]),
    ("reactor_covered_until_timestamp_seconds", &["frame", "event"]),
    ("stamp_delay_seconds_count", &[]),
    ("judge_sweep_duration_seconds_count", &[]),
    ("judge_last_sweep_timestamp_seconds", &[]),
    ("verdict_delay_seconds_count", &[]),
    ("agent_balance", &["agent"]),
    ("agent_runway_seconds", &["agent"]),
    ("clock_offset_seconds", &[]),
    ("clock_error_bound_seconds", &[]),
    ("clock_steps_total", &[]),
    ("last_pass_timestamp_seconds", &["path"]),
    ("consecutive_failures", &["path"]),
    ("build_info", &["version"]),
];

#[test]
fn a_follower_that_has_just_started_has_every_series_at_0_and_the_canarys_name_on_each() {
    run(async {
        let healthy = healthy().await;
        let follower = healthy.stage.launch_ready().await;
        let metrics = follower.metrics().await;
        for (name, labels) in METRICS {
            let name = format!("canary_{name}");
            let wanted: BTreeSet<&str> = labels.iter().copied().chain(["canary"]).collect();
            let of_it: Vec<_> = metrics.labels().filter(|(served, _)| *served == name).collect();
            assert!(!of_it.is_empty(), "{name} is not there");
            for (_, labels) in of_it {
                assert_eq!(labels.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{name}");
            }
        }
        for (name, labels) in metrics.labels() {
            assert!(name.starts_with("canary_"), "{name}");
            assert_eq!(labels.get("canary").map(String::as_str), Some(healthy.stage.name()), "{name}");
        }
        for Route { name, backend, .. } in Route::MATRIX {
            let path = [("path", name), ("backend", backend)];
            for outcome in OUTCOMES {
                at_zero(&metrics, "canary_tests_total", &[path[0], path[1], ("outcome", outcome)]);
            }
            for signal in SIGNALS {
                at_zero(&metrics, "canary_failures_total", &[path[0], path[1], ("signal", signal)]);
            }
            at_zero(&metrics, "canary_latency_seconds_count", &path);
            at_zero(&metrics, "canary_accounting_residual", &path[..1]);
        }
        for role in ["runner", "judge"] {
            at_zero(&metrics, "canary_leader", &[("role", role)]);
        }
        for event in EVENTS {
            assert_eq!(
                metrics.sum("canary_reactor_up", &[("frame", "a"), ("event", event)]),
                Some(1.0),
                "{event}"
            );
        }
        let pending = metrics.sum("canary_tests_total", &[("outcome", "pending")]);
        assert_eq!(pending, None, "pending is no outcome of a slot");
    });
}

fn at_zero(metrics: &Metrics, name: &str, labels: &[(&str, &str)]) {
    assert_eq!(metrics.sum(name, labels), Some(0.0), "{name} {labels:?}");
}

#[test]
fn the_leaders_counters_are_what_the_rows_say() {
    run(async {
        let healthy = healthy().await;
        healthy.rows().await;
        let mut apart = Vec::new();
        let agreed = within(30, async || {
            apart = differences(&healthy.stage, &healthy.canary).await;
            apart.is_empty().then_some(())
        });
        assert!(agreed.await.is_some(), "{apart:#?}");
        let metrics = healthy.canary.metrics().await;
        for role in ["runner", "judge"] {
            assert_eq!(metrics.sum("canary_leader", &[("role", role)]), Some(1.0), "{role}");
            assert_eq!(metrics.sum("canary_leader_changes_total", &[("role", role)]), Some(1.0), "{role}");
        }
        for agent in ["alpha", "charlie"] {
            let balance = metrics.sum("canary_agent_balance", &[("agent", agent)]).unwrap();
            assert!((999_000.0..1_000_001.0).contains(&balance), "{agent} has {balance}");
            assert!(metrics.sum("canary_agent_runway_seconds", &[("agent", agent)]).unwrap() > 0.0);
        }
        for event in &EVENTS[..4] {
            let labels = [("frame", "a"), ("event", *event)];
            let matched = metrics.sum("canary_reactor_matched_total", &labels).unwrap();
            let arrived = metrics.sum("canary_reactor_events_total", &labels).unwrap();
            assert!(matched > 0.0 && matched <= arrived, "{event}: {matched} of {arrived}");
        }
        assert!(metrics.sum("canary_judge_last_sweep_timestamp_seconds", &[]).unwrap() > 1.7e9);
        assert!(metrics.sum("canary_stamp_delay_seconds_count", &[]).unwrap() > 0.0);
    });
}

#[test]
fn slots_that_nobody_fired_are_counted_by_whoever_writes_them_down() {
    run(async {
        let stage = Deployment::start(Plan { routes: Route::named(&["a-intra"]), ..Plan::default() }).await;
        let mut first = stage.launch_ready().await;
        stage.rows_when("a judged row", 30, |rows| rows.iter().any(Row::judged)).await;
        assert_eq!(first.terminate().await.code(), Some(0));
        let last = stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap();
        until("three cycles without a leader", 30, async || now_seconds(&stage).await / 2 > last + 3).await;
        let second = stage.launch_ready().await;
        let missed = |rows: &[Row]| rows.iter().filter(|row| row.outcome == "missed").count();
        stage.rows_when("rows of what was missed", 30, |rows| missed(rows) >= 3).await;
        let counted = async || {
            let labels = [("path", "a-intra"), ("backend", "intra"), ("outcome", "missed")];
            second.metrics().await.sum("canary_tests_total", &labels)
        };
        until("missed slots that are counted", 10, async || {
            counted().await == Some(count(missed(&stage.rows().await)))
        })
        .await;
    });
}

/// By Redis' clock, which is the canary's.
async fn now_seconds(stage: &Deployment) -> i64 {
    let (seconds, _): (i64, i64) = redis::cmd("TIME").query_async(&mut stage.board().await).await.unwrap();
    seconds
}

/// One judge has judged every row there is, so its counters are the rows; but slots go on while one reads.
async fn differences(stage: &Deployment, canary: &Instance) -> Vec<String> {
    let metrics = canary.metrics().await;
    let rows = stage.rows().await;
    let mut apart = Vec::new();
    for route in Route::MATRIX {
        let of_path = || rows.iter().filter(|row| row.path == route.name && row.origin == "schedule");
        let path = [("path", route.name), ("backend", route.backend)];
        let mut compare = |name: &str, labels: &[(&str, &str)], rows: usize| {
            let said = metrics.sum(name, labels);
            if said != Some(count(rows)) {
                apart.push(format!("{name} {labels:?} is {said:?}, and there are {rows} rows"));
            }
        };
        for outcome in OUTCOMES {
            let rows = of_path().filter(|row| row.outcome == outcome).count();
            compare("canary_tests_total", &[path[0], path[1], ("outcome", outcome)], rows);
        }
        let timed = of_path().filter(|row| row.total_latency_ms.is_some()).count();
        compare("canary_latency_seconds_count", &path, timed);
    }
    apart
}

#[expect(clippy::cast_precision_loss, reason = "the rows of a test are few")]
fn count(rows: usize) -> f64 {
    rows as f64
}
