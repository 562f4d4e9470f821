//! SIGTERM: work is handed over, not dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use canary_sandbox::{Call, CallFault, Fault, FaultSet};
use canary_tests::{Deployment, Plan, Row, Signal, run, until};
use redis::AsyncCommands as _;

use crate::accounts::{each_slot_moved_once, missed_cycles, no_cycle_is_without_a_row, nobody_is_blamed};

/// Half of it, in which a slot may still start, is longer than the 5 s after which a follower asks for the lease again.
const PERIOD: Duration = Duration::from_secs(16);

#[test]
fn a_leader_that_is_told_to_stop_in_the_middle_of_a_cycle_hands_over_and_no_slot_is_missed() {
    run(async {
        let spread = Duration::from_secs(2);
        let stage = Deployment::start(Plan { fire_every: PERIOD, spread, ..Plan::default() }).await;
        let mut leader = stage.launch_ready().await;
        leader.takes_the_lead().await;
        let other = stage.launch_ready().await;
        stage.rows_when("a whole cycle", 40, |rows| cycles(rows).values().any(|slots| *slots == 6)).await;
        let (before, held) = (stage.sandbox().record().calls.len(), leases(&stage).await);
        assert!(held.iter().all(Option::is_some), "both leases are held");
        until("the next cycle's first call", 20, async || stage.sandbox().record().calls.len() > before)
            .await;
        leader.signal(Signal::Terminate);
        assert_eq!(leader.end(10).await.code(), Some(0));
        let now = leases(&stage).await;
        assert!(
            now.iter().zip(&held).all(|(now, held)| now != held),
            "{held:?} were not handed back: {now:?}"
        );
        other.takes_the_lead().await;
        let last = stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap();
        let next = |rows: &[Row]| cycles(rows).get(&(last + 1)) == Some(&6);
        let rows = stage.rows_when("the next whole cycle", 40, next).await;
        assert!(missed_cycles(&rows).is_empty(), "{:?}", missed_cycles(&rows));
        nobody_is_blamed(&rows);
        no_cycle_is_without_a_row(&rows);
        each_slot_moved_once(&rows, &stage.sandbox().record());
        let terms: BTreeSet<i64> =
            rows.iter().filter(|row| row.cycle == Some(last)).map(|row| row.term).collect();
        assert_eq!(terms.len(), 2, "both had a part in the cycle of the handover");
    });
}

/// How many slots of each cycle have a verdict.
fn cycles(rows: &[Row]) -> BTreeMap<i64, usize> {
    let mut cycles = BTreeMap::new();
    for row in rows.iter().filter(|row| row.judged()) {
        *cycles.entry(row.cycle.unwrap()).or_default() += 1;
    }
    cycles
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
