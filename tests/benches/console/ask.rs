//! The questions that the page asks, one after the other over one connection, as its client does.

use std::time::Duration;

use canary_figures::Figure;
use canary_tests::Instance;
use serde_json::Value;
use tokio::time::Instant;

const TIMES: usize = 200;
const API: &str = "/api/v1/canaries";

/// For the slowest but 5 % (design §12).
const BUDGET: Duration = Duration::from_millis(50);

/// Asks everything, and prints a line for each question.
pub(crate) async fn report(canary: &Instance) {
    println!(
        "\n{:<34} {:>8} {:>8} {:>8} {:>8}  {TIMES} times, ms; budget p95 {} ms",
        "GET",
        "first",
        "p50",
        "p95",
        "p99",
        BUDGET.as_millis()
    );
    for (name, paths) in questions(canary).await {
        let mut took = Vec::with_capacity(TIMES);
        for path in paths.iter().cycle().take(TIMES) {
            took.push(ask(canary, path).await);
        }
        line(name, &took);
    }
}

/// What is asked, each by a name and the paths that are asked in turn.
async fn questions(canary: &Instance) -> Vec<(&'static str, Vec<String>)> {
    let one = |path: &str| vec![format!("{API}{path}")];
    let deep = deep_page(canary).await;
    let ids = deep["results"].as_array().unwrap().iter().map(|row| row["test_id"].as_str().unwrap());
    let cursor = deep["next_cursor"].as_str().unwrap();
    vec![
        ("/canaries", one("")),
        ("/cycles?minutes=60", one("/cycles?minutes=60")),
        ("/trend?days=30", one("/trend?days=30")),
        ("/results", one("/results")),
        ("/results, 20 days deep", one(&format!("/results?cursor={cursor}"))),
        ("/results?outcome=failed", one("/results?outcome=failed")),
        ("/results/{test_id}", ids.map(|id| format!("{API}/results/{id}")).collect()),
        ("/reactors", one("/reactors")),
        ("/status.json", vec!["/status.json".to_owned()]),
    ]
}

/// A page of three weeks ago.
async fn deep_page(canary: &Instance) -> Value {
    let trend = canary.json(&format!("{API}/trend?days=20")).await;
    let then = trend["at"][0].as_i64().and_then(chrono::DateTime::from_timestamp_millis).unwrap();
    canary.json(&format!("{API}/results?to={}", then.format("%Y-%m-%dT%H:%M:%SZ"))).await
}

/// Until the last byte is there.
async fn ask(canary: &Instance, path: &str) -> Duration {
    let started = Instant::now();
    let answer = canary.get(path).await.unwrap();
    assert!(answer.status().is_success(), "{path} is answered {}", answer.status());
    answer.bytes().await.unwrap();
    started.elapsed()
}

fn line(name: &str, took: &[Duration]) {
    let mut sorted = took.to_vec();
    sorted.sort();
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let percentile = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100) - 1];
    let verdict = if percentile(95) <= BUDGET { "" } else { "  OVER BUDGET" };
    println!(
        "{name:<34} {:>8.1} {:>8.1} {:>8.1} {:>8.1}{verdict}",
        ms(took[0]),
        ms(percentile(50)),
        ms(percentile(95)),
        ms(percentile(99))
    );
    Figure::ms(format!("GET {name}, p95"), percentile(95)).at_most(ms(BUDGET)).print();
}
