//! What a VictoriaMetrics has of a canary, and what its rows should have come to there.

use std::collections::BTreeMap;

use canary_test_servers::VictoriaMetrics;
use chrono::DateTime;
use serde_json::Value;

use crate::Row;

/// Samples by series (without the deployment's own labels) and milliseconds.
pub type Stored = BTreeMap<(String, i64), Vec<f64>>;

/// All samples of this canary.
///
/// # Panics
/// If the server doesn't answer.
pub async fn stored(server: &VictoriaMetrics, canary: &str) -> Stored {
    let url = format!("{}/api/v1/export?match[]=%7Bcanary=%22{canary}%22%7D", server.url());
    let flush = format!("{}/internal/force_flush", server.url());
    reqwest::get(flush).await.unwrap().error_for_status().unwrap();
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let mut stored = Stored::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let label = |name: &str| line["metric"][name].as_str().unwrap_or_default().to_owned();
        let series = [label("__name__"), label("path"), label("outcome")].join(" ").trim_end().to_owned();
        let (at, values) = (line["timestamps"].as_array().unwrap(), line["values"].as_array().unwrap());
        for (at, value) in at.iter().zip(values) {
            let key = (series.clone(), at.as_i64().unwrap());
            stored.entry(key).or_default().push(value.as_f64().unwrap());
        }
    }
    stored
}

/// What these rows should have come to, at a cycle of 2 s.
///
/// # Panics
/// If a row without a cycle was not fired.
pub fn wanted<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Stored {
    let mut wanted = Stored::new();
    for row in rows {
        let Row { path, outcome, total_latency_ms, .. } = row;
        // On the cycle's edge, every 2 s, where nothing was fired.
        let edge = || DateTime::from_timestamp(row.cycle.unwrap() * 2, 0).unwrap();
        let at = row.fired_at.unwrap_or_else(edge).timestamp_millis();
        let mut add = |series: String, value| wanted.entry((series, at)).or_default().push(value);
        add(format!("canary_test_outcome {path} {outcome}"), 1.0);
        if ["passed", "late", "failed"].contains(&outcome.as_str()) {
            add(format!("canary_test_passed {path}"), if outcome == "passed" { 1.0 } else { 0.0 });
        }
        if let Some(latency) = total_latency_ms {
            add(format!("canary_test_latency_ms {path}"), *latency);
        }
    }
    wanted
}
