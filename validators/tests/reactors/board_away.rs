//! The board goes away, forgets, or keeps its news to itself: nothing that was seen is lost.

use std::sync::Arc;

use canary_domain::{EventType, Facts, Stage, Via};
use canary_store::Board;

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
    let twin = Arc::new(canary_store::MemoryBoard::new());
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
