//! `canary probe`: one test now, beside a canary that runs.

use canary_sandbox::{Call, CallFault, Fault, FaultSet, SagaFault};
use canary_tests::{Deployment, Plan, Route, run};
use serde_json::Value;

use crate::healthy::healthy;

#[test]
fn a_probe_shows_the_stages_as_they_are_seen_and_exits_0() {
    run(async {
        let healthy = healthy().await;
        let ended = healthy.stage.canary(&["probe", "a-async-b"]).await;
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let said: Vec<&str> =
            ended.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!((said[0], said[said.len() - 1]), ("registered", "verdict"), "{}", ended.stdout);
        for what in ["accepted", "tokens_xfer", "fee_collected", "cf_initiated", "cf_settled_remote"] {
            assert!(said.contains(&what), "{what} is not in {}", ended.stdout);
        }
        let verdict = ended.stdout.lines().last().unwrap();
        assert!(verdict.contains("passed in ") && verdict.contains(" ms"), "{verdict}");
    });
}

#[test]
fn a_recorded_probe_speaks_json_and_writes_one_row_that_is_no_slot() {
    run(async {
        let healthy = healthy().await;
        let ended = healthy.stage.canary(&["probe", "a-2pc-b", "--json", "--record"]).await;
        assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
        let said: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let verdict = said.last().unwrap();
        assert_eq!((&verdict["what"], &verdict["outcome"]), (&"verdict".into(), &"passed".into()));
        let rows = healthy.stage.rows().await;
        let row = rows.iter().find(|row| verdict["test_id"] == row.test_id.to_string()).unwrap();
        assert_eq!((row.origin.as_str(), row.cycle), ("probe", None));
        assert_eq!(row.total_latency_ms, verdict["total_latency_ms"].as_f64());
        let record = healthy.stage.sandbox().record();
        let call = record.calls.iter().find(|call| call.idempotency_key == Some(row.test_id.to_string()));
        assert!(call.unwrap().moved());
    });
}

#[test]
fn a_path_that_is_not_configured_exits_64_and_names_those_that_are() {
    run(async {
        let healthy = healthy().await;
        let ended = healthy.stage.canary(&["probe", "a-intrb"]).await;
        assert_eq!(ended.code(), Some(64), "{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.stderr.contains("`a-intrb`") && ended.stderr.contains("a-intra, a-async-b"),
            "{}",
            ended.stderr
        );
    });
}

#[test]
fn a_probe_that_is_refused_or_refunded_exits_1_and_one_that_can_not_sign_in_exits_2() {
    run(async {
        let stage =
            Deployment::start(Plan { routes: Route::named(&["a-intra", "a-async-b"]), ..Plan::default() })
                .await;
        let ends = async |fault: Fault, path: &str, code: i32, told: &str| {
            stage.sandbox().faults().set(FaultSet::of([fault]));
            let ended = stage.canary(&["probe", path]).await;
            let verdict = ended.stdout.lines().last().unwrap_or_default();
            assert_eq!(ended.code(), Some(code), "{told}: {}{}", ended.stdout, ended.stderr);
            assert!(verdict.contains(told), "{told} is not in {verdict}");
        };
        ends(CallFault::answers(Call::Transfer, 409).into(), "a-intra", 1, "failed (rejected)").await;
        ends(SagaFault::Refunded { after_ms: Some(300) }.into(), "a-async-b", 1, "failed (refunded)").await;
        ends(CallFault::answers(Call::Token, 401).into(), "a-intra", 2, "inconclusive (credentials)").await;
    });
}
