//! A Prometheus on the shipped configuration and rules that looks every second, and what it answers.

use std::collections::BTreeMap;

use canary_test_servers::{Prometheus, Shipped};
use canary_tests::{Deployment, Instance};
use serde_json::Value;

/// Scrapes these instances of a deployment; `alertmanager` is a port, which need not be listened on.
pub(crate) fn watching(stage: &Deployment, instances: &[&Instance], alertmanager: u16) -> Prometheus {
    watching_upstream(stage, instances, alertmanager, "[]")
}

/// As [`watching`], and this `static_configs` for the platform's exporters.
pub(crate) fn watching_upstream(
    stage: &Deployment,
    instances: &[&Instance],
    alertmanager: u16,
    exporters: &str,
) -> Prometheus {
    let consoles: Vec<_> = instances.iter().map(|instance| instance.console()).collect();
    let config = Shipped::prometheus(stage.name(), &consoles, alertmanager)
        .and_then(|config| config.with("scrape_interval: 15s", "scrape_interval: 1s"))
        .and_then(|config| config.with("evaluation_interval: 15s", "evaluation_interval: 1s"))
        .and_then(|config| config.with("scrape_timeout: 10s", "scrape_timeout: 1s"))
        .and_then(|config| config.with("static_configs: []", &format!("static_configs: {exporters}")))
        .unwrap();
    // It knows no Alertmanager in its first seconds; what it has to say then is said again soon.
    Prometheus::start_with(config.text(), &["--rules.alert.resend-delay=1s"]).unwrap()
}

/// A series of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Sample {
    /// The label's value; empty without it.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// What an expression comes to now.
pub(crate) async fn ask(server: &Prometheus, expr: &str) -> Vec<Sample> {
    let url = format!("{}/api/v1/query", server.url());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer: Value = client.get(url).query(&[("query", expr)]).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["status"], "success", "{expr}: {answer}");
    let series = answer["data"]["result"].as_array().unwrap().iter().map(|series| {
        let labels = series["metric"].as_object().unwrap().iter();
        let labels = labels.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        Sample { labels: labels.collect(), value: series["value"][1].as_str().unwrap().parse().unwrap() }
    });
    series.collect()
}
