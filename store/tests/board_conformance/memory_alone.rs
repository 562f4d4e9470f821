//! What only a board in memory has: a clock that can be given to it, and listeners in its own process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use canary_domain::Role;
use canary_store::{Board, MemoryBoard};
use futures_util::StreamExt as _;

use crate::support::{at, register, registered, test};

#[tokio::test]
async fn its_time_and_its_terms_come_from_the_clock_it_was_given() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let board = MemoryBoard::with_wall(move || at(clock.load(Ordering::Relaxed)));
    assert_eq!(board.time().await.unwrap(), at(0));
    let node = "n1".to_owned();
    let term = board.acquire(Role::Judge, &node, Duration::from_secs(1)).await.unwrap();
    assert_eq!(term, Some(at(0).timestamp_millis()));
    now.store(5, Ordering::Relaxed);
    assert_eq!(board.time().await.unwrap(), at(5));
    assert_eq!(board.describe(), "the board in memory");
}

#[tokio::test]
async fn a_step_of_the_wall_clock_ends_no_lease() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&now);
    let board = MemoryBoard::with_wall(move || at(clock.load(Ordering::Relaxed)));
    board.acquire(Role::Judge, &"n1".to_owned(), Duration::from_secs(60)).await.unwrap().unwrap();
    now.store(10_000_000, Ordering::Relaxed);
    assert!(board.holder(Role::Judge).await.unwrap().is_some());
}

#[tokio::test]
async fn a_listener_that_fell_too_far_behind_is_told_by_the_end_of_its_stream() {
    let board = MemoryBoard::new();
    let mut slow = board.announcements().await.unwrap();
    register(&board, &(0..5_000).map(|cycle| test("p", Some(cycle))).collect::<Vec<_>>()).await;
    assert_eq!(slow.next().await, None);
    let mut again = board.announcements().await.unwrap();
    registered(&board).await;
    assert!(again.next().await.is_some());
}
