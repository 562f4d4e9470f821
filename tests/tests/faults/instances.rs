//! Instances that stand still or die: nobody is blamed for it, nothing is fired twice, no slot is lost (I1, I2, I5).

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use canary_sandbox::{Call, CallFault, FaultSet};
use canary_tests::{Deployment, Instance, Plan, Signal, run, until, until_some};
use tokio::time::sleep;

use crate::support::{
    Moment, Row, Stand, assert_fired_once, assert_not_blamed, assert_one_row_a_slot, no_gaps, now, quick,
    quick_on, residual, seconds,
};

/// All rows, once none of those registered before is pending.
async fn settled(stage: &Deployment, before: Moment, within: u64) -> Vec<Row> {
    let done = |rows: &[Row]| rows.iter().all(|row| row.judged() || row.registered_at > before);
    stage.rows_when("no pending row", within, done).await
}

#[test]
fn a_canary_that_stood_still_beyond_every_deadline_blames_nobody() {
    run(async {
        // Slow enough that a standstill meets calls in the middle, and within the time that a call may take.
        let slow = CallFault::Slow { call: Call::Transfer, by_ms: 800, lands: true };
        let stand = Stand::ready_under(quick(), [slow.into()]).await;
        let stage = &stand.stage;
        stage.rows_when("rows", 20, |rows| rows.iter().any(|row| row.outcome == "passed")).await;
        let mut sent = BTreeSet::new();
        for _ in 0..3 {
            // In the middle of calls: one has come in, and was not answered.
            let open = || {
                let calls = stage.sandbox().record().calls.into_iter();
                calls.filter(|call| call.answered_at.is_none()).filter_map(|call| call.idempotency_key)
            };
            until("a call under way", 10, async || open().next().is_some()).await;
            stand.canary.signal(Signal::Stop);
            sent.extend(open());
            sleep(Duration::from_secs(5)).await;
            stand.canary.signal(Signal::Continue);
            let since = now(stage).await;
            let resumed =
                |rows: &[Row]| rows.iter().any(|row| row.registered_at > since && row.outcome == "passed");
            stage.rows_when("a pass after it", 20, resumed).await;
        }
        // Of a transfer that left only after a standstill it is not known how long it took.
        assert!(!sent.is_empty());
        let seen = |rows: &[Row]| {
            let passed = rows.iter().filter(|row| row.outcome == "passed");
            passed.filter(|row| sent.contains(&row.test_id.to_string())).count() == sent.len()
        };
        stage.rows_when("a pass of all that were under way", 20, seen).await;
        assert_not_blamed(&settled(stage, now(stage).await, 20).await);
        assert_one_row_a_slot(&no_gaps(stage).await);
    });
}

#[test]
fn a_canary_that_stood_still_in_its_first_cycle_leaves_no_slot_out() {
    run(async {
        let stage = Deployment::start(quick()).await;
        let canary = stage.launch();
        // Before the paths have a row each: the first ones are written beside the search for what was missed.
        until("a call", 20, async || !stage.sandbox().record().calls.is_empty()).await;
        canary.signal(Signal::Stop);
        sleep(Duration::from_secs(5)).await;
        canary.signal(Signal::Continue);
        let since = now(&stage).await;
        let all_resumed = |rows: &[Row]| {
            let passed = rows.iter().filter(|row| row.registered_at > since && row.outcome == "passed");
            passed.map(|row| &row.path).collect::<BTreeSet<_>>().len() == 6
        };
        stage.rows_when("a pass of each path after it", 20, all_resumed).await;
        assert_one_row_a_slot(&no_gaps(&stage).await);
    });
}

#[test]
fn a_leader_that_stood_still_beyond_its_lease_sends_nothing_for_what_another_has_fired() {
    run(async {
        let slow = CallFault::Slow { call: Call::Transfer, by_ms: 400, lands: true };
        let stage = Deployment::start(quick()).await;
        stage.sandbox().faults().set(FaultSet::of([slow.into()]));
        let canaries = [stage.launch_ready().await, stage.launch_ready().await];
        let (leader, other) = by_lead(&canaries).await;
        stage.rows_when("rows", 20, |rows| rows.iter().any(|row| row.outcome == "passed")).await;
        leader.signal(Signal::Stop);
        let stopped = now(&stage).await;
        until("another leads", 30, async || other.leads("runner").await).await;
        let fired = |rows: &[Row]| {
            rows.iter().filter(|row| row.registered_at > stopped && row.outcome == "passed").count() > 6
        };
        stage.rows_when("another fires", 20, fired).await;
        leader.signal(Signal::Continue);
        let back = now(&stage).await;
        assert!(back > stopped + seconds(10), "the lease was not over: {stopped} to {back}");
        let after = |rows: &[Row]| {
            rows.iter().filter(|row| row.registered_at > back && row.outcome == "passed").count() > 12
        };
        stage.rows_when("it goes on", 20, after).await;
        assert!(!leader.leads("runner").await, "it takes back no lease that another holds");
        let rows = settled(&stage, now(&stage).await, 40).await;
        assert_not_blamed(&rows);
        assert_fired_once(&stage, &no_gaps(&stage).await);
        assert_eq!(residual(other).await, Some(0));
    });
}

#[test]
fn whoever_takes_over_within_a_cycle_fires_none_of_its_slots_again() {
    run(async {
        // Half a period is longer than a handover takes: the successor begins the same cycle.
        let plan = Plan {
            fire_every: Duration::from_secs(14),
            spread: Duration::from_millis(500),
            ..quick_on(&["a-intra", "a-async-b"])
        };
        let stage = Deployment::start(plan).await;
        let mut first = stage.launch_ready().await;
        let second = stage.launch_ready().await;
        let calls = || stage.sandbox().record().calls.len();
        let next = calls();
        until("the next cycle's calls", 30, async || calls() >= next + 2).await;
        let cycle = stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap();
        first.terminate().await;
        let begun = format!("a cycle begins cycle={cycle} ");
        until("the second begins the same cycle", 14, async || second.log().contains(&begun)).await;
        let next = calls();
        until("the cycle after", 30, async || calls() >= next + 2).await;
        let rows = settled(&stage, now(&stage).await, 20).await;
        assert!(
            rows.iter().filter(|row| row.cycle == Some(cycle)).all(|row| row.outcome == "passed"),
            "{rows:#?}"
        );
        assert_fired_once(&stage, &no_gaps(&stage).await);
    });
}

/// Who leads the runners, and who doesn't.
async fn by_lead(canaries: &[Instance; 2]) -> (&Instance, &Instance) {
    let [one, two] = canaries;
    let ask = async || match (one.leads("runner").await, two.leads("runner").await) {
        (true, false) => Some((one, two)),
        (false, true) => Some((two, one)),
        (true, true) | (false, false) => None,
    };
    until_some("a leader", 30, ask).await
}

fn random(below: u64) -> u64 {
    RandomState::new().hash_one(()) % below
}

#[test]
fn instances_that_are_killed_at_any_moment_lose_no_slot_and_fire_none_twice() {
    run(async {
        let plan = Plan { watch: Duration::from_secs(120), ..quick_on(&["a-intra", "a-async-b", "b-2pc-a"]) };
        let stage = Deployment::start(plan).await;
        let slow = CallFault::Slow { call: Call::Transfer, by_ms: 300, lands: true };
        stage.sandbox().faults().set(FaultSet::of([slow.into()]));
        let mut canaries = [stage.launch_ready().await, stage.launch_ready().await];
        stage.rows_when("rows", 20, |rows| rows.iter().any(|row| row.outcome == "passed")).await;
        for _ in 0..10 {
            sleep(Duration::from_millis(200 + random(2_300))).await;
            let victim = &mut canaries[usize::try_from(random(2)).unwrap()];
            victim.kill().await;
            *victim = stage.launch();
        }
        for canary in &mut canaries {
            canary.ready().await;
        }
        let since = now(&stage).await;
        let resumed = |rows: &[Row]| {
            rows.iter().filter(|row| row.registered_at > since && row.outcome == "passed").count() > 5
        };
        stage.rows_when("it fires again", 40, resumed).await;
        settled(&stage, since, 90).await;
        let rows = no_gaps(&stage).await;
        assert_not_blamed(&rows);
        assert_fired_once(&stage, &rows);
        assert_eq!(residual(&canaries[0]).await, Some(0));
    });
}
