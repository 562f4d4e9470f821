//! The same on a real Redis that is stopped, in real time and with short leases.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock as _, Role};
use canary_store::{Board, BoardClock, LeaseTimes, RedisBoard};
use canary_test_servers::Redis;
use tokio::time::Instant;

use crate::contending::{Contender, check_fails};

const TIMES: LeaseTimes = LeaseTimes {
    ttl: Duration::from_millis(1_500),
    renew_every: Duration::from_millis(300),
    margin: Duration::from_millis(500),
};

fn connect(server: &Redis) -> Arc<dyn Board> {
    Arc::new(RedisBoard::connect(&server.url().into(), String::new()).unwrap())
}

#[tokio::test]
async fn a_leader_whose_redis_is_frozen_stops_in_time_and_one_of_both_leads_afterwards() {
    let mut server = Redis::start().unwrap();
    let mut one = Contender::start(connect(&server), "n1", TIMES);
    let lead = one.leads().await;
    let two = Contender::start(connect(&server), "n2", TIMES);
    let frozen = Instant::now();
    server.pause().unwrap();
    check_fails(&lead).await;
    assert!(frozen.elapsed() < TIMES.ttl, "{:?}", frozen.elapsed());
    one.follows().await;
    assert!(!two.now_leads());
    server.resume().unwrap();
    let successor = leader(one, two).await;
    assert!(successor > lead.term());
}

#[tokio::test]
async fn a_redis_that_came_back_empty_gets_a_leader_in_a_later_term() {
    let mut server = Redis::start().unwrap();
    let mut one = Contender::start(connect(&server), "n1", TIMES);
    let lead = one.leads().await;
    let two = Contender::start(connect(&server), "n2", TIMES);
    server.restart().unwrap();
    one.follows().await;
    assert!(lead.check().is_err());
    assert!(leader(one, two).await > lead.term());
}

#[tokio::test]
async fn a_lease_handed_back_is_free_on_redis_at_once() {
    let server = Redis::start().unwrap();
    let board = connect(&server);
    let mut one = Contender::start(Arc::clone(&board), "n1", TIMES);
    one.leads().await;
    one.stopping.cancel();
    one.stopped.cancel();
    one.ends().await;
    assert_eq!(board.holder(Role::Runner).await.unwrap(), None);
}

/// The term of whichever leads next.
async fn leader(mut one: Contender, mut two: Contender) -> i64 {
    tokio::select! {
        lead = one.leads() => lead.term(),
        lead = two.leads() => lead.term(),
    }
}

#[tokio::test]
async fn a_clock_is_as_near_to_redis_as_it_says() {
    let server = Redis::start().unwrap();
    let board = connect(&server);
    let clock = BoardClock::start(&*board).await.unwrap();
    for _ in 0..50 {
        let before = clock.now();
        let theirs = board.time().await.unwrap();
        let after = clock.now();
        let error = clock.error_bound();
        assert!(before - error <= theirs && theirs <= after + error, "{before} {theirs} {after} ± {error:?}");
        clock.compare(&*board).await.unwrap();
    }
    assert_eq!(clock.steps(), 0);
    assert!(clock.error_bound() < Duration::from_millis(100));
}
