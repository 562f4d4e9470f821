//! How long things live: on Redis by the server's own word, in memory with a clock that is moved ahead.

use std::collections::BTreeSet;
use std::time::Duration;

use canary_domain::{EventType, FireStatus, Role, Stage, Test};
use canary_store::{AgentState, Board, MemoryBoard, ReactorState};
use canary_test_servers::Redis;
use redis::AsyncTypedCommands as _;
use redis::aio::MultiplexedConnection;
use tokio::time::advance;

use crate::support::{
    answer, at, connect, due_at, facts, lead, mismatch, register, registered, sighting, test, whole, withheld,
};

const HOUR: u64 = 60 * 60;
const LIFE: u64 = 600 + HOUR;

fn reactor() -> ReactorState {
    ReactorState {
        frame: "a".to_owned(),
        event_type: EventType::TokensTransferred,
        node: "n1".to_owned(),
        position: Some(41),
        covered: None,
        connected: true,
        last_event_at: None,
        events_total: 5,
        matched_total: 3,
        reconnects_total: 1,
    }
}

fn agent(name: &str) -> AgentState {
    AgentState { agent: name.to_owned(), balance: 7.into(), runway: Some(Duration::from_secs(60)), at: at(0) }
}

async fn ask(server: &Redis) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// Uses everything that writes a key.
async fn write_everything(board: &dyn Board) {
    let lead = lead(board).await;
    let test = test("p", Some(7));
    board.register(&lead, &test).await.unwrap();
    board.note_fired(test.test_id, at(1), 2).await.unwrap();
    board.note_answer(test.test_id, &answer(FireStatus::Accepted)).await.unwrap();
    board.note_withheld(test.test_id, &withheld()).await.unwrap();
    board.note_mismatch(test.test_id, &mismatch(1, "other")).await.unwrap();
    board.stamp(&[sighting(test.test_id, Stage::CfRefunded, 1)]).await.unwrap();
    board.restore(&[whole(crate::support::test("p", Some(8)))]).await.unwrap();
    board.register_free(&crate::support::test("p", None)).await.unwrap();
    board.save_reactor(&reactor()).await.unwrap();
    board.save_agent(&agent("alpha")).await.unwrap();
    board.keep(&[test.test_id]).await.unwrap();
}

#[tokio::test]
async fn every_key_on_redis_expires_but_counters_and_positions() {
    let server = Redis::start().unwrap();
    write_everything(&connect(&server, "x:")).await;
    let mut redis = ask(&server).await;
    let mut keys = redis.keys("*").await.unwrap();
    keys.sort();
    let endless: Vec<&str> = ["x:canary:position:a:TokensTransferred", "x:canary:term:runner"].into();
    let mut without_end = Vec::new();
    for key in &keys {
        match redis.ttl(key).await.unwrap().raw() {
            -1 => without_end.push(key.as_str()),
            seconds => {
                let limit = if key.contains("reactor") || key.contains("agents") { 2 * HOUR } else { LIFE };
                let seconds = u64::try_from(seconds).expect("a time to live");
                assert!(seconds <= limit, "{key}: {seconds}");
                assert!(key.contains("lease") || seconds >= 4_195, "{key} has only {seconds} seconds");
            }
        }
    }
    assert_eq!(without_end, endless);
    assert_eq!(keys.len(), 15, "{keys:?}");
}

#[tokio::test]
async fn on_redis_keep_gives_a_test_and_what_points_to_it_its_whole_time_again() {
    let server = Redis::start().unwrap();
    let board = connect(&server, "");
    let test = test("p", Some(7));
    register(&board, std::slice::from_ref(&test)).await;
    let answer = answer(FireStatus::Accepted);
    board.note_answer(test.test_id, &answer).await.unwrap();
    let mut redis = ask(&server).await;
    let keys = [
        format!("canary:{}", test.test_id),
        format!("canary_xfer:{}", answer.transfer_id.unwrap()),
        "canary:slot:p:7".to_owned(),
        "canary:open".to_owned(),
        "canary:touched".to_owned(),
    ];
    for key in &keys {
        assert!(redis.expire(key, 5).await.unwrap(), "{key}");
    }
    board.keep(&[test.test_id, canary_domain::TestId::random()]).await.unwrap();
    for key in &keys {
        assert!(redis.ttl(key).await.unwrap().raw() > 4_195, "{key}");
    }
}

#[tokio::test]
async fn on_redis_what_many_share_lives_as_long_as_the_longest_lived() {
    let server = Redis::start().unwrap();
    let board = connect(&server, "");
    let long = Test { watch: Duration::from_secs(7_200), ..test("p", Some(1)) };
    register(&board, &[long, test("p", Some(2))]).await;
    assert!(ask(&server).await.ttl("canary:open").await.unwrap().raw() > 10_795);
}

#[tokio::test]
async fn on_redis_a_claim_outlives_a_period_longer_than_the_watch() {
    let server = Redis::start().unwrap();
    let board = connect(&server, "");
    register(&board, &[Test { period_ms: Some(86_400_000), ..test("p", Some(1)) }]).await;
    let seconds = ask(&server).await.ttl("canary:slot:p:1").await.unwrap().raw();
    assert!((89_990..=90_000).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn in_memory_facts_and_claims_live_for_the_watch_and_an_hour() {
    let board = MemoryBoard::new();
    let test = test("p", Some(7));
    register(&board, std::slice::from_ref(&test)).await;
    advance(Duration::from_secs(LIFE - 1)).await;
    assert_eq!(due_at(&board, 330_000).await, [test.test_id]);
    advance(Duration::from_secs(1)).await;
    let due = board.due(at(330_000), 10).await.unwrap();
    assert_eq!((due.facts.len(), due.lost), (0, vec![test.test_id]), "open still, but forgotten");
    assert_eq!(board.open_tests().await.unwrap(), []);
    assert_eq!(board.claimed("p", &[7]).await.unwrap(), [0; 0]);
    assert!(!board.note_fired(test.test_id, at(1), 2).await.unwrap());
    board.close(&[test.test_id]).await.unwrap();
    assert_eq!(board.open_count().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn in_memory_keep_gives_a_test_its_whole_time_again() {
    let board = MemoryBoard::new();
    let kept = test("p", Some(7));
    let lost = test("p", Some(8));
    register(&board, &[kept.clone(), lost.clone()]).await;
    advance(Duration::from_secs(LIFE - 1)).await;
    board.keep(&[kept.test_id]).await.unwrap();
    advance(Duration::from_secs(LIFE - 1)).await;
    registered(&board).await;
    assert_eq!(facts(&board, kept.test_id).await.test, kept);
    assert_eq!(board.claimed("p", &[7, 8]).await.unwrap(), [7]);
    assert_eq!(board.due(at(330_000), 10).await.unwrap().lost, [lost.test_id]);
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_silent_reactor_is_forgotten_after_two_hours_and_its_position_is_not() {
    let board = MemoryBoard::new();
    board.save_reactor(&reactor()).await.unwrap();
    advance(Duration::from_secs(2 * HOUR - 1)).await;
    assert_eq!(board.reactors().await.unwrap(), [reactor()]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(board.reactors().await.unwrap(), []);
    assert_eq!(board.position("a", EventType::TokensTransferred).await.unwrap(), Some(41));
}

#[tokio::test(start_paused = true)]
async fn in_memory_agents_are_forgotten_two_hours_after_the_last_of_them_was_saved() {
    let board = MemoryBoard::new();
    board.save_agent(&agent("alpha")).await.unwrap();
    advance(Duration::from_secs(2 * HOUR - 1)).await;
    board.save_agent(&agent("bravo")).await.unwrap();
    advance(Duration::from_secs(2 * HOUR - 1)).await;
    assert_eq!(board.agents().await.unwrap(), [agent("alpha"), agent("bravo")]);
    advance(Duration::from_secs(1)).await;
    assert_eq!(board.agents().await.unwrap(), []);
}

/// A process that crashes and starts for hours leaves thousands behind, and every sweep reads them.
#[tokio::test]
async fn on_redis_of_very_many_reactors_those_that_wrote_last_are_read() {
    let server = Redis::start().unwrap();
    let board = connect(&server, "");
    for n in 0..1_010 {
        board.save_reactor(&ReactorState { node: format!("n{n}"), ..reactor() }).await.unwrap();
    }
    let mut redis = ask(&server).await;
    let (index, now) = ("canary:reactors", board.time().await.unwrap().timestamp_millis());
    let hour_ms = i64::try_from(HOUR).unwrap() * 1_000;
    redis.zadd(index, "a:TokensTransferred:n1009", now - 2 * hour_ms - 1).await.unwrap();
    for n in 1_000..1_009 {
        redis.zadd(index, format!("a:TokensTransferred:n{n}"), now - hour_ms).await.unwrap();
    }
    let nodes: BTreeSet<String> =
        board.reactors().await.unwrap().into_iter().map(|state| state.node).collect();
    assert_eq!(nodes, (0..1_000).map(|n| format!("n{n}")).collect());
    assert_eq!(redis.zcard(index).await.unwrap(), 1_009, "who was silent for too long is not kept in it");
}

#[tokio::test(start_paused = true)]
async fn in_memory_a_lease_ends_with_its_time() {
    let board = MemoryBoard::new();
    let lead = lead(&board).await;
    advance(Duration::from_secs(60)).await;
    assert_eq!(board.holder(Role::Runner).await.unwrap(), None);
    assert!(!board.renew(Role::Runner, &lead.holder(), Duration::from_secs(60)).await.unwrap());
}
