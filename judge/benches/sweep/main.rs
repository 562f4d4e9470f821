//! The judge's budget (design §12): 1 k, 10 k and 100 k tests in flight on a real Redis, their rows in a real PostgreSQL,
//! and sweeps of little and of much that changed; the most of them once more with 1.3 million rows of history.
//!
//! `cargo bench -p canary-judge`; servers and data are gone afterwards. What the budget holds is a sweep of 100,000 tests of
//! which 1,000 have news: about as many have with every sweep, every 5 s, where so many are watched for ten minutes.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod flight;

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, Clock, Moment, Stage};
use canary_figures::{Figure, number, percentile, quick};
use canary_judge::{Judge, Parts, Settings, SweepReport};
use canary_store::{Board, Leadership, Ledger, PostgresLedger, RedisBoard, wall};
use canary_telemetry::{JudgeMetrics, OutcomeMetrics, PathLabels, new_registry};
use canary_test_servers::{Postgres, Redis};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::flight::Flight;

const CANARY: &str = "bench";
/// As the service has it.
const BATCH: usize = 1_000;
/// As PostgreSQL comes; the tests' servers have less.
const MEMORY: &str = "shared_buffers=128MB";
/// Sweeps of which the median counts.
const ROUNDS: usize = 7;
/// Of the 100,000 in flight.
const BUDGET_MS: f64 = 500.0;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let postgres = Postgres::start_with(&[MEMORY]).unwrap();
        let redis = Redis::start().unwrap();
        for size in [1_000, 10_000, 100_000] {
            let bench = Bench::new(&redis, &postgres).await;
            bench.measure(size, size == 100_000).await;
        }
    });
}

/// A judge and what it works on.
struct Bench {
    board: Arc<RedisBoard>,
    ledger: Arc<PostgresLedger>,
    judge: Judge,
    lead: Leadership,
    redis: redis::aio::MultiplexedConnection,
    database: String,
    prefix: String,
}

impl Bench {
    async fn new(redis: &Redis, postgres: &Postgres) -> Self {
        let database = postgres.create_database().unwrap();
        let prefix = format!("{}:", uuid::Uuid::new_v4());
        let board = Arc::new(RedisBoard::connect(&redis.url().into(), prefix.clone()).unwrap());
        let ledger = Arc::new(PostgresLedger::connect(&database.as_str().into(), CANARY).unwrap());
        ledger.migrate().await.unwrap();
        let judge = judge(Arc::clone(&board) as _, Arc::clone(&ledger) as _);
        let client = redis::Client::open(redis.url()).unwrap();
        let redis = client.get_multiplexed_async_connection().await.unwrap();
        Self { board, ledger, judge, lead: flight::leading(), redis, database, prefix }
    }

    async fn measure(&self, size: usize, with_history: bool) {
        let flight = Flight::take_off(self, size).await;
        let named = number(f64::from(u32::try_from(size).unwrap()));
        let all = self.sweep(size, 0).await;
        Figure::ms(format!("{named} in flight, all with news that change nothing"), all).print();
        let some = (size / 10).min(1_000);
        let mut landed = self.idle_and_some(&flight, &format!("{named} in flight"), some, 0).await;
        if with_history {
            let rows = flight::history(&self.database, if quick() { 3 } else { 30 }).await;
            let label = format!("{named} in flight, {rows} rows of history");
            landed = self.idle_and_some(&flight, &label, some, landed).await;
        }
        let rest = size - landed;
        flight.land(&*self.board, landed..size).await;
        let rest_took = self.sweep(rest, rest).await;
        Figure::ms(format!("{named} in flight, {rest} of them decided"), rest_took)
            .note(format!("{} µs for each", number(rest_took.as_secs_f64() * 1e6 / as_f64(rest))))
            .print();
    }

    /// Sweeps of nothing, and of some that are decided; answers how many were, after so many before.
    async fn idle_and_some(&self, flight: &Flight, label: &str, some: usize, landed: usize) -> usize {
        let mut idle = Vec::new();
        for _ in 0..ROUNDS * 3 {
            idle.push(self.sweep(0, 0).await.as_secs_f64() * 1e3);
        }
        Figure::new(format!("{label}, nothing new"), percentile(&idle, 50.0), "ms").print();
        let (mut read, mut whole) = (Vec::new(), Vec::new());
        let mut next = landed;
        for _ in 0..ROUNDS {
            flight.land(&*self.board, next..next + some).await;
            let started = Instant::now();
            let due = self.board.due(wall(), BATCH).await.unwrap();
            read.push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!((due.facts.len(), due.lost.len()), (some, 0));
            // Whoever asked holds nothing: the tests are due still.
            whole.push(self.sweep(some, some).await.as_secs_f64() * 1e3);
            next += some;
        }
        let (read, whole) = (percentile(&read, 50.0), percentile(&whole, 50.0));
        let figure = Figure::new(format!("{label}, {some} of them decided"), whole, "ms");
        let each = number(whole * 1e3 / as_f64(some));
        figure
            .at_most(BUDGET_MS)
            .note(format!("{each} µs for each; reading them from the board alone takes {} ms", number(read)))
            .print();
        next
    }

    async fn sweep(&self, looked: usize, changed: usize) -> Duration {
        let started = Instant::now();
        let report = self.judge.sweep(&self.lead).await.unwrap();
        let took = started.elapsed();
        assert_eq!(
            report,
            SweepReport { looked, decided: report.decided, changed, ..SweepReport::default() }
        );
        println!("swept {looked}, {changed} changed, in {:.2} ms", took.as_secs_f64() * 1e3);
        took
    }
}

fn judge(board: Arc<dyn Board>, ledger: Arc<dyn Ledger>) -> Judge {
    let registry = new_registry(CANARY).unwrap();
    let label =
        |n| PathLabels { path: format!("flight-{n}"), backend: Backend::Async, agent: "alpha".into() };
    let paths: Vec<PathLabels> = (0..flight::PATHS).map(label).collect();
    let outcomes = OutcomeMetrics::register(&registry, &paths).unwrap();
    let metrics = Arc::new(JudgeMetrics::register(&registry, &paths, outcomes).unwrap());
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let settings = Settings {
        sweep_every: Duration::from_secs(5),
        watch: flight::WATCH,
        blind_after: Duration::from_secs(60),
        local_frame: "a".into(),
        retention: days(90),
        hourly_retention: days(400),
        batch: BATCH,
    };
    let clock = Arc::new(Wall);
    Judge::new(settings, Parts { board, ledger, clock, metrics, outcomes: broadcast::channel(1_000).0 })
}

#[expect(clippy::cast_precision_loss, reason = "a count of tests is exact")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

/// This machine's clock.
struct Wall;

impl Clock for Wall {
    fn at(&self, _instant: Instant) -> Moment {
        wall()
    }

    fn error_bound(&self) -> Duration {
        Duration::ZERO
    }

    fn steps(&self) -> u64 {
        0
    }
}

/// What makes a test of this backend done.
const LAST: Stage = Stage::CfSettledLocal;
