//! Sockets that break off, stall and forget: what is lost, what is not, and how far coverage reaches.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::rig::{Rig, until};
use crate::store::Rest;
use canary_domain::{EventType, Stage, Via};

const KIND: EventType = EventType::TokensTransferred;

/// The `after` of each subscription of the reactor so far.
fn resumed(rig: &Rig) -> Vec<Option<i64>> {
    let name = KIND.as_str();
    rig.store
        .subscriptions()
        .into_iter()
        .filter(|(subscribed, _)| subscribed == name)
        .map(|(_, after)| after)
        .collect()
}

async fn down(rig: &Rig) {
    rig.store.refuse(Some(503));
    rig.store.cut();
    until("the reactor is down", || async { rig.state(KIND).await.filter(|state| !state.connected) }).await;
}

#[tokio::test]
async fn a_reconnection_resumes_from_the_position_and_what_it_replays_counts_by_its_own_time() {
    let mut rig = Rig::new().await;
    rig.settings.backstop_every = Duration::from_secs(600);
    rig.start("node-1").await;
    rig.covered_past(KIND, rig.now()).await;
    let position = rig.store.head();
    let from = rig.state(KIND).await.unwrap().covered.unwrap().from;
    down(&rig).await;
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.store.refuse(None);
    let stamp = rig.stamped(&test, Stage::TokensXfer).await;
    assert_eq!(stamp.via, Via::Replay);
    assert!(stamp.occurred < stamp.seen);
    assert_eq!(resumed(&rig), [None, Some(position)]);
    rig.covered_past(KIND, rig.now()).await;
    assert_eq!(rig.state(KIND).await.unwrap().covered.unwrap().from, from, "nothing was missed");
}

#[tokio::test]
async fn coverage_stops_while_the_platform_cannot_be_read_and_continues_afterwards() {
    let rig = Rig::new().await.started().await;
    rig.covered_past(KIND, rig.now()).await;
    rig.store.rest(Rest::Status(503));
    down(&rig).await;
    let cut = rig.now();
    let polls = rig.store.polls();
    until("the backstop has tried", || async { (rig.store.polls() > polls + 10).then_some(()) }).await;
    assert!(rig.covered_until(KIND).await.unwrap() < cut);
    rig.store.rest(Rest::Works);
    until("the backstop covers", || async { rig.covered_until(KIND).await.filter(|until| *until > cut) })
        .await;
    rig.store.refuse(None);
    rig.covered_past(KIND, rig.now()).await;
}

#[tokio::test]
async fn the_backstop_stamps_while_the_socket_is_down_page_by_page() {
    let rig = Rig::new().await.started().await;
    rig.store.page_size(2);
    down(&rig).await;
    let mut tests = Vec::new();
    for index in 0..5 {
        let test = rig.registered().await;
        rig.store.publish(rig.event(KIND, &test, &format!("t{index}")));
        tests.push(test);
    }
    let published = rig.now();
    for test in &tests {
        assert_eq!(rig.stamped(test, Stage::TokensXfer).await.via, Via::Backstop);
    }
    until("coverage has passed", || async {
        rig.covered_until(KIND).await.filter(|until| *until > published)
    })
    .await;
    assert_eq!(rig.state(KIND).await.unwrap().position, Some(rig.store.head()));
}

#[tokio::test]
async fn answers_of_the_backstop_that_are_garbage_or_never_come_are_survived() {
    let rig = Rig::new().await.started().await;
    down(&rig).await;
    let test = rig.registered().await;
    for rest in [Rest::Html, Rest::Status(401), Rest::Status(500)] {
        rig.store.rest(rest);
        let polls = rig.store.polls();
        until("the backstop has tried", || async { (rig.store.polls() > polls + 5).then_some(()) }).await;
    }
    assert!(rig.rejected(KIND, "unparsable") > 0, "HTML is no page");
    assert!(rig.tokens.refused.load(Ordering::SeqCst) > 0, "a 401 asks for another bearer");
    rig.store.rest(Rest::Hangs);
    let polls = rig.store.polls();
    until("the backstop hangs", || async { (rig.store.polls() >= polls + 5).then_some(()) }).await;
    rig.store.rest(Rest::Works);
    rig.store.refuse(None);
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.stamped(&test, Stage::TokensXfer).await;
}

#[tokio::test]
async fn a_gap_stops_coverage_until_the_backstop_has_closed_it() {
    let mut rig = Rig::new().await;
    rig.settings.backstop_every = Duration::from_millis(20);
    rig.start("node-1").await;
    rig.covered_past(KIND, rig.now()).await;
    rig.store.rest(Rest::Status(503));
    down(&rig).await;
    let cut = rig.now();
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.store.forget_before(rig.store.head() + 1);
    rig.store.refuse(None);
    until("the reactor is back", || async { rig.state(KIND).await.filter(|state| state.connected) }).await;
    let live = rig.registered().await;
    rig.store.publish(rig.event(KIND, &live, "t2"));
    assert_eq!(rig.stamped(&live, Stage::TokensXfer).await.via, Via::Live, "the stream goes on");
    let other = EventType::CrossFrameTransferSettled;
    for _ in 0..20 {
        rig.store.heartbeat();
    }
    assert!(rig.covered_until(KIND).await.unwrap() < cut);
    assert!(rig.covered_until(other).await.unwrap() < cut, "each reactor has the gap");
    rig.store.rest(Rest::Works);
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await.via, Via::Backstop);
    rig.covered_past(KIND, cut).await;
}

#[tokio::test]
async fn a_socket_that_falls_silent_is_opened_again() {
    let mut rig = Rig::new().await;
    rig.settings.silence_after = Duration::from_millis(400);
    rig.start("node-1").await;
    until("it was opened again", || async {
        (rig.metric("reactor_reconnects_total", KIND, None) >= 2).then_some(())
    })
    .await;
    assert!(resumed(&rig).len() >= 2);
}

#[tokio::test]
async fn a_stream_without_heartbeats_is_covered_by_the_backstop() {
    let mut rig = Rig::new().await;
    rig.settings.silence_after = Duration::from_millis(600);
    rig.start("node-1").await;
    let started = rig.now();
    until("the backstop covers", || async {
        rig.store.publish(rig.users_event(KIND));
        rig.covered_until(KIND).await.filter(|until| *until > started)
    })
    .await;
    assert_eq!(rig.metric("reactor_reconnects_total", KIND, None), 0, "events keep the socket");
}

#[tokio::test]
async fn a_refused_bearer_is_replaced() {
    let mut rig = Rig::new().await;
    *rig.tokens.stale.lock().unwrap() = true;
    rig.start("node-1").await;
    assert!(rig.tokens.refused.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn an_instance_that_restarts_continues_where_it_or_another_was() {
    let mut rig = Rig::new().await.started().await;
    rig.covered_past(KIND, rig.now()).await;
    let from = rig.state(KIND).await.unwrap().covered.unwrap().from;
    let position = rig.store.head();
    rig.stop().await;
    assert!(!rig.state(KIND).await.unwrap().connected);
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.start("node-2").await;
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await.via, Via::Replay);
    assert_eq!(resumed(&rig), [None, Some(position)]);
    rig.covered_past(KIND, rig.now()).await;
    assert_eq!(rig.state(KIND).await.unwrap().covered.unwrap().from, from);
}

#[tokio::test]
async fn a_canary_that_never_had_a_socket_observes_by_the_backstop() {
    let mut rig = Rig::new().await;
    rig.store.refuse(Some(503));
    let readiness = rig.start_unready("node-1");
    let begun = until("it has a position", || async { rig.state(KIND).await?.position }).await;
    assert_eq!(begun, rig.store.head());
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await.via, Via::Backstop);
    assert!(!readiness.borrow().ready());
}

#[tokio::test]
async fn an_eventstore_that_begins_anew_is_followed() {
    let rig = Rig::new().await.started().await;
    rig.covered_past(KIND, rig.now()).await;
    rig.store.reset();
    let reset = rig.now();
    rig.store.cut();
    // From now on, or from the head that the backstop has asked for meanwhile.
    until("it follows the new positions", || async {
        let last = *resumed(&rig).last()?;
        (resumed(&rig).len() > 2 && last.is_none_or(|after| after <= rig.store.head())).then_some(())
    })
    .await;
    let test = rig.registered().await;
    until("it is subscribed", || async { rig.state(KIND).await.filter(|state| state.connected) }).await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await.via, Via::Live);
    assert!(
        rig.state(KIND).await.unwrap().covered.unwrap().from > reset,
        "what came before can't be vouched for"
    );
}

#[tokio::test]
async fn a_reactors_state_carries_the_counts_of_its_metrics() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    for _ in 0..3 {
        rig.store.publish(rig.users_event(KIND));
    }
    rig.stamped(&test, Stage::TokensXfer).await;
    rig.covered_past(KIND, rig.now()).await;
    let counts =
        |state: canary_store::ReactorState| (state.events_total, state.matched_total, state.reconnects_total);
    assert_eq!(rig.state(KIND).await.map(counts), Some((4, 1, 0)));

    down(&rig).await;
    let (_, _, reconnects) = rig.state(KIND).await.map(counts).unwrap();
    assert!(reconnects > 0, "the state that says that it is down has counted it");
    rig.store.refuse(None);
    until("it is up again", || async { rig.state(KIND).await.filter(|state| state.connected) }).await;
    rig.covered_past(KIND, rig.now()).await;
    let vias = ["live", "replay", "backstop"];
    let events = vias.map(|via| rig.metric("reactor_events_total", KIND, Some(via))).iter().sum();
    let expected = (
        events,
        rig.metric("reactor_matched_total", KIND, None),
        rig.metric("reactor_reconnects_total", KIND, None),
    );
    assert_eq!(rig.state(KIND).await.map(counts), Some(expected));
}
