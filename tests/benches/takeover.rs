//! Takeovers (design §12): the leader is killed again and again, and another instance leads. How long that takes, how many
//! cycles it costs, and whether anything was fired twice, lost, or called the platform's fault.
//!
//! `cargo bench -p canary-tests --bench takeover`; `-- --kills 50` kills fewer. Instances are real processes on Redis and
//! PostgreSQL. Several deployments, each with its own platform, are killed side by side: a takeover is nearly all waiting
//! for a lease to run out. A leader is killed at any moment of a cycle, the same ones in each run.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use canary_figures::{Figure, asked, number, percentile, quick};
use canary_sandbox::Record;
use canary_tests::{Deployment, Instance, Plan, Row, run};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

/// Kills are spread over so many deployments.
const SIDE_BY_SIDE: usize = 10;
/// Longer than a takeover takes, as in production.
const PERIOD: Duration = Duration::from_secs(20);

/// What became of the kills of one deployment.
#[derive(Default)]
struct Toll {
    took_ms: Vec<f64>,
    missed: Vec<usize>,
    twice: usize,
    lost: usize,
    blamed: usize,
    slots: usize,
}

fn main() {
    let kills = asked("--kills").unwrap_or(if quick() { 10 } else { 200 });
    let tolls: Vec<Toll> = run(LocalSet::new().run_until(async {
        let mut deployments = JoinSet::new();
        for number in 0..SIDE_BY_SIDE.min(kills) {
            let share = (kills - number).div_ceil(SIDE_BY_SIDE);
            deployments.spawn_local(kill(number, share));
        }
        deployments.join_all().await
    }));
    let took: Vec<f64> = tolls.iter().flat_map(|toll| toll.took_ms.iter().copied()).collect();
    let missed: Vec<usize> = tolls.iter().flat_map(|toll| toll.missed.iter().copied()).collect();
    let sum = |of: fn(&Toll) -> usize| as_f64(tolls.iter().map(of).sum());
    let of = format!("{} kills, {} slots", took.len(), number(sum(|toll| toll.slots)));
    assert_eq!(took.len(), kills);
    let median = percentile(&took, 50.0) / 1e3;
    Figure::new("from the kill until another leads, p50", median, "s").note(&of).print();
    Figure::new("from the kill until another leads, the longest", percentile(&took, 100.0) / 1e3, "s")
        .note("a lease lives 15 s, and a follower asks for it every 5 s")
        .print();
    Figure::new("cycles missed for a kill, at most", as_f64(missed.iter().copied().max().unwrap()), "")
        .at_most(1.0)
        .note(format!("{} of the kills cost one", missed.iter().filter(|cycles| **cycles > 0).count()))
        .print();
    for (what, count) in [
        ("slots fired twice", sum(|toll| toll.twice)),
        ("rows lost", sum(|toll| toll.lost)),
        ("slots called failed or late, of a platform without a fault", sum(|toll| toll.blamed)),
    ] {
        Figure::new(what, count, "").at_most(0.0).note(&of).print();
    }
}

/// Kills one deployment's leader so many times, and looks at everything that it left.
async fn kill(number: usize, kills: usize) -> Toll {
    let spread = Duration::from_secs(2);
    let log = "warn".into();
    let stage = Deployment::start(Plan { fire_every: PERIOD, spread, log, ..Plan::default() }).await;
    let mut leader = stage.launch_ready().await;
    leader.takes_the_lead().await;
    let mut other = stage.launch_ready().await;
    passed_since(&stage, 0).await;
    let mut toll = Toll::default();
    for kill in 0..kills {
        // Another part of the cycle each time.
        sleep(PERIOD * u32::try_from((kill * SIDE_BY_SIDE + number) * 7 % 20).unwrap() / 20).await;
        let before = missed(&stage.rows().await);
        let last = leader_falls(&stage, &mut leader, &other, &mut toll).await;
        passed_since(&stage, last + 1).await;
        toll.missed.push(missed(&stage.rows().await).difference(&before).count());
        println!("deployment {number}: kill {} of {kills}, {:.1} s", kill + 1, toll.took_ms[kill] / 1e3);
        leader = std::mem::replace(&mut other, stage.launch_ready().await);
    }
    leader.terminate().await;
    other.takes_the_lead().await;
    let judged = |rows: &[Row]| rows.iter().all(Row::judged);
    let rows = stage.rows_when("a verdict on all", 60, judged).await;
    other.terminate().await;
    toll.look_at(&rows, &stage.sandbox().record());
    toll
}

/// Answers the last cycle that had a row when the other one led.
async fn leader_falls(stage: &Deployment, leader: &mut Instance, other: &Instance, toll: &mut Toll) -> i64 {
    assert!(leader.leads("runner").await && leader.leads("judge").await, "one leads");
    let killed = Instant::now();
    leader.kill().await;
    other.takes_the_lead().await;
    toll.took_ms.push(killed.elapsed().as_secs_f64() * 1e3);
    stage.rows().await.iter().filter_map(|row| row.cycle).max().unwrap()
}

/// Waits for a cycle from this one on of which every slot has passed.
async fn passed_since(stage: &Deployment, first: i64) {
    stage
        .rows_when("a whole cycle that passed", 90, |rows| {
            let mut passed: BTreeMap<i64, usize> = BTreeMap::new();
            for row in rows.iter().filter(|row| row.outcome == "passed" && row.cycle >= Some(first)) {
                *passed.entry(row.cycle.unwrap()).or_default() += 1;
            }
            passed.values().any(|slots| *slots == 6)
        })
        .await;
}

/// The cycles of which a slot was missed.
fn missed(rows: &[Row]) -> BTreeSet<i64> {
    rows.iter().filter(|row| row.outcome == "missed").filter_map(|row| row.cycle).collect()
}

impl Toll {
    fn look_at(&mut self, rows: &[Row], record: &Record) {
        assert_eq!(record.forgotten, 0, "the record is whole");
        let keys =
            record.calls.iter().filter(|call| call.moved()).filter_map(|call| call.idempotency_key.clone());
        let moved: Vec<String> = keys.collect();
        let once: BTreeSet<&String> = moved.iter().collect();
        let ids: BTreeSet<String> = rows.iter().map(|row| row.test_id.to_string()).collect();
        self.twice = moved.len() - once.len();
        self.lost = moved.iter().filter(|key| !ids.contains(*key)).count() + holes(rows);
        self.blamed = rows.iter().filter(|row| ["failed", "late"].contains(&row.outcome.as_str())).count();
        self.slots = rows.len();
    }
}

/// Cycles of a path, from its first to its last, that have no row.
fn holes(rows: &[Row]) -> usize {
    let mut paths: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for row in rows {
        paths.entry(&row.path).or_default().insert(row.cycle.unwrap());
    }
    let holes = |cycles: &BTreeSet<i64>| {
        let span = cycles.last().unwrap() - cycles.first().unwrap() + 1;
        usize::try_from(span).unwrap() - cycles.len()
    };
    paths.values().map(holes).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a count of slots is exact")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
