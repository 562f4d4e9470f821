//! The export's budget (design §12): 30 days of 30 paths, a slot a minute, from a real PostgreSQL to a real VictoriaMetrics
//! in at most 30 s. Prints how long the leader takes from an empty mark, how long the same history takes on order, and
//! whether after both every sample is there once and exactly as the ledger has it.
//!
//! `cargo bench -p canary-export`; both servers and their data are gone afterwards. Ends with an error if a sample differs.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, Moment, Role};
use canary_export::{Backfill, Exporter, Parts, ReadBack, Receiver, Settings};
use canary_figures::{Figure, quick};
use canary_store::{Holder, Leadership, Ledger, MemoryBoard, PostgresLedger, wall};
use canary_telemetry::{ExportMetrics, new_registry};
use canary_test_servers::{Postgres, VictoriaMetrics};
use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const CANARY: &str = "bench";
const PATHS: i32 = 30;
/// A quick run has less.
const DAYS: [i64; 2] = [30, 3];
const DAY: i64 = 24 * 60;
const BUDGET: Duration = Duration::from_secs(30);
const ROWS: &str = include_str!("rows.sql");
const LAST: &str = "INSERT INTO canary_change_feed (canary, last_change)
    SELECT canary, max(change_id) FROM canary_test_results GROUP BY canary
    ON CONFLICT (canary) DO UPDATE SET last_change = excluded.last_change";
const SAMPLES: &str = "SELECT count(*) + count(total_latency_ms) + count(*) FILTER (WHERE outcome IN ('passed', 'late', 'failed'))
    FROM canary_test_results";

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let (postgres, victoria) = (Postgres::start().unwrap(), VictoriaMetrics::start().unwrap());
    let database = postgres.create_database().unwrap();
    let ledger = Arc::new(PostgresLedger::connect(&database.as_str().into(), CANARY).unwrap());
    ledger.migrate().await.unwrap();
    let started = Instant::now();
    let (rows, samples) = seed(&database).await;
    println!("seeded {rows} rows, {samples} samples, in {:.1} s", started.elapsed().as_secs_f64());

    let url = format!("{}/api/v1/write", victoria.url());
    let bench = Bench { ledger, url, samples };
    let led = bench.lead().await;
    report("30 days of 30 paths, the leader from an empty mark", led, rows);
    let ordered = bench.order().await;
    report("30 days of 30 paths, the same again on order", ordered, rows);
    println!("resident memory: {:.1} MB, {:.1} MB at most", memory("VmRSS"), memory("VmHWM"));
}

fn report(what: &str, took: Duration, rows: u64) {
    let all = if quick() {
        format!("only {rows} rows, as a quick run was asked for")
    } else {
        format!("{rows} rows")
    };
    Figure::new(what, took.as_secs_f64(), "s").at_most(BUDGET.as_secs_f64()).note(all).print();
}

fn days() -> i64 {
    DAYS[usize::from(quick())]
}

/// Rows of 30 days up to a quarter of an hour ago; answers how many, and how many samples they have.
async fn seed(database: &str) -> (u64, i64) {
    let mut sql = PgConnection::connect(database).await.unwrap();
    let last = (wall() - TimeDelta::minutes(15)).timestamp() / 60;
    let mut rows = 0;
    for day in (0..days()).rev() {
        let last = last - day * DAY;
        let insert = sqlx::query(ROWS).bind(CANARY).bind(PATHS).bind(last - DAY + 1).bind(last);
        rows += insert.execute(&mut sql).await.unwrap().rows_affected();
        sqlx::raw_sql(LAST).execute(&mut sql).await.unwrap();
    }
    sqlx::raw_sql("VACUUM (ANALYZE) canary_test_results").execute(&mut sql).await.unwrap();
    let samples: i64 = sqlx::query_scalar(SAMPLES).fetch_one(&mut sql).await.unwrap();
    (rows, samples)
}

struct Bench {
    ledger: Arc<PostgresLedger>,
    url: String,
    samples: i64,
}

impl Bench {
    fn receiver(&self) -> Receiver {
        Receiver::new(&self.url.parse().unwrap()).unwrap()
    }

    /// How long until the leader has had everything accepted.
    async fn lead(&self) -> Duration {
        let registry = new_registry(CANARY).unwrap();
        let parts = Parts {
            board: Arc::new(MemoryBoard::new()),
            ledger: Arc::clone(&self.ledger) as _,
            clock: Arc::new(Wall),
            metrics: Arc::new(ExportMetrics::register(&registry).unwrap()),
            receiver: self.receiver(),
        };
        let settings =
            Settings { canary: CANARY.into(), every: Duration::from_secs(30), overlap: Settings::OVERLAP };
        let holder = Holder { node: "n".into(), term: 1 };
        let lead = Leadership::new(Role::Judge, holder, Instant::now() + Duration::from_secs(3600));
        let (_seat, follow) = watch::channel(Some(lead));
        let stop = CancellationToken::new();
        let started = Instant::now();
        let mut running = JoinSet::new();
        running.spawn(Exporter::new(settings, parts).run(follow, stop.clone()));
        let accepted = || {
            let families = registry.gather();
            let family = families.iter().find(|family| family.name().ends_with("samples_total")).unwrap();
            family.get_metric().iter().map(|series| series.get_counter().get_value()).sum::<f64>()
        };
        #[expect(clippy::cast_precision_loss, reason = "a few million")]
        let all = self.samples as f64;
        while accepted() < all {
            assert!(running.try_join_next().is_none(), "the export has ended");
            sleep(Duration::from_millis(20)).await;
        }
        let took = started.elapsed();
        stop.cancel();
        running.join_next().await.unwrap().unwrap().unwrap();
        took
    }

    /// How long pushing it on order takes; then everything is compared.
    async fn order(&self) -> Duration {
        let backfill = Backfill {
            canary: CANARY.into(),
            ledger: Arc::clone(&self.ledger) as _,
            board: Arc::new(MemoryBoard::new()),
            clock: Arc::new(Wall),
            receiver: self.receiver(),
        };
        let started = Instant::now();
        let since = wall() - TimeDelta::days(days() + 1);
        let report = backfill.run(since, |_| {}).await.unwrap();
        let took = started.elapsed();
        assert_eq!(report.samples, self.samples.unsigned_abs());

        let started = Instant::now();
        let read = ReadBack::beside(&backfill.receiver).unwrap();
        let found = backfill.verify(&report, &read, |_| {}).await.unwrap();
        let took_to_verify = started.elapsed().as_secs_f64();
        println!(
            "after both: {} of {} samples exact, compared in {took_to_verify:.1} s",
            found.exact, self.samples
        );
        assert!(found.is_exact() && found.exact == report.samples, "{found:?}");
        took
    }
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

fn memory(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).unwrap();
    let kilobytes: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes / 1024.0
}
