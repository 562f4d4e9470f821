//! The sums that `docs/metrics.md` recommends count everything once, whoever led meanwhile.

use std::time::Duration;

use canary_store::wall;
use canary_test_servers::{Prometheus, Shipped};
use canary_tests::{Deployment, Plan, Route, Row, run, until, within};

use crate::prometheus::{Sample, ask, watching};

/// Long enough for a count to be looked at between two cycles. `increase` adds a second's worth to what it counted, which
/// has to be well below a half.
const PERIOD: Duration = Duration::from_secs(4);

/// The queries of the page's section on several instances, for this deployment.
fn recommended(canary: &str) -> Vec<String> {
    let page = std::fs::read_to_string(Shipped::folder().join("../docs/metrics.md")).unwrap();
    let (_, section) = page.split_once("\n## Over several instances\n").unwrap();
    let (_, block) = section.split_once("```promql\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let queries = block.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    queries.map(|query| query.replace("canary=\"prod\"", &format!("canary={canary:?}"))).collect()
}

/// The one query about this series.
fn about<'a>(queries: &'a [String], series: &str) -> &'a str {
    let mut found = queries.iter().filter(|query| query.contains(&format!("({series}{{")));
    let query = found.next().unwrap_or_else(|| panic!("{series} is in no query of {queries:#?}"));
    assert!(found.next().is_none(), "{series} is in several queries");
    query
}

/// The counts that a recommended query comes to, and what had been counted when its series were first scraped.
async fn counted(prometheus: &Prometheus, query: &str) -> Vec<Sample> {
    let before = query.replace("increase(", "min_over_time(");
    assert_ne!(before, query, "a count is an increase");
    [ask(prometheus, query).await, ask(prometheus, &before).await].concat()
}

/// The counts of a path, and of an outcome if one is named.
fn of(counts: &[Sample], path: &str, outcome: Option<&str>) -> f64 {
    let fits = |sample: &&Sample| {
        sample.label("path") == path && outcome.is_none_or(|outcome| sample.label("outcome") == outcome)
    };
    counts.iter().filter(fits).map(|sample| sample.value).sum()
}

/// Where the recommended counts are not what the rows say.
async fn differences(prometheus: &Prometheus, stage: &Deployment, queries: &[String]) -> Vec<String> {
    let tests = counted(prometheus, about(queries, "canary_tests_total")).await;
    let failures = counted(prometheus, about(queries, "canary_failures_total")).await;
    let timed = counted(prometheus, about(queries, "canary_latency_seconds_count")).await;
    let rows = stage.rows().await;
    let mut apart = Vec::new();
    let mut compare = |what: String, said: f64, rows: usize| {
        let rows = u32::try_from(rows).unwrap();
        if (said - f64::from(rows)).abs() >= 0.5 {
            apart.push(format!("{what}: {said}, and there are {rows} rows"));
        }
    };
    for path in ["a-intra", "a-2pc"] {
        let count =
            |fits: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| row.path == path && fits(row)).count();
        for outcome in ["passed", "late", "failed", "inconclusive", "skipped", "missed"] {
            let said = of(&tests, path, Some(outcome));
            compare(format!("{path} {outcome}"), said, count(&|row| row.outcome == outcome));
        }
        compare(format!("{path} failures"), of(&failures, path, None), count(&|row| row.outcome == "failed"));
        let timed = of(&timed, path, None);
        compare(format!("{path} timed"), timed, count(&|row| row.total_latency_ms.is_some()));
    }
    apart
}

async fn agrees(prometheus: &Prometheus, stage: &Deployment, queries: &[String]) {
    let mut apart = Vec::new();
    let agreed = within(60, async || {
        apart = differences(prometheus, stage, queries).await;
        apart.is_empty().then_some(())
    });
    assert!(agreed.await.is_some(), "{apart:#?}");
}

/// What the leader counted and nobody scraped would die with it. A latency is counted last of a verdict. Of so short a time
/// an `increase` is too rough; while only one has led the plain sum is right, too.
async fn all_is_scraped(prometheus: &Prometheus, stage: &Deployment) {
    let counted = format!("sum(canary_latency_seconds_count{{canary={:?}}})", stage.name());
    until("the leader's counts, scraped", 30, async || {
        let counted = ask(prometheus, &counted).await[0].value;
        let timed = stage.rows().await.iter().filter(|row| row.total_latency_ms.is_some()).count();
        (counted - f64::from(u32::try_from(timed).unwrap())).abs() < 0.1
    })
    .await;
}

#[test]
fn after_a_takeover_the_recommended_sums_are_what_the_rows_say_and_nothing_counts_twice() {
    run(async {
        let routes = Route::named(&["a-intra", "a-2pc"]);
        let stage = Deployment::start(Plan { routes, fire_every: PERIOD, ..Plan::default() }).await;
        let mut leader = stage.launch_ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;
        let prometheus = watching(&stage, &[&leader, &other], 1);
        let queries = recommended(stage.name());
        until("both instances scraped", 20, async || ask(&prometheus, "canary_build_info").await.len() == 2)
            .await;
        let both_scraped = wall();
        let passed_since = |rows: &[Row], since| {
            rows.iter().filter(|row| row.outcome == "passed" && row.fired_at > Some(since)).count()
        };
        stage
            .rows_when("passes under the first leader", 60, |rows| passed_since(rows, both_scraped) >= 8)
            .await;
        all_is_scraped(&prometheus, &stage).await;
        leader.kill().await;
        other.takes_the_lead().await;
        let taken_over = wall();
        stage.rows_when("passes under the second", 60, |rows| passed_since(rows, taken_over) >= 6).await;
        agrees(&prometheus, &stage, &queries).await;
        for query in &queries {
            until(format!("an answer to {query}"), 10, async || !ask(&prometheus, query).await.is_empty())
                .await;
        }

        // Every instance sees every event.
        let matched = ask(&prometheus, about(&queries, "canary_reactor_matched_total")).await;
        let matched =
            matched.iter().find(|sample| sample.label("event") == "TokensTransferred").unwrap().value;
        let seen = stage.rows().await.into_iter().filter_map(|row| row.tokens_xfer_seen_at);
        let (all, by_both) = seen.fold((0.0, 0.0), |(all, by_both), at| {
            (all + 1.0, if at > both_scraped { by_both + 1.0 } else { by_both })
        });
        assert!(
            by_both - 2.0 < matched && matched < all + 1.0,
            "{matched}, and {by_both} to {all} were there"
        );
    });
}
