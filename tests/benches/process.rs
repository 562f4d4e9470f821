//! What a canary takes (design §12): memory and processor time at 30 paths a minute over ten minutes, and how long it is
//! from its start to the first verdict.
//!
//! `cargo bench -p canary-tests --bench process`. The canary is the real release build with all parts, on Redis and
//! PostgreSQL. Its memory is looked at all the time, and the largest counts.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::fs;
use std::time::Duration;

use canary_figures::{Figure, number, percentile, quick};
use canary_tests::{Deployment, Plan, Route, Row, run, until};
use tokio::time::{Instant, sleep};

const PATHS: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);
/// Of `/proc`, whatever the kernel's own clock: `USER_HZ`.
const TICKS: f64 = 100.0;
const STARTS: usize = 7;

fn main() {
    run(async {
        start_to_verdict().await;
        resident().await;
    });
}

/// With a slot a second, so that the cadence is not what is measured.
async fn start_to_verdict() {
    let (mut ready, mut verdict) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let second = Duration::from_secs(1);
        let plan = Plan { fire_every: second, spread: second / 2, log: "warn".into(), ..Plan::default() };
        let stage = Deployment::start(plan).await;
        let started = Instant::now();
        let mut canary = stage.launch_ready().await;
        ready.push(started.elapsed().as_secs_f64() * 1e3);
        stage.rows_when("a verdict", 60, |rows| rows.iter().any(Row::judged)).await;
        verdict.push(started.elapsed().as_secs_f64() * 1e3);
        canary.terminate().await;
    }
    let note = format!("median of {STARTS} starts on an empty database; a slot and a sweep every second");
    Figure::new("from the start to ready", percentile(&ready, 50.0), "ms").note(&note).print();
    Figure::new("from the start to the first verdict", percentile(&verdict, 50.0), "ms").note(&note).print();
}

async fn resident() {
    let minutes: u32 = if quick() { 1 } else { 10 };
    let stage = Deployment::start(plan()).await;
    let mut canary = stage.launch_ready().await;
    canary.takes_the_lead().await;
    until("a first verdict", 120, async || stage.rows().await.iter().any(Row::judged)).await;
    let (started, before) = (Instant::now(), used(canary.id()));
    let (mut largest, mut anonymous) = (0.0_f64, 0.0_f64);
    while started.elapsed() < MINUTE * minutes {
        sleep(Duration::from_secs(1)).await;
        largest = largest.max(megabytes(canary.id(), "VmRSS:"));
        anonymous = anonymous.max(megabytes(canary.id(), "RssAnon:"));
    }
    let share = (used(canary.id()) - before) / started.elapsed().as_secs_f64() * 100.0;
    let rows = stage.rows().await;
    let passed = rows.iter().filter(|row| row.outcome == "passed").count();
    println!("{passed} of {} tests passed", rows.len());
    assert!(passed >= PATHS * usize::try_from(minutes).unwrap() / 2, "the canary was at work");
    let over = if quick() {
        "over 1 minute only, as a quick run was asked for".to_owned()
    } else {
        format!("over {minutes} minutes")
    };
    Figure::new("30 paths a minute: resident memory, at most", largest, "MB")
        .at_most(40.0)
        .note(format!("{over}; {} MB of it anonymous, the rest is the program's own file", number(anonymous)))
        .print();
    Figure::new("30 paths a minute: processor time", share, "% of a core").at_most(1.0).note(over).print();
    canary.terminate().await;
}

/// As in production; the matrix five times over.
fn plan() -> Plan {
    let named = |(number, route): (usize, Route)| {
        let name = format!("{}-{}", route.name, number / Route::MATRIX.len() + 1).leak();
        Route { name, ..route }
    };
    let routes = Route::MATRIX.iter().copied().cycle().take(PATHS).enumerate().map(named).collect();
    let seconds = Duration::from_secs;
    Plan {
        fire_every: MINUTE,
        spread: seconds(10),
        sweep_every: seconds(5),
        watch: MINUTE * 10,
        call_timeout: seconds(10),
        blind_after: MINUTE,
        silence_after: seconds(30),
        backstop_every: seconds(10),
        deadlines: [seconds(30), seconds(330), seconds(60)],
        routes,
        ..Plan::default()
    }
}

/// Seconds of a processor that it has had, in its own code and in the kernel for it.
fn used(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit(") ").next().unwrap();
    let ticks: Vec<f64> =
        after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse().unwrap()).collect();
    ticks.iter().sum::<f64>() / TICKS
}

fn megabytes(process: u32, key: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
