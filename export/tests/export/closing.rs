//! When rows are exported, and in what order.

use std::collections::BTreeSet;
use std::time::Duration;

use canary_domain::{Facts, Role, Stage};
use canary_store::{Holder, Leadership, Registration};
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::on_both_stores;
use crate::receiver::FakeReceiver;
use crate::rows::{failed, passed, seen, skipped, test};
use crate::stand::{LONG, Stand, until};

on_both_stores! {
    a_row_is_exported_when_its_watch_is_over_and_not_before
    a_row_that_is_judged_hours_late_is_exported_after_newer_ones
    a_slot_found_missing_hours_later_is_exported_too
    a_row_waits_for_the_judge_to_close_its_test_and_is_exported_as_amended
    a_new_receiver_gets_the_last_month_and_then_whatever_is_judged
    samples_bear_the_moment_of_firing_or_of_the_cycle
}

async fn a_row_is_exported_when_its_watch_is_over_and_not_before(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let before = stand.history(11..12).await;
    let due = stand.clock().now() - TimeDelta::seconds(590);
    let rows = [passed(seen(test("p", due), 40), due + TimeDelta::seconds(2))];
    stand.ledger.record(&rows).await.unwrap();
    let export = stand.export(&receiver.url());
    until("the older rows", async || receiver.count() == before).await;
    let newest_closed = stand.ledger.latest_change().await.unwrap() - 1;
    until("a round after that", async || stand.mark(&receiver.url()).await == newest_closed).await;
    until("no lag", async || export.lag() < 1.0).await;
    assert_eq!(receiver.count(), before, "its watch is not over");
    stand.clock.skip(TimeDelta::seconds(11));
    until("the row", async || receiver.count() == before + 3).await;
}

async fn a_row_that_is_judged_hours_late_is_exported_after_newer_ones(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let old = test("old", stand.minutes_ago(300));
    stand.ledger.claim(&old).await.unwrap();
    let newer = stand.history(11..15).await;
    let export = stand.export(&receiver.url());
    until("the newer rows", async || receiver.count() == newer).await;
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark beyond them", async || stand.mark(&receiver.url()).await == newest).await;

    let now = stand.clock().now();
    stand.ledger.record(&[passed(seen(old, 40), now)]).await.unwrap();
    until("the old row", async || receiver.count() == newer + 3).await;
    until("no lag", async || export.lag() < 1.0).await;
    assert!(receiver.seen().samples.keys().any(|(series, _)| series.contains("path=\"old\"")));
}

async fn a_slot_found_missing_hours_later_is_exported_too(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let newer = stand.history(11..15).await;
    let _export = stand.export(&receiver.url());
    until("the newer rows", async || receiver.count() == newer).await;
    let found = skipped(test("gap", stand.minutes_ago(200)));
    stand.ledger.write_unfired(&[found]).await.unwrap();
    until("the slot", async || receiver.count() == newer + 1).await;
}

async fn a_row_waits_for_the_judge_to_close_its_test_and_is_exported_as_amended(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let node = "r".to_owned();
    let term = stand.board.acquire(Role::Runner, &node, LONG).await.unwrap().unwrap();
    let runner = Leadership::new(Role::Runner, Holder { node, term }, Instant::now() + LONG);
    let test = test("open", stand.minutes_ago(20));
    assert_eq!(stand.board.register(&runner, &test).await.unwrap(), Registration::Registered);
    let first = failed(test.clone(), stand.minutes_ago(19));
    stand.ledger.record(&[first]).await.unwrap();
    let others = stand.history(30..33).await;
    let export = stand.export(&receiver.url());
    stand.clock.skip(TimeDelta::minutes(5));
    until("a lag as of its watch's end", async || export.lag() > 300.0).await;
    assert_eq!(receiver.count(), 0, "all of them come after it");

    // The judge, back from an outage, finds the stamp that came in time.
    let late = Facts { test: test.clone(), ..seen(test.clone(), 40) };
    assert!(late.stamps.get(Stage::TokensXfer).is_some());
    stand.ledger.record(&[passed(late, stand.clock().now())]).await.unwrap();
    until("the others", async || receiver.count() == others).await;
    stand.board.close(&[test.test_id]).await.unwrap();
    until("the row as amended", async || receiver.count() == others + 3).await;
    let seen = receiver.seen();
    let of_it: BTreeSet<&str> = seen
        .samples
        .keys()
        .map(|(series, _)| series.as_str())
        .filter(|name| name.contains("\"open\""))
        .collect();
    assert!(of_it.iter().all(|series| !series.contains("failed")), "{of_it:?}");
}

async fn a_new_receiver_gets_the_last_month_and_then_whatever_is_judged(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let day = 24 * 60;
    stand.history(40 * day..40 * day + 9).await;
    let month = stand.history(30 * day..30 * day + 5).await;
    let _export = stand.export(&receiver.url());
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&receiver.url()).await == newest).await;
    assert_eq!(receiver.count(), month);
    let late = skipped(test("late", stand.minutes_ago(50 * day)));
    stand.ledger.write_unfired(&[late]).await.unwrap();
    until("what was judged since", async || receiver.count() == month + 1).await;
}

async fn samples_bear_the_moment_of_firing_or_of_the_cycle(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let due = stand.minutes_ago(30) + TimeDelta::seconds(5);
    let rows = [passed(seen(test("p", due), 40), due)];
    stand.ledger.record(&rows).await.unwrap();
    stand.ledger.write_unfired(&[skipped(test("s", due))]).await.unwrap();
    let _export = stand.export_with(&receiver.url(), Duration::ZERO, &crate::stand::leading(LONG));
    until("all", async || receiver.count() == 4).await;
    let seen = receiver.seen();
    let labels = "backend=\"intra\",canary=\"test\",dest_frame=\"a\"";
    let cycle = due.timestamp_millis() - 5_000;
    let expected = [
        (
            format!("canary_test_latency_ms{{{labels},path=\"p\",source_frame=\"a\"}}"),
            due.timestamp_millis() + 1,
            40.0,
        ),
        (
            format!("canary_test_outcome{{{labels},outcome=\"passed\",path=\"p\",source_frame=\"a\"}}"),
            due.timestamp_millis() + 1,
            1.0,
        ),
        (
            format!("canary_test_outcome{{{labels},outcome=\"skipped\",path=\"s\",source_frame=\"a\"}}"),
            cycle,
            1.0,
        ),
        (
            format!("canary_test_passed{{{labels},path=\"p\",source_frame=\"a\"}}"),
            due.timestamp_millis() + 1,
            1.0,
        ),
    ];
    let found: Vec<_> =
        seen.samples.iter().map(|((series, at), values)| (series.clone(), *at, values[0])).collect();
    assert_eq!(found, expected);
}
