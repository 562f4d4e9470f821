//! The board goes away, forgets, or keeps its news to itself: nothing that was seen is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use canary_domain::{EventType, Facts, Stage, Test, Via};
use canary_store::{Board, MemoryBoard};
use tokio::sync::Semaphore;

use crate::rig::{Rig, until};

const KIND: EventType = EventType::TokensTransferred;

async fn matched(rig: &Rig, count: u64) {
    until("the events are matched", || async {
        (rig.metric("reactor_matched_total", KIND, None) >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_seen_while_the_board_is_away_is_written_when_it_returns() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    rig.covered_past(KIND, rig.now()).await;
    // The reactors have to know the test before the board goes.
    rig.store.publish(rig.event(EventType::CrossFrameTransferInitiated, &test, "t1"));
    rig.stamped(&test, Stage::CfInitiated).await;
    let board = rig.board.take();
    rig.store.publish(rig.event(KIND, &test, "t1"));
    matched(&rig, 1).await;
    let arrived = rig.now();
    rig.store.heartbeat();
    rig.board.put(board);
    let stamp = rig.stamped(&test, Stage::TokensXfer).await;
    assert!(stamp.via == Via::Live && stamp.seen <= arrived);
    rig.covered_past(KIND, arrived).await;
}

#[tokio::test]
async fn a_board_that_comes_back_empty_gets_all_sightings_again_once_it_has_the_test() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    let first = rig.stamped(&test, Stage::TokensXfer).await;
    drop(rig.board.take());
    rig.board.put(Arc::default());
    rig.covered_past(KIND, rig.now()).await;
    assert!(rig.facts(&test).await.is_none());
    rig.board.restore(&[Facts::registered(test.clone())]).await.unwrap();
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await, first);
}

#[tokio::test]
async fn an_event_of_a_test_that_only_a_lost_board_knew_is_found_when_the_test_returns() {
    let rig = Rig::new().await.started().await;
    let test = rig.test();
    rig.store.publish(rig.event(KIND, &test, "t1"));
    until("it has arrived", || async {
        (rig.metric("reactor_events_total", KIND, Some("live")) == 1).then_some(())
    })
    .await;
    let arrived = rig.now();
    rig.board.restore(&[Facts::registered(test.clone())]).await.unwrap();
    assert!(rig.stamped(&test, Stage::TokensXfer).await.seen <= arrived);
}

#[tokio::test]
async fn a_test_whose_announcement_was_lost_is_found_by_reading_the_board() {
    let rig = Rig::new().await.started().await;
    let test = rig.test();
    // Known to the board behind the back of everyone who listens, as after a half-open connection.
    let silent = rig.board.take();
    let twin = Arc::new(MemoryBoard::new());
    rig.board.put(Arc::clone(&twin));
    twin.restore(&[Facts::registered(test.clone())]).await.unwrap();
    rig.store.publish(rig.event(KIND, &test, "t1"));
    assert_eq!(rig.stamped(&test, Stage::TokensXfer).await.via, Via::Live);
    // The old connection stood all the time.
    drop(silent);
}

#[tokio::test]
async fn the_reactors_wait_for_a_board_that_is_not_there_yet() {
    let mut rig = Rig::new().await;
    let board = rig.board.take();
    let mut readiness = rig.start_unready("node-1");
    assert!(!readiness.borrow().ready());
    rig.board.put(board);
    readiness.wait_for(canary_validators::Readiness::ready).await.unwrap();
}

/// A replica that had not heard of any stamp when it took over.
async fn stale_replica(tests: &[&Test]) -> Arc<MemoryBoard> {
    let replica = Arc::new(MemoryBoard::new());
    let facts: Vec<Facts> = tests.iter().map(|test| Facts::registered((*test).clone())).collect();
    replica.restore(&facts).await.unwrap();
    replica
}

#[tokio::test]
async fn what_was_taken_before_the_board_lost_stamps_vouches_for_nothing() {
    let rig = Rig::new().await.started().await;
    let (stamped, other) = (rig.registered().await, rig.registered().await);
    rig.store.publish(rig.event(KIND, &stamped, "t1"));
    rig.stamped(&stamped, Stage::TokensXfer).await;
    rig.covered_past(KIND, rig.now()).await;
    let gate = Arc::new(Semaphore::new(0));
    rig.board.gate.lock().unwrap().replace(Arc::clone(&gate));
    // The first is on its way, and behind it a state and a sighting are taken together.
    for kind in [EventType::CrossFrameTransferInitiated, EventType::CrossFrameTransferSettled] {
        rig.store.heartbeat();
        rig.store.publish(rig.event(kind, &other, "t2"));
        until("it is matched", || async {
            (rig.metric("reactor_matched_total", kind, None) == 1).then_some(())
        })
        .await;
        gate.add_permits(usize::from(kind == EventType::CrossFrameTransferInitiated));
    }
    *rig.board.vouched.lock().unwrap() = Some(stamped.test_id);
    let reads = rig.board.reads.load(Ordering::SeqCst);
    rig.board.put(stale_replica(&[&stamped, &other]).await);
    until("the replica was read", || async {
        (rig.board.reads.load(Ordering::SeqCst) > reads).then_some(())
    })
    .await;
    rig.board.gate.lock().unwrap().take();
    gate.add_permits(1);
    rig.stamped(&stamped, Stage::TokensXfer).await;
    rig.covered_past(KIND, rig.now()).await;
    assert_eq!(rig.board.vouched_early.load(Ordering::SeqCst), 0);
}

/// The replica gets new stamps, but no coverage before it got the old ones again.
async fn coverage_comes_behind_the_stamps(rig: &Rig, stamped: &Test, later: &[&Test]) {
    for test in later {
        rig.store.heartbeat();
        rig.store.publish(rig.event(KIND, test, &test.test_id.to_string()));
        // What was taken together with a sighting is written before the next sighting is.
        rig.stamped_on_board(test, Stage::TokensXfer).await;
    }
    assert!(rig.state(KIND).await.is_none(), "a stamp is missing");
    rig.board.hidden.store(false, Ordering::SeqCst);
    rig.covered_past(KIND, rig.now()).await;
    assert!(rig.stamp(stamped, Stage::TokensXfer).await.is_some(), "coverage came behind it");
}

#[tokio::test]
async fn no_coverage_stands_on_a_board_that_lost_stamps_with_its_connections() {
    let rig = Rig::new().await.started().await;
    let (stamped, one, other) = (rig.registered().await, rig.registered().await, rig.registered().await);
    rig.store.publish(rig.event(KIND, &stamped, "t1"));
    rig.stamped(&stamped, Stage::TokensXfer).await;
    rig.board.hidden.store(true, Ordering::SeqCst);
    rig.board.put(stale_replica(&[&stamped, &one, &other]).await);
    coverage_comes_behind_the_stamps(&rig, &stamped, &[&one, &other]).await;
}

#[tokio::test]
async fn no_coverage_stands_on_a_board_that_was_away_before_it_was_read_again() {
    let rig = Rig::new().await.started().await;
    let (stamped, one, other) = (rig.registered().await, rig.registered().await, rig.registered().await);
    rig.store.publish(rig.event(KIND, &stamped, "t1"));
    rig.stamped(&stamped, Stage::TokensXfer).await;
    rig.board.hidden.store(true, Ordering::SeqCst);
    // Its announcements are never seen to end.
    let before = rig.board.take();
    until("a write has failed", || async {
        rig.store.heartbeat();
        (rig.board.failed.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    rig.board.put(stale_replica(&[&stamped, &one, &other]).await);
    coverage_comes_behind_the_stamps(&rig, &stamped, &[&one, &other]).await;
    drop(before);
}

#[tokio::test]
async fn a_test_that_the_board_cannot_stamp_keeps_no_other_from_it() {
    let rig = Rig::new().await.started().await;
    let (poisoned, other) = (rig.registered().await, rig.registered().await);
    rig.store.publish(rig.event(EventType::CrossFrameTransferInitiated, &poisoned, "t1"));
    rig.stamped(&poisoned, Stage::CfInitiated).await;
    *rig.board.poisoned.lock().unwrap() = Some(poisoned.test_id);
    rig.store.publish(rig.event(KIND, &poisoned, "t1"));
    matched(&rig, 1).await;
    rig.store.publish(rig.event(KIND, &other, "t2"));
    rig.stamped(&other, Stage::TokensXfer).await;
    rig.covered_past(KIND, rig.now()).await;
}
