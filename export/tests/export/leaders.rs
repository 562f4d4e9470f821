//! Leaders that die, lose their lease, or take over.

use std::time::Duration;

use crate::on_both_stores;
use crate::receiver::FakeReceiver;
use crate::stand::{LONG, Stand, leading, until};

on_both_stores! {
    who_dies_between_push_and_mark_leaves_the_same_samples_to_its_successor
    a_follower_pushes_nothing_and_begins_where_the_mark_is_once_it_leads
    who_lost_its_lease_pushes_nothing_more
}

async fn who_dies_between_push_and_mark_leaves_the_same_samples_to_its_successor(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let all = stand.history(11..20).await;
    let first = stand.export_with(&receiver.url(), LONG, &leading(LONG));
    until("the first push", async || receiver.count() == all).await;
    drop(first);
    assert_eq!(stand.mark(&receiver.url()).await, 0);
    let before = receiver.seen().taken.clone();
    let second = stand.export(&receiver.url());
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the successor's mark", async || stand.mark(&receiver.url()).await == newest).await;
    assert_eq!(receiver.seen().taken[before.len()], before[0], "the very same request");
    assert_eq!(receiver.count(), all);
    receiver.assert_consistent();
    second.stop().await;
}

async fn a_follower_pushes_nothing_and_begins_where_the_mark_is_once_it_leads(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let old = stand.history(20..30).await;
    let first = stand.export(&receiver.url());
    let second = stand.export(&receiver.url());
    second.seat.send_replace(None);
    let newest = stand.ledger.latest_change().await.unwrap();
    until("the mark", async || stand.mark(&receiver.url()).await == newest).await;
    first.stop().await;
    let new = stand.history(11..13).await;
    let pushed = receiver.seen().taken.len();
    second.seat.send_replace(Some(leading(LONG)));
    until("what is new", async || receiver.count() == old + new).await;
    let seen = receiver.seen();
    assert_eq!(seen.taken[pushed].len(), new, "what lies before the mark is not sent again");
}

async fn who_lost_its_lease_pushes_nothing_more(stand: Stand) {
    let receiver = FakeReceiver::start().await;
    let all = stand.history(11..20).await;
    let lead = leading(Duration::from_millis(400));
    let export = stand.export_with(&receiver.url(), LONG, &lead);
    until("a push", async || receiver.count() == all).await;
    lead.ended().await;
    until("its rest: who doesn't lead has no lag", async || export.lag() == 0.0).await;
    let new = stand.history(30..40).await;
    let other = FakeReceiver::start().await;
    let successor = stand.export(&other.url());
    until("all of it by a successor", async || other.count() == all + new).await;
    assert_eq!(receiver.count(), all, "what is new came from the successor alone");
    drop(successor);
}
