//! A receiver that is down, slow, wrong or picky.

use std::time::Duration;

use chrono::TimeDelta;

use crate::on_both_stores;
use crate::receiver::{FakeReceiver, Mood};
use crate::rows::{passed, seen, test};
use crate::stand::{LONG, Make, Stand, leading, until};

on_both_stores! {
    each_push_repeats_what_was_accepted_until_the_overlap_is_over
}

async fn each_push_repeats_what_was_accepted_until_the_overlap_is_over(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let all = stand.history(11..20).await;
    let export = stand.export_with(&receiver.url(), Duration::from_millis(700), &leading(LONG));
    until("the first push", async || receiver.count() == all).await;
    assert_eq!(stand.mark(&receiver.url()).await, 0, "a 204 alone moves no mark");
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&receiver.url()).await == newest).await;
    receiver.assert_consistent();
    let pushes = receiver.seen().taken.len();
    assert!(pushes > 3, "{pushes} pushes of all samples within the overlap");
    assert_eq!(export.samples("accepted"), all);
    assert_eq!(export.samples("repeated"), all * (pushes - 1));
    // Beyond the mark nothing is repeated.
    let one = stand.history(10_000..10_001).await;
    until("what is new", async || receiver.count() == all + one).await;
    assert_eq!(receiver.seen().taken[pushes].len(), one);
}

/// Breaks the receiver, writes rows meanwhile, mends it: all of them are there, once, and the lag has told of it.
async fn away_and_back(mood: Mood) {
    let stand = Stand::new(Make::Embedded).await;
    let receiver = FakeReceiver::start().await;
    let mut all = stand.history(11..14).await;
    let export = stand.export(&receiver.url());
    until("the first rows", async || receiver.count() == all).await;
    receiver.is_in_the_mood(mood.clone());
    all += stand.history(1..11).await;
    stand.clock.skip(TimeDelta::hours(24));
    let requests = receiver.seen().requests;
    until("some tries", async || receiver.seen().requests > requests + 2).await;
    // The oldest that waits closed right away.
    until("a day of lag", async || export.lag() > 23.9 * 3600.0).await;
    receiver.is_in_the_mood(Mood::Takes);
    until("all rows", async || receiver.count() == all).await;
    until("no lag", async || export.lag() < 1.0).await;
    receiver.assert_consistent();
    assert_eq!(export.samples("set_aside"), 0, "{mood:?}");
}

#[tokio::test]
async fn a_receiver_that_answers_500_for_a_day_costs_nothing_but_lag() {
    away_and_back(Mood::Answers("500 Internal Server Error")).await;
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_costs_nothing_but_lag() {
    away_and_back(Mood::Answers("429 Too Many Requests\r\nretry-after: 1")).await;
}

#[tokio::test]
async fn a_receiver_that_hangs_costs_nothing_but_lag() {
    away_and_back(Mood::Hangs).await;
}

#[tokio::test]
async fn a_receiver_that_resets_after_it_has_taken_everything_gets_the_same_again() {
    away_and_back(Mood::TakesAndResets).await;
}

#[tokio::test]
async fn a_receiver_that_refuses_whatever_it_is_sent_is_waited_for() {
    away_and_back(Mood::Answers("401 Unauthorized")).await;
    away_and_back(Mood::Answers("400 Bad Request")).await;
    away_and_back(Mood::Answers("301 Moved Permanently\r\nlocation: http://127.0.0.1:9/")).await;
}

#[tokio::test]
async fn a_poisoned_series_is_set_aside_and_everything_else_arrives() {
    let stand = Stand::new(Make::Embedded).await;
    let receiver = FakeReceiver::start().await;
    receiver.is_in_the_mood(Mood::Refuses("path=\"f\""));
    let all = stand.history(11..31).await;
    let (poisoned, rest) = (20 * 2, all - 20 * 2);
    let export = stand.export_with(&receiver.url(), Duration::from_millis(1_500), &leading(LONG));
    until("the other series", async || receiver.count() == rest).await;
    until("its samples counted", async || export.samples("set_aside") == poisoned).await;
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark beyond them", async || stand.mark(&receiver.url()).await == newest).await;
    assert_eq!(export.samples("set_aside"), poisoned, "each is found once, whatever is repeated");
    assert_eq!(export.samples("accepted"), rest);
    receiver.assert_consistent();
    until("no lag", async || export.lag() < 1.0).await;
}

#[tokio::test]
async fn a_single_poisoned_sample_among_thousands_is_found() {
    let stand = Stand::new(Make::Embedded).await;
    let receiver = FakeReceiver::start().await;
    receiver.is_in_the_mood(Mood::Refuses("path=\"poison\""));
    let mut rest = stand.history(1_000..1_500).await;
    let due = stand.minutes_ago(900);
    let poison = [passed(seen(test("poison", due), 40), due)];
    stand.ledger.record(&poison).await.unwrap();
    rest += stand.history(100..600).await;
    let export = stand.export(&receiver.url());
    until("the others", async || receiver.count() == rest).await;
    until("its three samples", async || export.samples("set_aside") == 3).await;
    assert!(receiver.seen().requests < 100, "{} requests", receiver.seen().requests);
}

#[tokio::test]
async fn a_long_history_is_pushed_in_requests_of_a_megabyte() {
    let stand = Stand::new(Make::Embedded).await;
    let receiver = FakeReceiver::start().await;
    let all = stand.history(100..4_100).await;
    let _export = stand.export(&receiver.url());
    until("all of it", async || receiver.count() == all).await;
    let seen = receiver.seen();
    assert!(seen.taken.len() > 2 && seen.taken.len() < 10, "{} requests", seen.taken.len());
    assert!(seen.largest < 1 << 20);
}
