//! A board that dies, forgets, or can't be reached: nothing is blamed, nothing is fired without it (I1, I5).

use std::time::Duration;

use canary_sandbox::{Call, CallFault, FaultSet};
use canary_tests::{Deployment, Network, Plan, Proxy, Row, run, until};
use tokio::time::sleep;

use crate::support::{
    Moment, Stand, assert_fired_once, assert_not_blamed, no_gaps, now, quick, quick_on, residual, seconds,
};

fn passed_since(rows: &[Row], since: Moment) -> usize {
    rows.iter().filter(|row| row.registered_at > since && row.outcome == "passed").count()
}

fn settled_before(rows: &[Row], moment: Moment) -> bool {
    rows.iter().all(|row| row.judged() || row.registered_at > moment)
}

#[test]
fn a_redis_that_comes_back_empty_in_mid_flight_fails_nothing_and_no_slot_is_fired_twice() {
    run(async {
        let slow = CallFault::Slow { call: Call::Transfer, by_ms: 700, lands: true };
        let mut stand = Stand::ready_under(Plan { own_redis: true, ..quick() }, [slow.into()]).await;
        stand.stage.rows_when("rows", 20, |rows| rows.iter().any(|row| row.outcome == "passed")).await;
        let sandbox = stand.stage.sandbox();
        let under_way = || sandbox.record().calls.iter().any(|call| call.answered_at.is_none());
        until("a call under way", 10, async || under_way()).await;
        stand.stage.redis().restart().unwrap();
        let emptied = now(&stand.stage).await;
        let rows = stand.stage.rows_when("it fires again", 40, |rows| passed_since(rows, emptied) > 6).await;
        let term = |row: &&Row| row.outcome == "passed" && row.registered_at > emptied;
        let before = rows.iter().filter(|row| row.registered_at < emptied).map(|row| row.term).max();
        let after = rows.iter().filter(term).map(|row| row.term).min();
        assert!(after > before, "a term came again: {after:?} after {before:?}");
        let rows = stand.stage.rows_when("no pending row", 75, |rows| settled_before(rows, emptied)).await;
        assert_not_blamed(&rows);
        // Slots of the cycle that the instance began to lead in may have been just too late for it (design §3.3).
        let first = rows.iter().filter_map(|row| row.cycle).min();
        let before_it_led = |row: &Row| row.cycle == first && row.verdict() == "missed/overrun";
        for row in rows.iter().filter(|row| row.registered_at < emptied && row.outcome != "passed") {
            let lost = ["inconclusive/state_lost", "inconclusive/observer_blind", "inconclusive/runner_lost"];
            let unsent = ["missed/lease_lost", "missed/no_leader"];
            let known = lost.iter().chain(&unsent).any(|word| row.verdict() == *word);
            assert!(known || before_it_led(row), "{row:#?}");
        }
        assert_fired_once(&stand.stage, &no_gaps(&stand.stage).await);
        assert_eq!(residual(&stand.canary).await, Some(0));
    });
}

#[test]
fn nothing_is_sent_while_the_board_is_out_of_reach_and_firing_resumes_when_it_is_back() {
    run(async {
        let mut stage =
            Deployment::start(Plan { own_redis: true, ..quick_on(&["a-intra", "a-async-b"]) }).await;
        let port = stage.redis().port();
        let network = Proxy::before(port);
        stage.write("redis.url", &format!("redis://127.0.0.1:{}", network.port()));
        let canary = stage.launch_ready().await;
        let began = now(&stage).await;
        let rows = stage.rows_when("rows", 20, |rows| passed_since(rows, began) > 1).await;
        let term = rows.iter().map(|row| row.term).max();
        network.set(Network::BlackHole);
        let cut = now(&stage).await;
        sleep(Duration::from_secs(17)).await;
        let healed = now(&stage).await;
        network.set(Network::Sound);
        let rows = stage.rows_when("it fires again", 40, |rows| passed_since(rows, healed) > 3).await;
        let calls = stage.sandbox().record().calls;
        // What was registered before the cut may be on its way.
        let during = calls.iter().filter(|call| call.at > cut + seconds(1) && call.at < healed).count();
        assert_eq!(during, 0, "sent between {cut} and {healed}: {calls:#?}");
        assert!(
            rows.iter()
                .filter(|row| row.registered_at > healed && row.outcome == "passed")
                .all(|row| Some(row.term) > term)
        );
        let rows = stage.rows_when("no pending row", 60, |rows| settled_before(rows, healed)).await;
        assert_not_blamed(&rows);
        assert_fired_once(&stage, &no_gaps(&stage).await);
        assert_eq!(residual(&canary).await, Some(0));
    });
}

#[test]
fn a_canary_that_finds_neither_store_starts_when_they_come() {
    run(async {
        let plan = Plan { own_redis: true, own_postgres: true, ..quick_on(&["a-intra", "b-2pc-a"]) };
        let mut stage = Deployment::start(plan).await;
        stage.sandbox().faults().set(FaultSet::default());
        stage.redis().stop().unwrap();
        stage.postgres().stop().unwrap();
        let mut canary = stage.launch();
        until("it waits for the board", 20, async || canary.log().contains("waiting for the board")).await;
        stage.redis().restart().unwrap();
        until("it waits for the ledger", 20, async || canary.log().contains("waiting for the ledger")).await;
        assert!(canary.has_ended().is_none());
        assert!(stage.sandbox().record().calls.is_empty(), "it fired without the ledger's key");
        stage.postgres().restart().unwrap();
        stage
            .rows_when("rows", 30, |rows| rows.iter().filter(|row| row.outcome == "passed").count() > 3)
            .await;
        canary.ready().await;
        assert_not_blamed(&stage.rows().await);
    });
}
