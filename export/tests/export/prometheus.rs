//! A real Prometheus.

use std::time::Duration;

use canary_export::{ReadBack, Verification};
use canary_test_servers::Prometheus;

use crate::stand::{LONG, Make, Stand, leading, until};

fn write(server: &Prometheus) -> String {
    format!("{}/api/v1/write", server.url())
}

#[tokio::test]
async fn prometheus_with_a_window_takes_the_same_samples_again_and_has_them_once() {
    let stand = Stand::new(Make::Embedded).await;
    let server = Prometheus::start().unwrap();
    let all = stand.history(11..600).await;
    let export = stand.export_with(&write(&server), Duration::from_millis(300), &leading(LONG));
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&write(&server)).await == newest).await;
    assert!(export.samples("repeated") >= all, "everything was sent more than once");
    assert_eq!(export.samples("set_aside"), 0);
    export.stop().await;
    let backfill = stand.backfill(&write(&server));
    let report = backfill.run(stand.minutes_ago(100_000), |_| {}).await.unwrap();
    let read = ReadBack::beside(&backfill.receiver).unwrap();
    let found = backfill.verify(&report, &read, |_| {}).await.unwrap();
    assert_eq!(found, Verification { exact: all as u64, ..Verification::default() });
}

/// Prometheus says 500 to these, for ever.
#[tokio::test]
async fn samples_older_than_prometheus_window_are_set_aside_and_newer_ones_arrive() {
    let stand = Stand::new(Make::Embedded).await;
    let window = "storage:\n  tsdb:\n    out_of_order_time_window: 2h\n";
    let server = Prometheus::start_with(window, &[]).unwrap();
    let new = stand.history(11..21).await;
    let export = stand.export(&write(&server));
    until("the new rows", async || export.samples("accepted") == new).await;
    let old = stand.history(600..605).await;
    until("the old ones", async || export.samples("set_aside") == old).await;
    assert_eq!(export.samples("accepted"), new);
    until("no lag", async || export.lag() < 1.0).await;
}
