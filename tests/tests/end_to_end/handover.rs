//! SIGTERM: work is handed over, not dropped.

use std::time::Duration;

use canary_sandbox::{Call, CallFault, Fault, FaultSet};
use canary_tests::{Deployment, Plan, Row, Signal, run, until};
use redis::AsyncCommands as _;

use crate::accounts::{each_slot_moved_once, missed_cycles, no_cycle_is_without_a_row, nobody_is_blamed};

#[test]
fn a_leader_that_is_told_to_stop_hands_over_and_no_slot_is_missed() {
    run(async {
        let stage = Deployment::start(Plan { fire_every: Duration::from_secs(4), ..Plan::default() }).await;
        let mut leader = stage.launch_ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;
        stage
            .rows_when("a whole cycle", 30, |rows| rows.iter().filter(|row| row.judged()).count() >= 6)
            .await;
        let held = leases(&stage).await;
        assert!(held.iter().all(Option::is_some), "both leases are held");
        leader.signal(Signal::Terminate);
        assert_eq!(leader.end(10).await.code(), Some(0));
        let now = leases(&stage).await;
        assert!(
            now.iter().zip(&held).all(|(now, held)| now != held),
            "{held:?} were not handed back: {now:?}"
        );
        other.takes_the_lead().await;
        let last = stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap();
        let rows = stage
            .rows_when("two more whole cycles", 40, |rows| {
                let of = |cycle| rows.iter().filter(|row| row.cycle == Some(cycle) && row.judged()).count();
                (last + 1..=last + 2).all(|cycle| of(cycle) == 6)
            })
            .await;
        assert!(missed_cycles(&rows).is_empty(), "{:?}", missed_cycles(&rows));
        nobody_is_blamed(&rows);
        no_cycle_is_without_a_row(&rows);
        each_slot_moved_once(&rows, &stage.sandbox().record());
    });
}

#[test]
fn a_canary_whose_call_hangs_still_exits_0_within_10_s_and_blames_nobody_for_it() {
    run(async {
        // Longer than it may take to end, and no longer than a deadline.
        let call_timeout = Duration::from_secs(12);
        let deadlines = [Duration::from_secs(13); 3];
        let stage = Deployment::start(Plan { call_timeout, deadlines, ..Plan::default() }).await;
        let hang = Fault::from(CallFault::Hangs { call: Call::Transfer, lands: false });
        stage.sandbox().faults().set(FaultSet::of([hang]));
        let mut canary = stage.launch_ready().await;
        until("calls that hang", 30, async || stage.sandbox().record().calls.len() >= 3).await;
        canary.signal(Signal::Terminate);
        assert_eq!(canary.end(10).await.code(), Some(0), "{}", canary.log());
        assert_eq!(leases(&stage).await, [None, None], "the leases are handed back");
        let cut: Vec<_> = stage.rows().await.into_iter().filter(|row| !row.judged()).collect();
        assert!(!cut.is_empty(), "calls were under way");
        stage.sandbox().faults().clear();
        let _next = stage.launch_ready().await;
        let judged = |rows: &[Row]| {
            cut.iter().all(|cut| rows.iter().any(|row| row.test_id == cut.test_id && row.judged()))
        };
        let rows = stage.rows_when("a verdict on what was cut off", 60, judged).await;
        nobody_is_blamed(&rows);
    });
}

/// Who holds the leases.
async fn leases(stage: &Deployment) -> [Option<String>; 2] {
    let mut board = stage.board().await;
    [
        board.get(stage.key("canary:lease:runner")).await.unwrap(),
        board.get(stage.key("canary:lease:judge")).await.unwrap(),
    ]
}
