//! A failure of the platform gets to whom it should, over the shipped rules and routes.

use canary_sandbox::{Backend, Call, CallFault, Fault, FaultSet};
use canary_test_servers::{Alertmanager, Shipped};
use canary_tests::{Deployment, Plan, Route, Row, run, until, until_some};
use serde_json::Value;

use crate::prometheus::watching;
use crate::web::Web;

/// The shipped routes and inhibitions, with webhooks for receivers, and less patience.
fn routes(web: &Web) -> String {
    let shipped = Shipped::read("alertmanager/alertmanager.yml")
        .and_then(|config| config.with("group_wait: 30s", "group_wait: 1s"))
        .and_then(|config| config.with("group_interval: 5m", "group_interval: 1s"))
        .unwrap();
    let (routes, receivers) = shipped.text().split_once("\nreceivers:\n").unwrap();
    let hook = |name: &str| {
        assert!(receivers.contains(&format!("- name: {name}\n")), "{name} is no receiver");
        format!(
            "  - name: {name}\n    webhook_configs:\n      - url: http://{}/hooks/{name}\n        send_resolved: true\n",
            web.address()
        )
    };
    let hooks: String = ["pager", "tickets", "watchdog"].map(hook).concat();
    format!("{routes}\nreceivers:\n{hooks}  - name: nobody\n")
}

fn is(alert: &Value, status: &str) -> bool {
    alert["status"] == status && alert["labels"]["alertname"] == "CanaryPathFailing"
}

#[test]
fn a_path_that_fails_three_times_reaches_the_pager_once_it_does_and_is_resolved_by_its_next_pass() {
    run(async {
        let web = Web::start(String::new()).await;
        let alertmanager = Alertmanager::start_with(&routes(&web)).unwrap();
        let plan = Plan { routes: Route::named(&["a-intra", "a-2pc"]), ..Plan::default() };
        let stage = Deployment::start(plan).await;
        let canary = stage.launch_ready().await;
        let _prometheus = watching(&stage, &[&canary], alertmanager.port());
        let passed = |path: &'static str| move |row: &Row| row.path == path && row.outcome == "passed";
        stage.rows_when("a pass", 30, |rows| rows.iter().any(passed("a-2pc"))).await;
        until("a dead man's switch that hears", 30, async || !web.alerts("watchdog").is_empty()).await;
        assert!(web.alerts("pager").is_empty(), "{:?}", web.alerts("pager"));

        let refused = Fault::from(CallFault::answers(Call::Transfer, 503)).by(Backend::TwoPhase);
        stage.sandbox().faults().set(FaultSet::of([refused]));
        let find = |status: &'static str| {
            let web = &web;
            async move || web.alerts("pager").into_iter().find(|alert| is(alert, status))
        };
        let firing = until_some("the alert at the pager", 60, find("firing")).await;
        let labels = &firing["labels"];
        assert_eq!((&labels["path"], &labels["canary"]), (&"a-2pc".into(), &stage.name().into()), "{firing}");
        assert_eq!(labels["severity"], "critical");
        let summary = format!("Path a-2pc of canary {} is failing", stage.name());
        assert_eq!(firing["annotations"]["summary"], summary.as_str());
        assert_eq!(
            firing["annotations"]["runbook_url"],
            "https://canary.example/docs/runbooks.md#canarypathfailing"
        );
        let failed = stage.rows().await.into_iter().filter(|row| row.outcome == "failed").count();
        assert!(failed >= 3, "{failed} failures");

        stage.sandbox().faults().clear();
        let resolved = until_some("its resolution", 60, find("resolved")).await;
        assert_eq!(resolved["labels"], firing["labels"]);
        let others = |alert: &Value| alert["labels"]["path"] == "a-intra";
        assert!(!web.alerts("pager").iter().any(others), "{:?}", web.alerts("pager"));
    });
}
