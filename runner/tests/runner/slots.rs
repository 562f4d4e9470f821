//! Slots: each one fired once, or written down as not fired.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use canary_domain::{Backend, Cadence, Clock as _, Hold, HoldKind, Outcome, Reason};
use canary_runner::Runner;
use canary_store::{PostgresLedger, RedisBoard, ResultRow, Unfired};
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;
use crate::platform::Reply;
use crate::stuck::Stuck;

/// The cycle in which a leader begins is half over perhaps: then its slot can't start any more, and that is right.
const BEGUN: usize = 1;

fn not_pending(rows: &[ResultRow]) -> Vec<(Outcome, Option<Reason>)> {
    rows.iter().filter(|row| row.outcome != Outcome::Pending).map(|row| (row.outcome, row.reason)).collect()
}

#[tokio::test]
async fn each_cycle_is_fired_once_under_its_own_keyed_id() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    let rows = bench.run_until(&lead, |rows| rows.len() >= 3).await;
    let calls = bench.platform.calls();
    let keys: HashSet<_> = calls.iter().map(|call| call.key.clone()).collect();
    assert_eq!(keys.len(), calls.len(), "no key twice");
    for row in &rows {
        let test = &row.facts.test;
        let expected = bench.settings.slot_test(bench.route(), test.cycle.unwrap(), 1, test.registered_at);
        assert_eq!(test.test_id, expected.test_id);
    }
    let cycles: Vec<i64> = rows.iter().filter_map(|row| row.facts.test.cycle).collect();
    assert!(cycles.windows(2).all(|pair| pair[1] == pair[0] + 1), "{cycles:?}");
}

#[tokio::test]
async fn two_leaders_of_the_same_slots_move_tokens_once_a_slot() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    // Both believe in the same lease, as two leaders do whose board came back empty.
    let (rows, _) = tokio::join!(
        bench.run_until(&lead, |rows| rows.len() >= 3),
        bench.run_until(&lead, |rows| rows.len() >= 3)
    );
    assert!(rows.len() >= 3);
    let calls = bench.platform.calls();
    let keys: HashSet<_> = calls.iter().map(|call| call.key.clone()).collect();
    assert_eq!(keys.len(), calls.len(), "no slot was fired twice");
}

#[tokio::test]
async fn while_the_ledger_is_away_the_boards_claim_alone_decides() {
    let away = "postgres://canary@127.0.0.1:1/canary".to_owned().into();
    let bench = Bench::new().await;
    let bench = Bench { ledger: Arc::new(PostgresLedger::connect(&away, "prod").unwrap()), ..bench };
    let lead = bench.lead().await;
    let fired =
        async { bench.facts_when(|facts| facts.iter().filter(|f| f.answer.is_some()).count() >= 2).await };
    let runner = bench.run_forever(&lead);
    tokio::select! {
        facts = fired => assert_eq!(bench.platform.calls().len(), facts.len()),
        () = runner => panic!("the runner ended"),
    }
}

#[tokio::test]
async fn while_the_board_is_away_nothing_is_sent() {
    let bench = Bench::with(
        Backend::Intra,
        Arc::new(RedisBoard::connect(&"redis://127.0.0.1:1".to_owned().into(), String::new()).unwrap()),
    )
    .await;
    let holder = canary_store::Holder { node: "n1".into(), term: 1 };
    let until = Instant::now() + Duration::from_secs(60);
    let lead = canary_store::Leadership::new(canary_domain::Role::Runner, holder, until);
    let rows = bench.run_until(&lead, |rows| rows.len() >= 2).await;
    assert!(rows.iter().all(|row| row.outcome == Outcome::Pending), "claimed, never sent");
    assert!(bench.platform.calls().is_empty());
}

#[tokio::test]
async fn a_paused_path_is_skipped_and_a_maintenance_window_too() {
    for (kind, reason) in [(HoldKind::Pause, Reason::Paused), (HoldKind::Maintenance, Reason::Maintenance)] {
        let bench = Bench::new().await;
        let hold = Hold { kind, path: None, from: bench.clock.now() - Duration::from_secs(5), until: None };
        bench.ledger.place_hold(&hold, "tester", "why not").await.unwrap();
        let lead = bench.lead().await;
        let rows = bench.run_until(&lead, |rows| rows.len() >= 2).await;
        assert!(
            rows.iter().all(|row| (row.outcome, row.reason) == (Outcome::Skipped, Some(reason))),
            "{rows:?}"
        );
        assert!(bench.platform.calls().is_empty());
    }
}

#[tokio::test]
async fn slots_that_nobody_fired_are_written_down_by_whoever_leads_next() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    let now = bench.settings.cadence.cycle_at(bench.clock.now());
    let before = |back: i64| {
        let cycle = now - back;
        bench.settings.slot_test(bench.route(), cycle, 1, bench.settings.cadence.edge(cycle))
    };
    // The last row that a leader long gone has written, and a slot that was fired while the ledger was away.
    let at = bench.clock.now();
    bench.ledger.write_unfired(&[Unfired { test: before(9), reason: Reason::Overrun, at }]).await.unwrap();
    bench.board.register(&lead, &before(5)).await.unwrap();
    let rows = bench.run_until(&lead, |rows| not_pending(rows).len() >= 8).await;
    let cycle_of = |row: &ResultRow| now - row.facts.test.cycle.unwrap();
    let missed: Vec<i64> = rows
        .iter()
        .filter(|row| row.reason == Some(Reason::NoLeader))
        .map(cycle_of)
        .filter(|back| *back > 1)
        .collect();
    assert_eq!(missed, [8, 7, 6, 4, 3, 2]);
}

#[tokio::test]
async fn what_follows_a_first_row_that_is_late_is_written_down_too() {
    let (bench, url) = Bench::on_servers_at().await;
    let lead = bench.lead().await;
    let now = bench.settings.cadence.cycle_at(bench.clock.now());
    let first = bench.settings.slot_test(bench.route(), now - 4, 1, bench.clock.now());
    let row = Unfired { test: first, reason: Reason::Overrun, at: bench.clock.now() };
    bench.ledger.write_unfired(&[row]).await.unwrap();
    // Taken back, and on its way again: nobody sees it yet, and no other row gets past it.
    let mut other = PgConnection::connect(&url).await.unwrap();
    for step in [
        "CREATE TEMP TABLE late AS SELECT * FROM canary_test_results; DELETE FROM canary_test_results",
        "BEGIN; LOCK TABLE canary_test_results IN EXCLUSIVE MODE; INSERT INTO canary_test_results SELECT * FROM late",
    ] {
        sqlx::raw_sql(step).execute(&mut other).await.unwrap();
    }
    let late = async {
        bench.facts_when(|all| all.iter().filter(|facts| facts.answer.is_some()).count() >= 3).await;
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        let behind = |row: &&ResultRow| row.facts.test.cycle.is_some_and(|cycle| cycle < now - 1);
        let rows = bench.rows_when(|rows| rows.iter().filter(behind).count() == 3).await;
        let reasons: Vec<_> = rows.iter().filter(behind).map(|row| row.reason.unwrap()).collect();
        assert_eq!(reasons, [Reason::Overrun, Reason::NoLeader, Reason::NoLeader]);
    };
    tokio::select! {
        () = late => {}
        () = bench.run_forever(&lead) => panic!("the runner ended"),
    }
}

#[tokio::test]
async fn retry_after_is_respected_by_the_slots_that_follow() {
    let bench = Bench::new().await;
    bench.platform.transfers([Reply::RetryAfter(30)]);
    let lead = bench.lead().await;
    let rows = bench.run_until(&lead, |rows| not_pending(rows).len() >= 3).await;
    let ends = not_pending(&rows[BEGUN..]);
    assert!(ends.iter().all(|end| *end == (Outcome::Missed, Some(Reason::RateLimited))), "{rows:?}");
    assert_eq!(bench.platform.calls().len(), 1);
}

#[tokio::test]
async fn a_balance_that_is_never_answered_delays_no_slot() {
    let bench = Bench::new().await;
    bench.platform.hang_balance();
    let lead = bench.lead().await;
    let rows = bench.run_until(&lead, |rows| rows.len() >= 4).await;
    assert!(not_pending(&rows[BEGUN..]).is_empty(), "{rows:?}");
}

#[tokio::test]
async fn what_the_sender_has_left_is_on_the_board_with_the_runway_of_its_gauge() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    let registry = canary_telemetry::new_registry("prod").unwrap();
    let (_tell, seat) = tokio::sync::watch::channel(Some(lead));
    let stop = CancellationToken::new();
    let firer = bench.firer_on(&registry);
    let runner = Runner::new(bench.settings.clone(), firer, Arc::clone(&bench.ledger), stop.clone());
    let saved = async {
        loop {
            if let [state] = &*bench.board.agents().await.unwrap() {
                return state.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let before = bench.clock.now();
    let state = tokio::select! {
        state = saved => state,
        () = runner.run(seat) => panic!("the runner ended"),
    };
    // 1000 AVT at 0.01 a second.
    let runway = Duration::from_secs(100_000);
    assert_eq!((state.agent.as_str(), state.runway), ("alpha", Some(runway)));
    assert_eq!(state.balance, "1000".parse().unwrap());
    assert!(before <= state.at && state.at <= bench.clock.now());
    let families = registry.gather();
    let gauge = families.iter().find(|family| family.name() == "canary_agent_runway_seconds");
    let gauge = gauge.unwrap().get_metric()[0].get_gauge().get_value();
    assert!((gauge - runway.as_secs_f64()).abs() < f64::EPSILON, "{gauge}");
}

#[tokio::test]
async fn a_board_that_never_takes_the_balance_delays_no_slot() {
    let stuck = Stuck::default();
    let asked = Arc::clone(&stuck.asked);
    let bench = Bench::with(Backend::Intra, Arc::new(stuck)).await;
    let lead = bench.lead().await;
    let rows = bench.run_until(&lead, |rows| rows.len() >= 4).await;
    assert!(not_pending(&rows[BEGUN..]).is_empty(), "{rows:?}");
    assert!(asked.load(Ordering::SeqCst) >= 3, "it was asked");
}

#[tokio::test]
async fn who_holds_no_claim_says_nothing_of_the_slot_since_another_may_be_firing_it() {
    let away = "postgres://canary@127.0.0.1:1/canary".to_owned().into();
    let bench = Bench::new().await;
    let stale = bench.lead().await;
    // Another leads by now; this one does not know it, and reaches no ledger.
    bench.board.release(stale.role(), &stale.holder()).await.unwrap();
    let other = Bench { node: "n2".into(), ..bench };
    let lead = other.lead().await;
    let bench = Bench { ledger: Arc::new(PostgresLedger::connect(&away, "prod").unwrap()), ..other };
    let cycle = bench.settings.cadence.cycle_at(bench.clock.now()) + 2;
    let theirs = bench.settings.slot_test(bench.route(), cycle, lead.term(), bench.clock.now());
    bench.board.register(&lead, &theirs).await.unwrap();
    let over = async {
        while bench.clock.now() < bench.settings.cadence.over(cycle + 1) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = over => {}
        () = bench.run_forever(&stale) => panic!("the runner ended"),
    }
    let facts = bench.facts().await;
    assert_eq!(facts.len(), 1, "nothing was put on the board: {facts:?}");
    assert_eq!((facts[0].test.test_id, &facts[0].withheld), (theirs.test_id, &None));
    assert!(bench.platform.calls().is_empty());
}

#[tokio::test]
async fn a_slow_slot_does_not_hold_up_the_next_one() {
    let bench = Bench::new().await;
    bench.platform.transfers([Reply::Never, Reply::Never]);
    let lead = bench.lead().await;
    let rows = bench.run_until(&lead, |rows| rows.len() >= 4).await;
    let cycles: Vec<i64> = rows.iter().filter_map(|row| row.facts.test.cycle).collect();
    assert!(cycles.windows(2).all(|pair| pair[1] == pair[0] + 1), "{cycles:?}");
}

#[tokio::test]
async fn what_nobody_fired_is_written_down_before_the_next_leader_claims_a_slot() {
    let mut bench = Bench::new().await;
    let now = bench.clock.now();
    // A period by which a cycle has just begun, so that its slot can be claimed at once.
    let just_begun = |cadence: &Cadence| (now - cadence.edge(cadence.cycle_at(now))).num_milliseconds() < 50;
    let cadence = |millis| Cadence::new(Duration::from_millis(millis), Duration::ZERO).unwrap();
    bench.settings.cadence = (6_000..8_000).map(cadence).find(just_begun).unwrap();
    let long_ago = bench.settings.cadence.cycle_at(now) - 60;
    let test = bench.settings.slot_test(bench.route(), long_ago, 1, now);
    let row = Unfired { test, reason: Reason::NoLeader, at: now };
    bench.ledger.write_unfired(&[row]).await.unwrap();
    let lead = bench.lead().await;
    let even = async {
        loop {
            let account = bench.ledger.accounting().await.unwrap().paths.remove(0);
            assert_eq!(account.residual, 0, "a hole before the last row: {account:?}");
            if account.pending > 0 {
                return;
            }
        }
    };
    tokio::select! {
        () = even => {}
        () = bench.run_forever(&lead) => panic!("the runner ended"),
    }
}
