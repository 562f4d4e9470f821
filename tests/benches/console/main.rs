//! The console's budget (design §12): 30 days of 30 paths, a slot a minute, in a real PostgreSQL, and a real `canary run`
//! on it. Prints how long the admin API takes to answer, what the process holds in memory, and how soon Chromium shows
//! all blocks of the page.
//!
//! `cargo bench -p canary-tests --bench console`. The canary is the one that CANARY_BIN names, else the release build
//! beside this program. All parts run, so that what is measured has live reactors and a judge beside it. The page is
//! left out if the packages of `tests/browser` are not installed.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod ask;
mod paint;
mod seed;

use std::time::Duration;

use canary_figures::{Figure, quick};
use canary_tests::{Deployment, Instance, Plan, Route, run, until};
use tokio::time::Instant;

const PATHS: usize = 30;
/// A quick run has less.
const DAYS: [i64; 2] = [30, 21];
const PERIOD: Duration = Duration::from_secs(60);

/// What the process may hold with 30 paths a minute (design §12).
const MEMORY_MB: f64 = 40.0;

fn main() {
    run(async {
        let stage = Deployment::start(plan()).await;
        let migrated = stage.canary(&["migrate"]).await;
        assert_eq!(migrated.code(), Some(0), "{}", migrated.stderr);
        let (rows, took) = timed(seed::rows(stage.sql(), stage.name(), &routes())).await;
        println!("seeded {rows} rows in {:.1} s", took.as_secs_f64());
        let (hours, took) = timed(seed::hours(&stage)).await;
        println!("rolled up {hours} hours of paths in {:.1} s", took.as_secs_f64());

        let mut canary = stage.launch_ready().await;
        canary.takes_the_lead().await;
        settle(&canary).await;
        memory("at rest", canary.id());
        ask::report(&canary).await;
        memory("after the questions", canary.id());
        paint::report(&format!("http://{}/ui#/admin/canaries", canary.console()));
        memory("after the pages", canary.id());
        canary.terminate().await;
    });
}

/// Postgres is its own, so that nothing else is in its memory.
fn plan() -> Plan {
    let minute = Duration::from_secs(60);
    Plan {
        own_postgres: true,
        fire_every: PERIOD,
        spread: minute / 6,
        sweep_every: Duration::from_secs(5),
        watch: minute * 10,
        routes: routes(),
        log: "warn".into(),
        ..Plan::default()
    }
}

/// The matrix five times over, each path with a name of its own.
fn routes() -> Vec<Route> {
    let named = |(number, route): (usize, Route)| {
        let name: &'static str = format!("{}-{}", route.name, number / Route::MATRIX.len() + 1).leak();
        Route { name, ..route }
    };
    Route::MATRIX.iter().copied().cycle().take(PATHS).enumerate().map(named).collect()
}

/// Waits until the first work of a new leader is over: the first slots have their verdict.
async fn settle(canary: &Instance) {
    until("a verdict on a slot of this process", 120, async || {
        canary
            .metrics()
            .await
            .sum("canary_tests_total", &[("outcome", "passed")])
            .is_some_and(|passed| passed > 0.0)
    })
    .await;
}

fn days() -> i64 {
    DAYS[usize::from(quick())]
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    (work.await, started.elapsed())
}

/// What a process holds, and how much of that is its own and not the program's file.
fn memory(when: &str, process: u32) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let megabytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes / 1024.0
    };
    let (resident, anonymous) = (megabytes("VmRSS:"), megabytes("RssAnon:"));
    println!("\nresident memory {when}: {resident:.1} MB, {anonymous:.1} MB of it anonymous");
    Figure::new(format!("resident memory {when}"), resident, "MB")
        .at_most(MEMORY_MB)
        .note(format!("{anonymous:.1} MB of it anonymous"))
        .print();
}
