//! A leader that stands still in the worst moment sends nothing once its lease is another's, by the platform's own record.
//!
//! Between a slot's claim and its transfer there are two waits: for the board's word that the test is registered, and, after
//! a 401, for a new token. The process is stopped in each, beyond its lease; another leads and fires; it goes on.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use canary_sandbox::{Call, CallFault, Fault, FaultSet, TransferCall, What};
use canary_tests::{
    Deployment, Instance, Network, Plan, Proxy, Route, Row, Signal, launch_through, run, until_some,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Longer than it takes to see a test on the board, or its call in the record, and to stop the process.
const UNDER_WAY: Duration = Duration::from_millis(900);

fn plan(paths: &[&str]) -> Plan {
    Plan {
        routes: Route::named(paths),
        own_redis: true,
        spread: Duration::from_millis(300),
        call_timeout: Duration::from_secs(2),
        blind_after: Duration::from_secs(3),
        deadlines: [Duration::from_secs(3); 3],
        ..Plan::default()
    }
}

/// A leader whose way to the board can be made slow, and another that waits for the lease.
struct Pair {
    stage: Deployment,
    board: Proxy,
    leader: Instance,
    other: Instance,
}

impl Pair {
    async fn ready() -> Self {
        let mut stage = Deployment::start(plan(&["a-intra", "b-2pc-a"])).await;
        let redis = SocketAddr::from((Ipv4Addr::LOCALHOST, stage.redis().port()));
        let board = Proxy::start(redis);
        stage.write("redis-slow.url", &format!("redis://{}", board.address()));
        let mut leader = launch_through(&stage, &[("/redis.url".into(), "/redis-slow.url".into())]);
        leader.ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;
        let passed = |rows: &[Row]| rows.iter().any(|row| row.outcome == "passed");
        stage.rows_when("a pass", 20, passed).await;
        Self { stage, board, leader, other }
    }

    /// The leader has been stopped with this test in hand. Another leads and fires, the first goes on: nothing of it is ever
    /// sent, nor of anything else by the first.
    async fn sends_nothing(self, in_hand: Uuid, sent: usize) {
        let Self { stage, board, leader, other } = self;
        let stopped = newest(&stage.rows().await);
        other.takes_the_lead().await;
        let another = |rows: &[Row]| rows.iter().filter(|row| fired_after(row, stopped)).count() >= 4;
        stage.rows_when("another fires", 20, another).await;
        board.set(Network::Sound);
        stage.sandbox().faults().clear();
        leader.signal(Signal::Continue);
        let went_on = newest(&stage.rows().await);
        let told = |rows: &[Row]| {
            let row = rows.iter().find(|row| row.test_id == in_hand);
            row.is_some_and(|row| row.verdict() == "missed/lease_lost")
        };
        stage.rows_when("the first says that it did not send it", 30, told).await;
        let on = |rows: &[Row]| rows.iter().filter(|row| fired_after(row, went_on)).count() >= 6;
        let rows = stage.rows_when("another fires on", 30, on).await;
        let calls = stage.sandbox().record().calls;
        assert_eq!(of(&calls, in_hand).len(), sent, "it was sent after all");
        let term = rows.iter().find(|row| fired_after(row, went_on)).map(|row| row.term);
        for row in rows.iter().filter(|row| row.registered_at > stopped && row.fired_at.is_some()) {
            assert_eq!(Some(row.term), term, "fired by one who did not lead: {row:#?}");
            assert_eq!(of(&calls, row.test_id).len(), 1, "{row:#?}");
        }
        assert!(!leader.leads("runner").await, "it takes back no lease that another holds");
    }
}

fn newest(rows: &[Row]) -> DateTime<Utc> {
    rows.iter().map(|row| row.registered_at).max().unwrap()
}

fn fired_after(row: &Row, moment: DateTime<Utc>) -> bool {
    row.registered_at > moment && row.outcome == "passed"
}

fn of(calls: &[TransferCall], test_id: Uuid) -> Vec<&TransferCall> {
    let key = test_id.to_string();
    calls.iter().filter(|call| call.idempotency_key.as_ref() == Some(&key)).collect()
}

#[test]
fn a_leader_that_stands_still_between_claim_and_transfer_sends_nothing_once_another_leads() {
    run(async {
        tokio::join!(waiting_for_the_board(), waiting_for_a_token());
    });
}

async fn waiting_for_the_board() {
    let pair = Pair::ready().await;
    let known: Vec<Uuid> = tests_on_the_board(&pair.stage).await;
    pair.board.set(Network::Slow(UNDER_WAY));
    let registered = async || {
        let tests = tests_on_the_board(&pair.stage).await;
        let calls = pair.stage.sandbox().record().calls;
        tests.into_iter().find(|test| !known.contains(test) && of(&calls, *test).is_empty())
    };
    // Those on their way when the link became slow may be sent already.
    let in_hand = until_some("a test that is registered and not sent", 20, registered).await;
    pair.leader.signal(Signal::Stop);
    assert!(of(&pair.stage.sandbox().record().calls, in_hand).is_empty(), "it was sent before");
    pair.sends_nothing(in_hand, 0).await;
}

async fn waiting_for_a_token() {
    let pair = Pair::ready().await;
    let slow = CallFault::Slow { call: Call::Token, by_ms: 1_500, lands: true };
    let faults = [Fault::from(What::TokenExpired).first(1), slow.into()];
    pair.stage.sandbox().faults().set(FaultSet::of(faults));
    let disowned = async || {
        let calls = pair.stage.sandbox().record().calls;
        calls.iter().find(|call| call.status == Some(401))?.idempotency_key.as_ref()?.parse().ok()
    };
    let in_hand = until_some("a call whose token is disowned", 20, disowned).await;
    pair.leader.signal(Signal::Stop);
    pair.sends_nothing(in_hand, 1).await;
}

/// The tests that are registered.
async fn tests_on_the_board(stage: &Deployment) -> Vec<Uuid> {
    let open = stage.key("canary:open");
    let tests: Vec<String> =
        redis::cmd("ZRANGE").arg(open).arg(0).arg(-1).query_async(&mut stage.board().await).await.unwrap();
    tests.iter().map(|test| test.parse().unwrap()).collect()
}
