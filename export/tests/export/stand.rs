//! What every test here stands on: stores, a clock that can skip, and an export that can be started and killed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{Clock, Moment, Role};
use canary_export::{Backfill, Exporter, Parts, Receiver, Settings};
use canary_store::{
    Board, Holder, Leadership, Ledger, MemoryBoard, PostgresLedger, RedisBoard, SqliteLedger,
};
use canary_telemetry::{ExportMetrics, new_registry};
use chrono::{DurationRound, SubsecRound, TimeDelta};
use prometheus::Registry;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::rows::{CANARY, failed, passed, seen, skipped, test};

pub const LONG: Duration = Duration::from_secs(3600);
/// The export takes the seat that it is given, whatever its role.
const ROLE: Role = Role::Judge;

/// Which stores a test runs on.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    Embedded,
    Servers,
}

/// Runs a scenario on both makes of the stores.
#[macro_export]
macro_rules! on_both_stores {
    ($($name:ident)*) => { $(
        mod $name {
            use $crate::stand::{Make, Stand};
            #[tokio::test]
            async fn on_embedded_stores() {
                super::$name(Stand::new(Make::Embedded).await).await
            }
            #[tokio::test]
            async fn on_redis_and_postgres() {
                super::$name(Stand::new(Make::Servers).await).await
            }
        }
    )* };
}

/// Runs with Tokio's time, and can skip ahead.
pub struct FakeClock {
    start: (Instant, Moment),
    skipped: Mutex<TimeDelta>,
}

impl FakeClock {
    pub fn skip(&self, by: TimeDelta) {
        *self.skipped.lock().unwrap() += by;
    }
}

impl Clock for FakeClock {
    fn at(&self, instant: Instant) -> Moment {
        let passed = TimeDelta::from_std(instant.saturating_duration_since(self.start.0)).unwrap();
        (self.start.1 + passed + *self.skipped.lock().unwrap()).trunc_subsecs(6)
    }

    fn error_bound(&self) -> Duration {
        Duration::from_micros(100)
    }

    fn steps(&self) -> u64 {
        0
    }
}

pub struct Stand {
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<FakeClock>,
    _folder: tempfile::TempDir,
}

impl Stand {
    pub async fn new(make: Make) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let (board, ledger): (Arc<dyn Board>, Arc<dyn Ledger>) = match make {
            Make::Embedded => (
                Arc::new(MemoryBoard::new()),
                Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), CANARY).unwrap()),
            ),
            Make::Servers => {
                let redis = canary_test_servers::shared_redis().url().into();
                let prefix = format!("{}:", uuid::Uuid::new_v4());
                let database = canary_test_servers::shared_postgres().create_database().unwrap().into();
                (
                    Arc::new(RedisBoard::connect(&redis, prefix).unwrap()),
                    Arc::new(PostgresLedger::connect(&database, CANARY).unwrap()),
                )
            }
        };
        ledger.migrate().await.unwrap();
        let now = board.time().await.unwrap();
        let clock = Arc::new(FakeClock { start: (Instant::now(), now), skipped: Mutex::default() });
        Self { board, ledger, clock, _folder: folder }
    }

    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as _
    }

    /// The begin of the minute so many minutes ago.
    pub fn minutes_ago(&self, minutes: i64) -> Moment {
        let minute = TimeDelta::minutes(1);
        self.clock.now().duration_trunc(minute).unwrap() - minute * i32::try_from(minutes).unwrap()
    }

    /// Writes a row of each kind for each of these minutes ago, the oldest first: `p` passed, `f` failed, `s` skipped.
    /// Answers how many samples they have.
    pub async fn history(&self, minutes: std::ops::Range<i64>) -> usize {
        let ages: Vec<i64> = minutes.rev().collect();
        for ages in ages.chunks(200) {
            let due = ages.iter().map(|age| (*age, self.minutes_ago(*age)));
            let judged = |due: Moment| due + TimeDelta::seconds(2);
            let rows: Vec<_> = due
                .clone()
                .flat_map(|(age, due)| {
                    let late = due + TimeDelta::seconds(31);
                    [passed(seen(test("p", due), 40 + age % 60), judged(due)), failed(test("f", due), late)]
                })
                .collect();
            self.ledger.record(&rows).await.unwrap();
            let rows: Vec<_> = due.map(|(_, due)| skipped(test("s", due))).collect();
            self.ledger.write_unfired(&rows).await.unwrap();
        }
        ages.len() * (3 + 2 + 1)
    }

    pub fn export(&self, url: &str) -> Export {
        self.export_with(url, Duration::ZERO, &leading(LONG))
    }

    /// Starts an export that pushes often, and repeats what was accepted for so long.
    pub fn export_with(&self, url: &str, overlap: Duration, lead: &Leadership) -> Export {
        let registry = new_registry(CANARY).unwrap();
        let receiver =
            Receiver::new(&url.parse().unwrap()).unwrap().with_timeout(Duration::from_millis(1_500));
        let parts = Parts {
            board: Arc::clone(&self.board),
            ledger: Arc::clone(&self.ledger),
            clock: self.clock(),
            metrics: Arc::new(ExportMetrics::register(&registry).unwrap()),
            receiver,
        };
        let settings = Settings { canary: CANARY.into(), every: Duration::from_millis(50), overlap };
        let (seat, follow) = watch::channel(Some(lead.clone()));
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let exporter = Exporter::new(settings, parts);
        running.spawn({
            let stop = stop.clone();
            async move { exporter.run(follow, stop).await.unwrap() }
        });
        Export { registry, stop, seat, running }
    }

    pub fn backfill(&self, url: &str) -> Backfill {
        Backfill {
            canary: CANARY.into(),
            ledger: Arc::clone(&self.ledger),
            board: Arc::clone(&self.board),
            clock: self.clock(),
            receiver: Receiver::new(&url.parse().unwrap()).unwrap(),
        }
    }

    /// Where the mark of a receiver is.
    pub async fn mark(&self, url: &str) -> i64 {
        self.ledger.export_mark(url).await.unwrap().unwrap_or(0)
    }
}

/// An export that runs. Dropping it kills it, as a crash would.
pub struct Export {
    registry: Registry,
    stop: CancellationToken,
    pub seat: watch::Sender<Option<Leadership>>,
    running: JoinSet<()>,
}

impl Export {
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.running.join_next().await.unwrap().unwrap();
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a counter counts")]
    pub fn samples(&self, result: &str) -> usize {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "canary_export_samples_total").unwrap();
        let series = family.get_metric().iter();
        let series = series.filter(|series| series.get_label().iter().any(|label| label.value() == result));
        let count: f64 = series.map(|series| series.get_counter().get_value()).sum();
        count as usize
    }

    pub fn lag(&self) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == "canary_export_lag_seconds").unwrap();
        family.get_metric()[0].get_gauge().get_value()
    }
}

/// Leads for so long from now on.
pub fn leading(duration: Duration) -> Leadership {
    Leadership::new(ROLE, Holder { node: "n1".into(), term: 1 }, Instant::now() + duration)
}

/// Waits for a condition, half a minute at most.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
