//! The leader is killed: the other instance takes over, and the platform's own record shows nothing twice.

use std::time::Duration;

use canary_sandbox::{Call, CallFault, FaultSet};
use canary_tests::{Deployment, Plan, Row, run, until};
use tokio::time::Instant;

use crate::accounts::{
    accounting_agrees, each_slot_moved_once, missed_cycles, no_cycle_is_without_a_row, nobody_is_blamed,
};

/// The lease's 15 s, and a try every few.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(20);
/// As in production, longer than a takeover takes.
const PERIOD: Duration = Duration::from_secs(20);

#[test]
fn when_the_leader_is_killed_the_other_leads_within_20_s_and_no_slot_moves_tokens_twice() {
    run(async {
        let spread = Duration::from_secs(2);
        let stage = Deployment::start(Plan { fire_every: PERIOD, spread, ..Plan::default() }).await;
        let mut leader = stage.launch_ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;
        // Its calls take a while, so that it dies in the middle of some.
        let slow = CallFault::Slow { call: Call::Transfer, by_ms: 700, lands: true };
        stage.sandbox().faults().set(FaultSet::of([slow.into()]));
        stage
            .rows_when("a whole cycle", 60, |rows| rows.iter().filter(|row| row.judged()).count() >= 6)
            .await;
        let before = stage.sandbox().record().calls.len();
        until("a call under way", 30, async || {
            stage.sandbox().record().calls[before..].iter().any(|call| call.status.is_none())
        })
        .await;
        assert!(!other.leads("runner").await && !other.leads("judge").await, "one leads");
        let killed = Instant::now();
        leader.kill().await;
        other.takes_the_lead().await;
        assert!(killed.elapsed() <= TAKEN_OVER_WITHIN, "it took {:?}", killed.elapsed());
        let last = stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap();
        let rows = stage
            .rows_when("two more cycles, and a verdict on all before", 90, |rows| settled(rows, last))
            .await;
        each_slot_moved_once(&rows, &stage.sandbox().record());
        no_cycle_is_without_a_row(&rows);
        let missed = missed_cycles(&rows);
        assert!(missed.len() <= 1, "cycles {missed:?} were missed");
        nobody_is_blamed(&rows);
        accounting_agrees(&stage, &other).await;
    });
}

/// Two cycles after this one have passed, and every row before them is judged.
fn settled(rows: &[Row], last: i64) -> bool {
    let passed =
        |cycle| rows.iter().filter(|row| row.cycle == Some(cycle) && row.outcome == "passed").count();
    let two_more = (last + 1..=last + 3).filter(|cycle| passed(*cycle) == 6).count() >= 2;
    two_more && rows.iter().filter(|row| row.cycle <= Some(last + 1)).all(Row::judged)
}
