//! A process that dies at any edge between "decided", "written", "sent" and "noted": what the next one makes of it.
//!
//! The points come from the binary itself, so none can be forgotten: a point without a case here, a case without a point,
//! or a page (`docs/failpoints.md`) that says something else fails. Deployments stand side by side; none waits for another.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod cases;
mod exporting;
mod page;
mod scenario;
mod way;

use std::collections::HashMap;
use std::rc::Rc;

use canary_test_servers::VictoriaMetrics;
use canary_tests::run;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::cases::CASES;
use crate::scenario::Scenario;

/// Deployments at once.
const AT_ONCE: usize = 16;
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// Dies at each point of a part, in the ways that there are, and names those after which something was wrong.
fn die_everywhere(part: &str) {
    let failed = run(LocalSet::new().run_until(deaths(part)));
    assert!(failed.is_empty(), "something was wrong after a death at {failed:#?}");
}

async fn deaths(part: &str) -> Vec<String> {
    let receiver = (part == "export")
        .then(|| Rc::new(VictoriaMetrics::start_with(&["-dedup.minScrapeInterval=0s"]).unwrap()));
    let (mut under_way, mut names) = (JoinSet::new(), HashMap::new());
    for case in CASES.iter().filter(|case| case.part() == part) {
        for beside in case.variants() {
            let scenario = Scenario { case, beside, receiver: receiver.clone() };
            let name = scenario.to_string();
            let task = under_way.spawn_local(async move {
                let _place = PLACES.acquire().await.unwrap();
                scenario.play().await;
            });
            names.insert(task.id(), name);
        }
    }
    let mut failed = Vec::new();
    while let Some(ended) = under_way.join_next_with_id().await {
        failed.extend(ended.err().map(|error| names[&error.id()].clone()));
    }
    failed
}

#[test]
fn a_runner_that_dies_at_any_edge_fires_no_slot_twice_and_loses_none() {
    die_everywhere("runner");
}

#[test]
fn validators_that_die_at_any_edge_blame_nobody_for_what_they_had_not_stamped() {
    die_everywhere("validators");
}

#[test]
fn a_judge_that_dies_at_any_edge_takes_no_verdict_back_and_forgets_none() {
    die_everywhere("judge");
}

#[test]
fn an_export_that_dies_at_any_edge_leaves_every_closed_row_at_the_receiver_as_the_ledger_has_it() {
    die_everywhere("export");
}

#[test]
fn each_failpoint_of_the_binary_has_its_case_and_its_line_on_the_page() {
    let points = run(page::points());
    let cases: Vec<&str> = CASES.iter().map(|case| case.point).collect();
    let names: Vec<&str> = points.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(cases, names, "a case for each point, in their order");
    page::compare(&points);
}

#[test]
fn a_point_that_is_not_there_is_refused() {
    let ended = run(page::listed_with("runner.slot.climbed=return"));
    assert_eq!(ended.code(), Some(64), "{ended:?}");
    assert!(ended.stderr.contains("there is no runner.slot.climbed"), "{}", ended.stderr);
}
