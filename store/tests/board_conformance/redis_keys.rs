//! What stands on Redis, to the letter: other programs read it (design §4).

use std::collections::{BTreeSet, HashMap};

use canary_domain::{EventType, Facts, FireStatus, Reason, Role, Stage, Withheld, iso};
use canary_store::{AgentState, Board, ReactorState};
use canary_test_servers::{Redis, shared_redis};
use redis::AsyncTypedCommands as _;
use redis::aio::MultiplexedConnection;

use crate::support::{
    Boards, answer, at, connect, due_at, facts, lead, mismatch, prefix, register, registered, sighting, test,
    whole, withheld,
};

async fn ask(server: &Redis) -> MultiplexedConnection {
    let client = redis::Client::open(server.url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

/// A board behind a prefix of its own on the shared server, the prefix, and a connection beside it.
async fn shared() -> (impl Board, String, MultiplexedConnection) {
    let prefix = prefix();
    (connect(shared_redis(), &prefix), prefix, ask(shared_redis()).await)
}

#[tokio::test]
async fn a_test_s_hash_has_the_fields_that_the_design_names() {
    let (board, prefix, mut redis) = shared().await;
    let test = test("a-async", Some(7));
    register(&board, std::slice::from_ref(&test)).await;
    board.note_fired(test.test_id, at(100), 55).await.unwrap();
    let key = format!("{prefix}canary:{}", test.test_id);
    assert_eq!(redis.hget(&key, "fire_status").await.unwrap().as_deref(), Some("sent"));
    let answer = answer(FireStatus::Accepted);
    board.note_answer(test.test_id, &answer).await.unwrap();
    board.stamp(&[sighting(test.test_id, Stage::CfSettledLocal, 200)]).await.unwrap();
    board.stamp(&[sighting(test.test_id, Stage::CfRefunded, 210)]).await.unwrap();
    board.note_mismatch(test.test_id, &mismatch(170, "amount")).await.unwrap();
    let hash: HashMap<String, String> = redis.hgetall(&key).await.unwrap();
    let transfer_id = answer.transfer_id.unwrap();
    let (registered, fired, accepted) = (iso(at(0)), iso(at(100)), iso(at(130)));
    let (seen, occurred, refunded) = (iso(at(200)), iso(at(195)), iso(at(210)));
    let expected = [
        ("path", "a-async"),
        ("backend", "async"),
        ("cycle", "7"),
        ("term", "7"),
        ("source_frame", "a"),
        ("dest_frame", "b"),
        ("sender", "did:x:alpha"),
        ("receiver", "did:x:bravo"),
        ("amount", "0.010"),
        ("registered_iso", &registered),
        ("fired_iso", &fired),
        ("accepted_iso", &accepted),
        ("answered_iso", &accepted),
        ("transfer_id", &transfer_id),
        ("fire_status", "accepted"),
        ("fire_code", "202"),
        ("cf_settled_local_seen_iso", &seen),
        ("cf_settled_local_occurred_iso", &occurred),
        ("cf_settled_local_via", "live"),
        ("cf_refunded_seen_iso", &refunded),
        ("failure_signal", "refunded"),
        ("mismatch", "amount"),
    ];
    for (field, value) in expected {
        assert_eq!(hash.get(field).map(String::as_str), Some(value), "{field}");
    }
}

#[tokio::test]
async fn each_stage_has_the_field_that_the_design_names() {
    let (board, prefix, mut redis) = shared().await;
    let test_id = registered(&board).await.test_id;
    let fields = [
        (Stage::TokensXfer, "tokens_xfer_seen_iso"),
        (Stage::FeeCollected, "fee_collected_seen_iso"),
        (Stage::CfInitiated, "cf_initiated_seen_iso"),
        (Stage::CfSettledLocal, "cf_settled_local_seen_iso"),
        (Stage::CfSettledRemote, "cf_settled_remote_seen_iso"),
        (Stage::CfRefunded, "cf_refunded_seen_iso"),
    ];
    for (ms, (stage, _)) in (200..).zip(fields) {
        board.stamp(&[sighting(test_id, stage, ms)]).await.unwrap();
    }
    let hash: HashMap<String, String> = redis.hgetall(format!("{prefix}canary:{test_id}")).await.unwrap();
    for (ms, (_, field)) in (200..).zip(fields) {
        assert_eq!(hash.get(field), Some(&iso(at(ms))), "{field}");
    }
    let seen = hash.keys().filter(|field| field.ends_with("_seen_iso")).count();
    assert_eq!((seen, Stage::ALL.len()), (6, 6));
}

#[tokio::test]
async fn only_an_accepted_call_has_a_moment_of_acceptance() {
    let (board, prefix, mut redis) = shared().await;
    let test_id = registered(&board).await.test_id;
    board.note_answer(test_id, &answer(FireStatus::Timeout)).await.unwrap();
    let key = format!("{prefix}canary:{test_id}");
    assert!(!redis.hexists(&key, "accepted_iso").await.unwrap());
    assert_eq!(redis.hget(&key, "answered_iso").await.unwrap(), Some(iso(at(130))));
}

#[tokio::test]
async fn a_withheld_test_s_reason_is_its_failure_signal() {
    let (board, prefix, mut redis) = shared().await;
    for (reason, word) in [(Reason::Credentials, "credentials"), (Reason::LeaseLost, "lease_lost")] {
        let test_id = registered(&board).await.test_id;
        board.note_withheld(test_id, &Withheld { reason, ..withheld() }).await.unwrap();
        let key = format!("{prefix}canary:{test_id}");
        assert_eq!(redis.hget(&key, "failure_signal").await.unwrap().as_deref(), Some(word));
        let facts = facts(&board, test_id).await;
        board.close(&[test_id]).await.unwrap();
        redis.del(&key).await.unwrap();
        board.restore(&[facts]).await.unwrap();
        assert_eq!(
            redis.hget(&key, "failure_signal").await.unwrap().as_deref(),
            Some(word),
            "after a restore too"
        );
    }
}

#[tokio::test]
async fn a_refund_is_the_failure_signal_whatever_is_noted_before_or_after_it() {
    let (board, prefix, mut redis) = shared().await;
    let tests = [registered(&board).await.test_id, registered(&board).await.test_id];
    board.note_withheld(tests[0], &withheld()).await.unwrap();
    for test_id in tests {
        board.stamp(&[sighting(test_id, Stage::CfRefunded, 210)]).await.unwrap();
    }
    board.note_withheld(tests[1], &withheld()).await.unwrap();
    for test_id in tests {
        let signal = redis.hget(format!("{prefix}canary:{test_id}"), "failure_signal").await.unwrap();
        assert_eq!(signal.as_deref(), Some("refunded"));
    }
}

#[tokio::test]
async fn the_keys_are_named_as_in_the_design() {
    let server = Redis::start().unwrap();
    let (board, mut redis) = (connect(&server, ""), ask(&server).await);
    let lead = lead(&board).await;
    let test = test("a-async", Some(7));
    board.register(&lead, &test).await.unwrap();
    let answer = answer(FireStatus::Accepted);
    board.note_answer(test.test_id, &answer).await.unwrap();
    let (test_id, transfer_id) = (test.test_id.to_string(), answer.transfer_id.unwrap());
    let keys: BTreeSet<String> = redis.keys("*").await.unwrap().into_iter().collect();
    let expected = [
        format!("canary:{test_id}"),
        format!("canary_xfer:{transfer_id}"),
        "canary:open".to_owned(),
        "canary:touched".to_owned(),
        "canary:slot:a-async:7".to_owned(),
        "canary:lease:runner".to_owned(),
        "canary:term:runner".to_owned(),
    ];
    assert_eq!(keys, expected.into());
    assert_eq!(redis.get(format!("canary_xfer:{transfer_id}")).await.unwrap().as_deref(), Some(&*test_id));
    assert_eq!(redis.get("canary:slot:a-async:7").await.unwrap().as_deref(), Some(&*test_id));
    assert_eq!(redis.smembers("canary:touched").await.unwrap(), [test_id.clone()].into());
    let score = redis.zscore("canary:open", &test_id).await.unwrap().unwrap();
    assert!((score - 1_795_224_483_000.007).abs() < 0.000_5, "{score}");
    let lease = redis.get("canary:lease:runner").await.unwrap();
    assert_eq!(lease, Some(format!("node:1:{}", lead.term())));
}

#[tokio::test]
async fn two_prefixes_share_nothing() {
    let (one, other) = (connect(shared_redis(), &prefix()), connect(shared_redis(), &prefix()));
    let mut announcements = other.announcements().await.unwrap();
    let test = test("p", Some(7));
    register(&one, std::slice::from_ref(&test)).await;
    one.acquire(Role::Judge, &"n1".to_owned(), std::time::Duration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(other.holder(Role::Judge).await.unwrap(), None);
    assert_eq!(other.claimed("p", &[7]).await.unwrap(), [0; 0]);
    assert_eq!(other.open_count().await.unwrap(), 0);
    assert!(!other.note_fired(test.test_id, at(1), 2).await.unwrap());
    register(&other, std::slice::from_ref(&test)).await;
    let heard = crate::support::heard(&mut announcements).await;
    assert_eq!(heard, canary_store::Announcement::Test { test: Box::new(test) });
    crate::support::nothing_heard(&other, &mut announcements).await;
}

#[tokio::test]
async fn hashes_that_were_lost_or_changed_are_lost_tests_and_hide_no_others() {
    let (board, prefix, mut redis) = shared().await;
    let mut tests = Vec::new();
    for _ in 0..6 {
        tests.push(registered(&board).await.test_id);
    }
    let key = |index: usize| format!("{prefix}canary:{}", tests[index]);
    redis.del(key(0)).await.unwrap();
    redis.hdel(key(1), "sender").await.unwrap();
    redis.hset(key(2), "amount", "a lot").await.unwrap();
    redis.hset(key(3), "fired_iso", b"\xff\xfe".as_slice()).await.unwrap();
    redis.del(key(4)).await.unwrap();
    redis.set(key(4), "no hash").await.unwrap();
    let due = board.due(at(400_000), 10).await.unwrap();
    let read: Vec<_> = due.facts.iter().map(|facts| facts.test.test_id).collect();
    assert_eq!(read, [tests[5]]);
    let mut expected = tests[..5].to_vec();
    expected.sort_unstable();
    let mut lost = due.lost.clone();
    lost.sort_unstable();
    assert_eq!(lost, expected);
    assert_eq!(board.open_tests().await.unwrap().len(), 1);
    board.close(&due.lost).await.unwrap();
    assert_eq!(due_at(&board, 400_000).await, [tests[5]]);
}

/// A sweep meets what can't be read again and again, until the ledger's facts are in its place.
#[tokio::test]
async fn a_test_that_can_t_be_read_is_replaced_by_its_restored_facts() {
    let (board, prefix, mut redis) = shared().await;
    for broken in 0..4 {
        let test = test("p", Some(broken));
        register(&board, std::slice::from_ref(&test)).await;
        let key = format!("{prefix}canary:{}", test.test_id);
        match broken {
            0 => drop(redis.hdel(&key, "sender").await.unwrap()),
            1 => drop(redis.hset(&key, "amount", "a lot").await.unwrap()),
            2 => drop(redis.hset(&key, "fired_iso", b"\xff\xfe".as_slice()).await.unwrap()),
            _ => {
                redis.del(&key).await.unwrap();
                redis.set(&key, "no hash").await.unwrap();
            }
        }
        assert_eq!(board.due(at(400_000), 10).await.unwrap().lost, [test.test_id]);
        let known = whole(test.clone());
        board.restore(std::slice::from_ref(&known)).await.unwrap();
        assert_eq!(facts(&board, test.test_id).await, known);
        assert_eq!(due_at(&board, 0).await, [test.test_id]);
        assert!(redis.pttl(&key).await.unwrap() != redis::IntegerReplyOrNoOp::ExistsButNotRelevant);
        board.close(&[test.test_id]).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_an_unknown_test_and_stops_no_batch() {
    let (board, prefix, mut redis) = shared().await;
    let (odd, good) = (registered(&board).await.test_id, registered(&board).await.test_id);
    let key = format!("{prefix}canary:{odd}");
    redis.del(&key).await.unwrap();
    redis.set(&key, "no hash").await.unwrap();
    let batch = [odd, good].map(|test_id| sighting(test_id, Stage::TokensXfer, 200));
    assert_eq!(board.stamp(&batch).await.unwrap(), [odd]);
    assert!(facts(&board, good).await.stamps.get(Stage::TokensXfer).is_some());
    assert!(!board.note_fired(odd, at(1), 2).await.unwrap());
    assert!(!board.note_answer(odd, &answer(FireStatus::Accepted)).await.unwrap());
    assert!(!board.note_mismatch(odd, &mismatch(1, "amount")).await.unwrap());
    board.keep(&[odd, good]).await.unwrap();
}

#[tokio::test]
async fn a_lost_test_can_be_restored() {
    let (board, prefix, mut redis) = shared().await;
    let test = registered(&board).await;
    redis.del(format!("{prefix}canary:{}", test.test_id)).await.unwrap();
    assert_eq!(board.due(at(400_000), 10).await.unwrap().lost, [test.test_id]);
    board.restore(&[Facts::registered(test.clone())]).await.unwrap();
    assert_eq!(due_at(&board, 0).await, [test.test_id]);
}

#[tokio::test]
async fn a_reactor_that_can_t_be_read_is_skipped() {
    let (board, prefix, mut redis) = shared().await;
    redis
        .zadd(format!("{prefix}canary:reactors"), "a:TokensTransferred:n1", 9_999_999_999_999_i64)
        .await
        .unwrap();
    redis.hset(format!("{prefix}canary:reactor:a:TokensTransferred:n1"), "frame", "a").await.unwrap();
    assert_eq!(board.reactors().await.unwrap(), []);
}

#[tokio::test]
async fn agents_are_fields_of_one_hash_and_one_that_can_t_be_read_is_skipped() {
    let (board, prefix, mut redis) = shared().await;
    let state =
        AgentState { agent: "alpha".into(), balance: "12.50".parse().unwrap(), runway: None, at: at(0) };
    board.save_agent(&state).await.unwrap();
    let key = format!("{prefix}canary:agents");
    let json = format!(r#"{{"balance":"12.50","runway_ms":null,"at_iso":"{}"}}"#, iso(at(0)));
    assert_eq!(redis.hgetall(&key).await.unwrap(), HashMap::from([("alpha".to_owned(), json)]));
    for (name, value) in
        [("bravo", "7"), ("charlie", r#"{"balance":"a lot","runway_ms":1,"at_iso":"today"}"#)]
    {
        redis.hset(&key, name, value).await.unwrap();
    }
    assert_eq!(board.agents().await.unwrap(), [state]);
}

/// The counts of a reactor that an older version wrote are not known: it is read all the same.
#[tokio::test]
async fn a_reactor_without_counts_is_read_with_none() {
    let (board, prefix, mut redis) = shared().await;
    let state = ReactorState {
        frame: "a".into(),
        event_type: EventType::TokensTransferred,
        node: "n1".into(),
        position: Some(1),
        covered: None,
        connected: true,
        last_event_at: None,
        events_total: 5,
        matched_total: 3,
        reconnects_total: 1,
    };
    board.save_reactor(&state).await.unwrap();
    let key = format!("{prefix}canary:reactor:a:TokensTransferred:n1");
    let counts = ["events_total", "matched_total", "reconnects_total"];
    for (name, count) in counts.into_iter().zip(["5", "3", "1"]) {
        assert_eq!(redis.hget(&key, name).await.unwrap().as_deref(), Some(count));
    }
    redis.hdel(&key, &counts).await.unwrap();
    let old = ReactorState { events_total: 0, matched_total: 0, reconnects_total: 0, ..state };
    assert_eq!(board.reactors().await.unwrap(), [old]);
}

#[tokio::test]
async fn two_instances_are_one_board() {
    let Boards { board, other } = crate::support::on_redis();
    let test = registered(&*board).await;
    assert_eq!(facts(&*other, test.test_id).await.test, test);
}
