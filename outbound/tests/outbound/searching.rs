//! The search of logs: what is kept of an answer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use canary_outbound::{LogSearches, SearchParts, SearchSettings, Secret};
use canary_store::{Ledger as _, LogSearch};
use canary_telemetry::{SearchMetrics, new_registry};
use reqwest::header::AUTHORIZATION;

use crate::stand::{Instance, Stand, until};
use crate::web::{Mood, Web};

fn searching(stand: &Stand, web: &Web) -> Instance {
    let (registry, url) = (new_registry("test").unwrap(), web.url("/{test_id}"));
    let parts = SearchParts {
        outbox: stand.outbox(),
        clock: Arc::clone(&stand.clock) as _,
        metrics: Arc::new(SearchMetrics::register(&registry).unwrap()),
    };
    let settings = SearchSettings {
        url: Secret::new(move || Ok(url.clone().into())),
        auth_header: AUTHORIZATION,
        auth: Some(Secret::new(|| Ok("Token hunter2".to_owned().into()))),
        after: Duration::ZERO,
        timeout: Duration::from_secs(20),
    };
    let searches = LogSearches::new(settings, parts).unwrap();
    Instance::start(registry, |seat, stop| async move { searches.run(seat, stop).await.unwrap() })
}

async fn found(stand: &Stand, mood: Mood) -> LogSearch {
    let web = Web::start(mood).await;
    let searching = searching(stand, &web);
    let test = stand.slots("f").await[0];
    let log = async || stand.ledger.evidence(test).await.unwrap().unwrap().log;
    until("a search", async || log().await.is_some()).await;
    searching.stop().await;
    log().await.unwrap()
}

#[tokio::test]
async fn an_answer_is_kept_without_secrets_and_cut_where_it_is_too_long() {
    let stand = Stand::new().await;
    let echo = found(&stand, Mood::Answers("200 OK")).await;
    let body = echo.body.unwrap();
    assert!(
        body.contains("GET /") && body.contains("authorization: …") && !body.contains("hunter2"),
        "{body}"
    );
    assert!(!echo.truncated);
    // The secret lies across the cut.
    let long = format!("{}hunter2{}", "x".repeat((16 << 10) - 3), "y".repeat(100_000));
    let cut = found(&stand, Mood::Says(long)).await;
    let body = cut.body.unwrap();
    assert!(cut.truncated && body.len() <= 16 << 10 && !body.contains("hun"), "{}", &body[body.len() - 9..]);
    let refused = found(&stand, Mood::Answers("403 Forbidden")).await;
    assert_eq!((refused.status, refused.error), (Some(403), None));
    assert!(refused.body.unwrap().contains("you said"));
}

#[tokio::test]
async fn no_more_than_a_few_are_asked_about_at_once_and_a_stop_waits_for_none() {
    let (stand, web) = (Stand::new().await, Web::start(Mood::Hangs).await);
    stand.slots("fffffffffff").await;
    let searching = searching(&stand, &web);
    until("some to be asked about", async || web.asked().len() >= 4).await;
    let targets: BTreeSet<String> = web.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!((targets.len(), web.asked().len()), (4, 4), "each once");
    searching.stop().await;
    let now = canary_domain::Clock::now(&*stand.clock);
    let left = stand.outbox().unsearched(now - chrono::TimeDelta::hours(1), now, 99).await.unwrap();
    assert_eq!(left.len(), 11, "they are asked about again by whoever leads next");
}
