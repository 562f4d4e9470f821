//! Every query of the dashboard and of the rules has something to show, once there is something to see.
//!
//! The platform is made to give every kind of outcome, under two leaders. The queries, and what may be without series in
//! such a deployment, are in `monitoring/src`; its own `npm run ask` puts them, so that operators can do what this test does.

use std::time::Duration;

use canary_sandbox::{Backend, Call, CallFault, DelayAt, EventFault, Fault, FaultSet, SagaFault};
use canary_test_servers::{Prometheus, Shipped, VictoriaMetrics};
use canary_tests::{Deployment, Instance, Plan, Row, run, until, within};
use tokio::process::Command;

use crate::prometheus::{ask, watching_upstream};
use crate::web::Web;
use crate::{KEY_FILE, everything};

fn plan(receiver: &VictoriaMetrics) -> Plan {
    let seconds = Duration::from_secs;
    let more = everything(&receiver.url());
    Plan {
        watch: seconds(12),
        call_timeout: seconds(2),
        blind_after: seconds(5),
        deadlines: [seconds(3); 3],
        more,
        ..Plan::default()
    }
}

/// Nobody of frame b can sign in: what its agents send is inconclusive.
fn nobody_signs_in() -> Fault {
    Fault::from(CallFault::answers(Call::Token, 401)).on("b")
}

/// Every kind of trouble, each for a backend or a frame of its own.
fn troubles() -> FaultSet {
    let after_the_deadline = EventFault::Delayed { by_ms: 4_500, waits: DelayAt::Store };
    FaultSet::of([
        nobody_signs_in(),
        Fault::from(CallFault::answers(Call::Transfer, 503)).by(Backend::TwoPhase).on("a"),
        Fault::from(after_the_deadline).by(Backend::Intra),
        Fault::from(SagaFault::RefundedAfterSettled { after_ms: 500 }).by(Backend::Async),
    ])
}

/// What of everything that an operator should see isn't there yet.
fn lacking(rows: &[Row]) -> Vec<&'static str> {
    let verdicts: Vec<String> = rows.iter().map(Row::verdict).collect();
    let failing = rows.iter().filter(|row| row.path == "a-2pc" && row.outcome == "failed").count() >= 3;
    let wanted = [
        "passed",
        "late",
        "failed/unavailable",
        "failed/refunded_after_settled",
        "inconclusive/credentials",
        "skipped/paused",
    ];
    let lacks = |wanted: &&str| !verdicts.iter().any(|verdict| verdict == wanted);
    wanted.into_iter().filter(lacks).chain((!failing).then_some("three failures in a row")).collect()
}

/// Under the leader of now.
async fn passes_of_each_backend(stage: &Deployment) {
    let known = stage.rows().await.iter().filter_map(|row| row.cycle).max();
    let passed = |rows: &[Row], path: &str| {
        rows.iter().any(|row| row.cycle > known && row.path == path && row.outcome == "passed")
    };
    let each = |rows: &[Row]| ["a-intra", "a-async-b", "a-2pc"].iter().all(|path| passed(rows, path));
    stage.rows_when("a pass of each backend", 30, each).await;
}

async fn pause(canary: &Instance, path: &str) {
    let url = format!("http://{}/api/v1/canaries/paths/{path}/pause", canary.console());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(url).send().await.unwrap().error_for_status().unwrap();
}

/// Two points of the subquery that marks changes of leader have to lie on either side of one.
async fn terms_are_known(prometheus: &Prometheus, canary: &str) {
    let expr =
        format!("count_over_time((max by (role) (canary_leader_term{{canary={canary:?}}} > 0))[2m:15s])");
    until("the first leader's terms", 30, async || ask(prometheus, &expr).await.len() == 3).await;
}

/// Runs a script of `monitoring/`; what it said, and whether it succeeded.
async fn npm(arguments: &[&str]) -> (bool, String) {
    let folder = Shipped::folder();
    assert!(folder.join("node_modules").is_dir(), "`npm ci` in {}", folder.display());
    let output = Command::new("npm").arg("run").arg("--silent").args(arguments).current_dir(folder).output();
    let output = output.await.unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (output.status.success(), said.concat())
}

#[test]
fn every_panel_variable_annotation_and_rule_has_a_series_once_there_was_a_pass_a_failure_a_late_and_an_inconclusive_test()
 {
    run(async {
        let trend = VictoriaMetrics::start_with(&["-search.latencyOffset=0s"]).unwrap();
        let upstream = std::fs::read_to_string(Shipped::folder().join("test/fixtures/upstream.txt")).unwrap();
        let exporter = Web::start(upstream).await;
        let stage = Deployment::start(plan(&trend)).await;
        stage.write(KEY_FILE, "a key of sixteen bytes");
        let mut first = stage.launch_ready().await;
        first.takes_the_lead().await;
        let second = stage.launch_ready().await;
        let exporters = format!("[{{targets: [\"{}\"]}}]", exporter.address());
        let prometheus = watching_upstream(&stage, &[&first, &second], 1, &exporters);
        let passed = |rows: &[Row]| rows.iter().filter(|row| row.outcome == "passed").count() >= 6;
        stage.rows_when("passes", 30, passed).await;
        terms_are_known(&prometheus, stage.name()).await;

        stage.sandbox().faults().set(FaultSet::of([nobody_signs_in()]));
        assert_eq!(first.terminate().await.code(), Some(0));
        second.takes_the_lead().await;
        passes_of_each_backend(&stage).await;
        stage.sandbox().faults().set(troubles());
        pause(&second, "a-2pc-b").await;
        stage.rows_when("every kind of outcome", 60, |rows| lacking(rows).is_empty()).await;

        let (built, said) = npm(&["build"]).await;
        assert!(built, "{said}");
        let (prometheus, trend, canary) = (prometheus.url(), trend.url(), stage.name());
        let arguments = ["proof", "--", "--prometheus", &prometheus, "--trend", &trend, "--canary", canary];
        let mut last = String::new();
        // Exports, subqueries and evaluations come in their own time.
        let answered = within(60, async || {
            let (answered, said) = npm(&arguments).await;
            last = said;
            answered.then_some(())
        });
        assert!(answered.await.is_some(), "{last}");
    });
}
