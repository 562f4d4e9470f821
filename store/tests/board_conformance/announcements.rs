//! News for the validators: to every instance, from the moment of subscribing on.

use canary_store::{Announcement, Board};
use canary_test_servers::{Redis, shared_redis};
use futures_util::StreamExt as _;
use redis::AsyncTypedCommands as _;
use tokio::time::timeout;

use crate::support::{PATIENCE, both, connect, heard, nothing_heard, prefix, registered, until};

both! {
    async fn every_listener_hears_what_is_announced_after_it_subscribed(boards) {
        registered(&*boards.board).await;
        let mut here = boards.board.announcements().await.unwrap();
        let mut there = boards.other.announcements().await.unwrap();
        nothing_heard(&*boards.board, &mut here).await;
        heard(&mut there).await;
        let mut tests = Vec::new();
        for _ in 0..3 {
            tests.push(registered(&*boards.board).await);
        }
        for listener in [&mut here, &mut there] {
            for test in &tests {
                assert_eq!(heard(listener).await, Announcement::Test { test: Box::new(test.clone()) });
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_announcement_is_skipped() {
    let prefix = prefix();
    let board = connect(shared_redis(), &prefix);
    let mut announcements = board.announcements().await.unwrap();
    let client = redis::Client::open(shared_redis().url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    for garbage in
        ["", "{", "{\"kind\":\"other\"}", "{\"kind\":\"transfer\",\"test_id\":\"7\",\"transfer_id\":\"t\"}"]
    {
        connection.publish(format!("{prefix}canary:fires"), garbage).await.unwrap();
    }
    let test = registered(&board).await;
    assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(test) });
}

#[tokio::test]
async fn the_stream_ends_when_redis_goes_away_and_a_new_one_hears_again() {
    let mut server = Redis::start().unwrap();
    let board = connect(&server, "");
    let mut announcements = board.announcements().await.unwrap();
    server.stop().unwrap();
    assert_eq!(timeout(PATIENCE, announcements.next()).await.expect("an end in time"), None);
    assert!(board.announcements().await.err().expect("nobody listens there").is_unavailable());
    server.restart().unwrap();
    let mut announcements = board.announcements().await.unwrap();
    until("the board is back", async || board.time().await.is_ok()).await;
    let test = registered(&board).await;
    assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(test) });
}

#[tokio::test]
async fn the_stream_ends_when_redis_is_there_but_says_nothing() {
    let mut server = Redis::start().unwrap();
    let board = connect(&server, "");
    let mut announcements = board.announcements().await.unwrap();
    server.pause().unwrap();
    assert_eq!(timeout(PATIENCE, announcements.next()).await.expect("an end in time"), None);
    server.resume().unwrap();
}

#[tokio::test]
async fn a_quiet_stream_lasts() {
    let board = connect(shared_redis(), &prefix());
    let mut announcements = board.announcements().await.unwrap();
    // Longer than a quiet connection waits before it is asked for a sign of life.
    let quiet = timeout(std::time::Duration::from_secs(6), announcements.next()).await;
    assert!(quiet.is_err(), "neither news nor an end");
    let test = registered(&board).await;
    assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(test) });
}
