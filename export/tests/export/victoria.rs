//! A real VictoriaMetrics.

use std::time::Duration;

use canary_export::{Dropped, Progress, ReadBack, Receiver, Verification};
use canary_test_servers::VictoriaMetrics;
use chrono::TimeDelta;

use crate::on_both_stores;
use crate::receiver::FakeReceiver;
use crate::stand::{LONG, Make, Stand, leading, until};

on_both_stores! {
    exporting_twice_leaves_not_one_sample_doubled_or_different
}

fn write(server: &VictoriaMetrics) -> String {
    format!("{}/api/v1/write", server.url())
}

/// Everything that the server has of the canary, sorted.
async fn everything(server: &VictoriaMetrics) -> Vec<String> {
    let url = format!("{}/api/v1/export?match[]=%7Bcanary!=%22%22%7D", server.url());
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn verify(stand: &Stand, url: &str) -> Verification {
    let backfill = stand.backfill(url);
    let receiver = Receiver::new(&url.parse().unwrap()).unwrap();
    let report = backfill.run(stand.minutes_ago(100_000), |_| {}).await.unwrap();
    backfill.verify(&report, &ReadBack::beside(&receiver).unwrap(), |_| {}).await.unwrap()
}

async fn exporting_twice_leaves_not_one_sample_doubled_or_different(stand: Stand) {
    let server = VictoriaMetrics::start().unwrap();
    let all = stand.history(11..600).await;
    let export = stand.export_with(&write(&server), Duration::from_millis(300), &leading(LONG));
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&write(&server)).await == newest).await;
    assert!(export.samples("repeated") >= all, "everything was sent more than once");
    export.stop().await;

    let exact = Verification { exact: all as u64, ..Verification::default() };
    assert_eq!(verify(&stand, &write(&server)).await, exact);
    let first = everything(&server).await;
    assert_eq!(first.len(), 3 + 2 + 1, "a line a series");
    assert_eq!(verify(&stand, &write(&server)).await, exact);
    assert_eq!(everything(&server).await, first);
}

#[tokio::test]
async fn what_a_crash_took_from_a_server_that_had_accepted_it_is_sent_again() {
    let stand = Stand::new(Make::Embedded).await;
    let mut server = VictoriaMetrics::start().unwrap();
    let all = stand.history(11..200).await;
    let export = stand.export_with(&write(&server), Duration::from_secs(3), &leading(LONG));
    until("a 204", async || export.samples("accepted") == all).await;
    server.restart().unwrap();
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&write(&server)).await == newest).await;
    export.stop().await;
    let url = write(&server);
    let backfill = stand.backfill(&url);
    // The order itself pushes nothing: it goes elsewhere.
    let elsewhere = FakeReceiver::start().await;
    let report = stand.backfill(&elsewhere.url()).run(stand.minutes_ago(100_000), |_| {}).await.unwrap();
    let read = ReadBack::beside(&backfill.receiver).unwrap();
    let found = backfill.verify(&report, &read, |_| {}).await.unwrap();
    assert_eq!(found, Verification { exact: all as u64, ..Verification::default() });
}

#[tokio::test]
async fn a_backfill_tells_its_progress_and_leaves_open_rows_to_the_leader() {
    let stand = Stand::new(Make::Embedded).await;
    let server = VictoriaMetrics::start().unwrap();
    let closed = stand.history(15..2_000).await;
    let open = stand.history(1..9).await;
    let backfill = stand.backfill(&write(&server));
    let mut told: Vec<Progress> = Vec::new();
    let report = backfill.run(stand.minutes_ago(100_000), |progress| told.push(progress)).await.unwrap();
    assert_eq!((report.samples, report.set_aside), (closed as u64, 0));
    assert_eq!((report.rows, report.not_closed), (closed as u64 / 2, open as u64 / 2));
    assert!(told.is_sorted_by(|a, b| a.share <= b.share && a.rows <= b.rows), "{told:?}");
    assert_eq!(told.last().unwrap().share, 1.0);

    // The leader goes on meanwhile: what it exports is no difference.
    stand.clock.skip(TimeDelta::minutes(30));
    let export = stand.export(&write(&server));
    until("the open rows", async || export.samples("accepted") == closed + open).await;
    let read = ReadBack::beside(&backfill.receiver).unwrap();
    let found = backfill.verify(&report, &read, |_| {}).await.unwrap();
    assert!(found.is_exact(), "{found:?}");
}

#[tokio::test]
async fn verifying_finds_what_is_missing_different_doubled_or_unknown() {
    let stand = Stand::new(Make::Embedded).await;
    let server = VictoriaMetrics::start_with(&["-dedup.minScrapeInterval=0"]).unwrap();
    let all = stand.history(11..40).await as u64;
    let url = write(&server);
    assert_eq!(verify(&stand, &url).await, Verification { exact: all, ..Verification::default() });
    // Without deduplication the second push doubles everything.
    let twice = verify(&stand, &url).await;
    assert_eq!((twice.exact, twice.doubled, twice.missing), (all, all, 0));
    assert_eq!(twice.examples.len(), 10);

    let other = VictoriaMetrics::start().unwrap();
    let due = stand.minutes_ago(20).timestamp_millis();
    let import = format!("{}/api/v1/import/prometheus", other.url());
    let labels = "backend=\"intra\",canary=\"test\",dest_frame=\"a\",path=\"p\",source_frame=\"a\"";
    let lines = format!(
        "canary_test_passed{{{labels}}} 0 {}\ncanary_test_passed{{{labels}}} 1 {}\n",
        due + 1,
        due + 9
    );
    let sent = reqwest::Client::builder().build().unwrap().post(import).body(lines).send().await.unwrap();
    assert!(sent.status().is_success());
    let elsewhere = FakeReceiver::start().await;
    let report = stand.backfill(&elsewhere.url()).run(stand.minutes_ago(100_000), |_| {}).await.unwrap();
    let backfill = stand.backfill(&write(&other));
    let read = ReadBack::beside(&backfill.receiver).unwrap();
    let found = backfill.verify(&report, &read, |_| {}).await.unwrap();
    let counts = (found.exact, found.missing, found.different, found.unknown, found.doubled);
    assert_eq!(counts, (0, all - 1, 1, 1, 0), "{:?}", found.examples);
}

#[tokio::test]
async fn rows_that_the_server_drops_in_silence_are_told() {
    let stand = Stand::new(Make::Embedded).await;
    let server = VictoriaMetrics::start().unwrap();
    let receiver = Receiver::new(&write(&server).parse().unwrap()).unwrap();
    assert_eq!(receiver.dropped().await.unwrap(), []);
    let old = stand.history(70 * 24 * 60..70 * 24 * 60 + 1).await as u64;
    let report = stand.backfill(&write(&server)).run(stand.minutes_ago(1_000_000), |_| {}).await.unwrap();
    assert_eq!(report.samples, old, "it said that it took them");
    let dropped = Dropped { reason: "small_timestamp".into(), rows: old };
    until("the count", async || receiver.dropped().await.unwrap() == [dropped.clone()]).await;
}
