//! What every test here stands on: stores, a clock that can skip, tests that are fired and stages that are seen.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{
    Answer, Backend, Clock, EventType, FireStatus, Interval, Moment, Origin, Role, Sighting, Stage, Stamp,
    Term, Test, TestId, Via,
};
use canary_judge::{Judge, OutcomeNews, Parts, Settings};
use canary_store::{
    Board, Claim, Holder, Leadership, Ledger, MemoryBoard, PostgresLedger, ReactorState, RedisBoard,
    Registration, ResultRow, SqliteLedger,
};
use canary_telemetry::{JudgeMetrics, OutcomeMetrics, PathLabels, new_registry};
use chrono::{SubsecRound, TimeDelta};
use prometheus::Registry;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::spy::{Spy, SpyBoard, SpyLedger};

pub const CANARY: &str = "test";
pub const LONG: Duration = Duration::from_secs(3600);

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
            async fn on_embedded_stores() -> anyhow::Result<()> {
                super::$name(Stand::new(Make::Embedded).await?).await
            }
            #[tokio::test]
            async fn on_redis_and_postgres() -> anyhow::Result<()> {
                super::$name(Stand::new(Make::Servers).await?).await
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
    pub fn skip(&self, seconds: i64) {
        *self.skipped.lock().unwrap() += TimeDelta::seconds(seconds);
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
    /// As everybody but the judge sees them.
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<FakeClock>,
    pub registry: Registry,
    pub spy: Arc<Spy>,
    metrics: Arc<JudgeMetrics>,
    outcomes: broadcast::Sender<OutcomeNews>,
    runner: Leadership,
    cycle: AtomicI64,
    _folder: tempfile::TempDir,
}

impl Stand {
    pub async fn new(make: Make) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (board, ledger): (Arc<dyn Board>, Arc<dyn Ledger>) = match make {
            Make::Embedded => (
                Arc::new(MemoryBoard::new()),
                Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), CANARY)?),
            ),
            Make::Servers => {
                let redis = canary_test_servers::shared_redis().url().into();
                let prefix = format!("{}:", uuid::Uuid::new_v4());
                let database = canary_test_servers::shared_postgres().create_database()?.into();
                (
                    Arc::new(RedisBoard::connect(&redis, prefix)?),
                    Arc::new(PostgresLedger::connect(&database, CANARY)?),
                )
            }
        };
        Self::over(board, ledger, folder).await
    }

    pub async fn over(
        board: Arc<dyn Board>,
        ledger: Arc<dyn Ledger>,
        folder: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        ledger.migrate().await?;
        let clock =
            Arc::new(FakeClock { start: (Instant::now(), board.time().await?), skipped: Mutex::default() });
        let registry = new_registry(CANARY)?;
        let labels = |backend: &Backend| PathLabels {
            path: format!("p-{backend}"),
            backend: *backend,
            agent: "alpha".into(),
        };
        let paths: Vec<PathLabels> = Backend::ALL.iter().map(labels).collect();
        let metrics = Arc::new(JudgeMetrics::register(
            &registry,
            &paths,
            OutcomeMetrics::register(&registry, &paths)?,
        )?);
        let runner = contend(&*board, Role::Runner).await?;
        let cycle = AtomicI64::new(clock.now().timestamp() / 60);
        let (spy, (outcomes, _)) = (Arc::default(), broadcast::channel(1_000));
        Ok(Self { board, ledger, clock, registry, spy, metrics, outcomes, runner, cycle, _folder: folder })
    }

    /// A judge with nobody in between.
    pub fn judge(&self) -> Judge {
        self.judge_over(Arc::clone(&self.board), Arc::clone(&self.ledger), 500)
    }

    /// A judge whose every call passes the spy.
    pub fn watched_judge(&self, batch: usize) -> Judge {
        let board = Arc::new(SpyBoard { inner: Arc::clone(&self.board), spy: Arc::clone(&self.spy) });
        let ledger = Arc::new(SpyLedger { inner: Arc::clone(&self.ledger), spy: Arc::clone(&self.spy) });
        self.judge_over(board, ledger, batch)
    }

    pub fn judge_over(&self, board: Arc<dyn Board>, ledger: Arc<dyn Ledger>, batch: usize) -> Judge {
        let settings = Settings {
            sweep_every: Duration::from_secs(5),
            watch: Duration::from_secs(600),
            blind_after: Duration::from_secs(60),
            local_frame: "a".into(),
            retention: Duration::from_secs(90 * 86_400),
            hourly_retention: Duration::from_secs(400 * 86_400),
            batch,
        };
        let (metrics, outcomes) = (Arc::clone(&self.metrics), self.outcomes.clone());
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        Judge::new(settings, Parts { board, ledger, clock, metrics, outcomes })
    }

    pub fn news(&self) -> broadcast::Receiver<OutcomeNews> {
        self.outcomes.subscribe()
    }

    /// One sweep of a judge in this term.
    pub async fn sweep(&self) -> anyhow::Result<canary_judge::SweepReport> {
        Ok(self.judge().sweep(&leading(1)).await?)
    }

    /// Claims, registers and fires a test, and has it accepted.
    pub async fn fire(&self, backend: Backend) -> anyhow::Result<Fired> {
        self.fire_with(backend, true).await
    }

    pub async fn fire_with(&self, backend: Backend, ledger_is_there: bool) -> anyhow::Result<Fired> {
        let test = self.test(backend);
        if ledger_is_there {
            anyhow::ensure!(self.ledger.claim(&test).await? == Claim::Claimed);
        }
        anyhow::ensure!(self.board.register(&self.runner, &test).await? == Registration::Registered);
        let fired = Fired { id: test.test_id, at: test.registered_at + TimeDelta::milliseconds(10) };
        anyhow::ensure!(self.board.note_fired(fired.id, fired.at, 50).await?);
        let answer = Answer {
            at: fired.after(40),
            status: FireStatus::Accepted,
            code: Some(200),
            transfer_id: Some(format!("t-{}", fired.id)),
            error: None,
        };
        anyhow::ensure!(self.board.note_answer(fired.id, &answer).await?);
        Ok(fired)
    }

    /// Another board takes over without what came last: all that it knows of these tests is their firing.
    pub async fn fail_over(&mut self, tests: &[Fired]) -> anyhow::Result<()> {
        self.board = Arc::new(MemoryBoard::new());
        self.runner = contend(&*self.board, Role::Runner).await?;
        for fired in tests {
            let test = self.row(fired).await?.facts.test;
            anyhow::ensure!(self.board.register(&self.runner, &test).await? == Registration::Registered);
            anyhow::ensure!(self.board.note_fired(fired.id, fired.at, 50).await?);
        }
        Ok(())
    }

    pub fn test(&self, backend: Backend) -> Test {
        Test {
            test_id: TestId::random(),
            canary: CANARY.into(),
            path: format!("p-{backend}"),
            backend,
            origin: Origin::Schedule,
            cycle: Some(self.cycle.fetch_add(1, Ordering::SeqCst)),
            period_ms: Some(60_000),
            term: self.runner.term(),
            source_frame: "a".into(),
            dest_frame: "b".into(),
            sender: "did:alpha".into(),
            receiver: "did:bravo".into(),
            amount: "0.01".parse().unwrap(),
            registered_at: self.clock.now(),
            deadline: backend.rule().deadline,
            watch: Duration::from_secs(600),
        }
    }

    /// A stage of the test is seen live, so many milliseconds after its firing.
    pub async fn see(&self, fired: &Fired, stage: Stage, ms: i64) -> anyhow::Result<()> {
        let stamp = Stamp {
            seen: fired.after(ms),
            via: Via::Live,
            occurred: fired.after(ms - 2),
            frame: "a".into(),
            position: ms,
            error_us: 50,
        };
        let unknown = self.board.stamp(&[Sighting { test_id: fired.id, stage, stamp }]).await?;
        anyhow::ensure!(unknown.is_empty(), "the board does not know {}", fired.id);
        Ok(())
    }

    /// All reactors of the local frame have seen everything from the clock's start to now.
    pub async fn cover(&self) -> anyhow::Result<()> {
        let covered = Interval { from: self.clock.start.1, until: self.clock.now() };
        self.cover_with("n1", Some(covered)).await
    }

    pub async fn cover_with(&self, node: &str, covered: Option<Interval>) -> anyhow::Result<()> {
        for event_type in EventType::ALL {
            let state = ReactorState {
                frame: "a".into(),
                event_type: *event_type,
                node: node.into(),
                position: Some(1),
                covered,
                connected: true,
                last_event_at: None,
                events_total: 0,
                matched_total: 0,
                reconnects_total: 0,
            };
            self.board.save_reactor(&state).await?;
        }
        Ok(())
    }

    pub async fn row(&self, fired: &Fired) -> anyhow::Result<ResultRow> {
        let row = self.ledger.rows(&[fired.id]).await?.pop();
        row.ok_or_else(|| anyhow::anyhow!("{} has no row", fired.id))
    }

    /// The sum of a metric's series that bear this label value: counters, gauges, or a histogram's count.
    pub fn metric(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == format!("canary_{name}"));
        let series = family.into_iter().flat_map(prometheus::proto::MetricFamily::get_metric);
        series
            .filter(|series| label.is_empty() || series.get_label().iter().any(|pair| pair.value() == label))
            .map(|series| {
                let histogram = series.get_histogram().get_sample_count();
                series.get_counter().get_value() + series.get_gauge().get_value() + histogram as f64
            })
            .sum()
    }
}

/// A test on its way.
#[derive(Clone, Copy, Debug)]
pub struct Fired {
    pub id: TestId,
    pub at: Moment,
}

impl Fired {
    pub fn after(&self, ms: i64) -> Moment {
        self.at + TimeDelta::milliseconds(ms)
    }
}

/// Leads as judge in this term, for as long as a test takes.
pub fn leading(term: Term) -> Leadership {
    Leadership::new(Role::Judge, Holder { node: "n1".into(), term }, Instant::now() + LONG)
}

async fn contend(board: &dyn Board, role: Role) -> anyhow::Result<Leadership> {
    let node = "n1".to_owned();
    let term = board.acquire(role, &node, LONG).await?;
    let term = term.ok_or_else(|| anyhow::anyhow!("somebody leads already"))?;
    Ok(Leadership::new(role, Holder { node, term }, Instant::now() + LONG))
}
