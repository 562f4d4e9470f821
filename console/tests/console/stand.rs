//! A console that runs, over stores that a test fills.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_console::{
    BindError, Console, FireRefused, NotReady, Parts, Plan, PlannedPath, Readiness, Settings, Source,
};
use canary_domain::{
    Answer, Backend, Cadence, Coverage, EventType, Facts, FireStatus, Moment, Origin, Patience, SlotKey,
    Stage, Stamp, Test, TestId, Via, judge,
};
use canary_store::{
    Board, FactsRow, Ledger, MemoryBoard, Observation, PostgresLedger, SqliteLedger, Watcher,
};
use chrono::TimeDelta;
use prometheus::{IntCounter, Registry};
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const API: &str = "/api/v1/canaries";

/// Runs a test on both makes of the ledger.
#[macro_export]
macro_rules! on_both_ledgers {
    ($($name:ident)*) => { $(
        mod $name {
            use $crate::stand::Stand;
            #[tokio::test]
            async fn on_sqlite() -> anyhow::Result<()> {
                super::$name(Stand::on_sqlite().await?).await
            }
            #[tokio::test]
            async fn on_postgres() -> anyhow::Result<()> {
                super::$name(Stand::on_postgres().await?).await
            }
        }
    )* };
}

pub struct Stand {
    pub ledger: Arc<dyn Ledger>,
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    pub client: Client,
    pub world: Arc<World>,
    pub folder: tempfile::TempDir,
    pub stop: CancellationToken,
    pub server: JoinHandle<()>,
    cycle: AtomicI64,
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub fn local() -> Settings {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Settings { listen, metrics_listen: None, admin_token_file: None }
}

pub fn client() -> Client {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().unwrap()
}

/// What a console is told by the rest of its process; a test turns it, the console's callbacks read it.
pub struct World {
    pub not_ready: Mutex<Vec<NotReady>>,
    pub now: Mutex<Moment>,
    pub key: Mutex<Option<SlotKey>>,
    /// The paths that were fired, in order.
    pub fired: Mutex<Vec<String>>,
    /// What firing is answered with, if not with a test.
    pub refused: Mutex<Option<FireRefused>>,
    /// Whether firing takes for ever, and how often it was begun and given up then.
    pub hangs: AtomicBool,
    pub begun: AtomicI64,
    pub given_up: AtomicI64,
}

impl Default for World {
    /// Half an hour after the first cycle's edge, with a key.
    fn default() -> Self {
        Self {
            not_ready: Mutex::default(),
            now: Mutex::new(edge(30)),
            key: Mutex::new(Some(SlotKey::new(vec![7; 32]).unwrap())),
            fired: Mutex::default(),
            refused: Mutex::default(),
            hangs: AtomicBool::new(false),
            begun: AtomicI64::new(0),
            given_up: AtomicI64::new(0),
        }
    }
}

/// Counts that it was given up.
struct Hanging(Arc<World>);

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.given_up.fetch_add(1, Ordering::SeqCst);
    }
}

impl World {
    async fn fire(self: Arc<Self>, path: String) -> Result<TestId, FireRefused> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            let _hanging = Hanging(Arc::clone(&self));
            std::future::pending::<()>().await;
        }
        match self.refused.lock().unwrap().clone() {
            Some(refused) => Err(refused),
            None => {
                self.fired.lock().unwrap().push(path);
                Ok(TestId::random())
            }
        }
    }
}

/// A path a backend: `p-intra`, `p-async`, `p-2pc`.
pub fn plan() -> Plan {
    let seconds = Duration::from_secs;
    let path = |backend: &Backend| PlannedPath {
        name: format!("p-{backend}"),
        backend: *backend,
        source_frame: "a".into(),
        dest_frame: if *backend == Backend::Intra { "a".into() } else { "b".into() },
        amount: "0.01".parse().unwrap(),
        from: "alpha".into(),
        to: "bravo".into(),
        deadline: backend.rule().deadline,
    };
    Plan {
        canary: "test".into(),
        cadence: Cadence::new(seconds(60), seconds(10)).unwrap(),
        sweep_every: seconds(5),
        watch: seconds(600),
        call_timeout: seconds(10),
        blind_after: seconds(60),
        silence_after: seconds(30),
        backstop_every: seconds(10),
        exports: false,
        paths: Backend::ALL.iter().map(path).collect(),
    }
}

/// What every console here works with, but its stores.
pub fn parts(board: Arc<dyn Board>, ledger: Arc<dyn Ledger>, world: &Arc<World>) -> Parts {
    let registry = Registry::new_custom(Some("canary".into()), None).unwrap();
    let counter = IntCounter::new("sights_total", "What a test sees.").unwrap();
    registry.register(Box::new(counter)).unwrap();
    let [of_readiness, of_clock, of_fire, of_key] = std::array::from_fn(|_| Arc::clone(world));
    Parts {
        board,
        ledger,
        registry,
        readiness: Arc::new(move || Readiness { not_ready: of_readiness.not_ready.lock().unwrap().clone() }),
        clock: Arc::new(move || *of_clock.now.lock().unwrap()),
        plan: plan(),
        fire: Arc::new(move |path| Box::pin(Arc::clone(&of_fire).fire(path))),
        session_key: Arc::new(move || of_key.key.lock().unwrap().clone()),
        sources: vec![Source { folder: "runner/", what: "Fires.".into() }],
    }
}

impl Stand {
    pub async fn on_sqlite() -> anyhow::Result<Self> {
        Self::with(|_| local()).await
    }

    /// SQLite, with settings made in the test's folder.
    pub async fn with(settings: impl FnOnce(&tempfile::TempDir) -> Settings) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), "test")?);
        let settings = settings(&folder);
        Self::over(Arc::new(MemoryBoard::new()), ledger, settings, folder).await
    }

    pub async fn on_postgres() -> anyhow::Result<Self> {
        let database = canary_test_servers::shared_postgres().create_database()?.into();
        let ledger = Arc::new(PostgresLedger::connect(&database, "test")?);
        Self::over(Arc::new(MemoryBoard::new()), ledger, local(), tempfile::tempdir()?).await
    }

    pub async fn over(
        board: Arc<dyn Board>,
        ledger: Arc<dyn Ledger>,
        settings: Settings,
        folder: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        ledger.migrate().await?;
        Self::over_migrated(board, ledger, settings, folder).await
    }

    /// Over a ledger that may be away.
    pub async fn over_migrated(
        board: Arc<dyn Board>,
        ledger: Arc<dyn Ledger>,
        settings: Settings,
        folder: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        let world = Arc::default();
        let parts = parts(board, Arc::clone(&ledger), &world);
        Self::of(parts, world, settings, folder).await
    }

    /// With a plan of its own.
    pub async fn planned(
        plan: Plan,
        board: Arc<dyn Board>,
        ledger: Arc<dyn Ledger>,
        folder: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        let world = Arc::default();
        let parts = Parts { plan, ..parts(board, ledger, &world) };
        Self::of(parts, world, local(), folder).await
    }

    async fn of(
        parts: Parts,
        world: Arc<World>,
        settings: Settings,
        folder: tempfile::TempDir,
    ) -> anyhow::Result<Self> {
        let ledger = Arc::clone(&parts.ledger);
        let console = Console::bind(settings, parts).await?;
        let (address, metrics) = (console.local_addr(), console.metrics_addr());
        let stop = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the stand owns it, and ends it when dropped")]
        let server = tokio::spawn(console.run(stop.clone()));
        let cycle = AtomicI64::new(0);
        Ok(Self { ledger, address, metrics, client: client(), world, folder, stop, server, cycle })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Response> {
        Ok(self.client.get(format!("http://{}{path}", self.address)).send().await?)
    }

    /// The answer, which has to be of this status, as JSON.
    pub async fn json(&self, path: &str, status: u16) -> anyhow::Result<Value> {
        let answer = self.get(path).await?;
        anyhow::ensure!(answer.status() == status, "{path}: {}", answer.status());
        Ok(answer.json().await?)
    }

    /// A problem document of this status.
    pub async fn problem(&self, path: &str, status: u16) -> anyhow::Result<Value> {
        problem(self.get(path).await?, status).await
    }

    /// Writes a row of the next cycle: passed if a latency is given, else refunded.
    pub async fn write(&self, backend: Backend, latency_ms: Option<i64>) -> anyhow::Result<TestId> {
        let facts = facts(backend, self.cycle.fetch_add(1, Ordering::SeqCst), latency_ms);
        let test_id = facts.test.test_id;
        let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(5) };
        let judged_at = facts.start() + TimeDelta::seconds(3);
        let verdict = judge(&facts, &Coverage::default(), &patience, judged_at).verdict;
        self.ledger.record(&[FactsRow { facts, verdict, judged_at, judge_term: 1 }]).await?;
        Ok(test_id)
    }
}

impl Stand {
    /// Writes a row of the next cycle that was refunded, with three reactors of which one had looked at all of it.
    pub async fn failure(&self, backend: Backend) -> anyhow::Result<TestId> {
        let facts = facts(backend, self.cycle.fetch_add(1, Ordering::SeqCst), None);
        let test_id = facts.test.test_id;
        let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(5) };
        let judged_at = facts.start() + TimeDelta::seconds(3);
        let verdict = judge(&facts, &Coverage::default(), &patience, judged_at).verdict;
        let (start, deadline, ms) = (facts.start(), facts.deadline_at(), TimeDelta::milliseconds(1));
        let reactor = |node: &str, since, until| Watcher {
            frame: "a".into(),
            event_type: EventType::TokensTransferred,
            node: node.into(),
            connected: true,
            position: Some(77),
            covered_since: Some(since),
            covered_until: Some(until),
            last_event_at: None,
        };
        let reactors = vec![
            reactor("looked", start, deadline),
            reactor("began-late", start + ms, deadline),
            reactor("ended-early", start, deadline - ms),
        ];
        let observed = Observation { at: judged_at, reactors };
        let row = FactsRow { facts, verdict, judged_at, judge_term: 1 };
        self.ledger.record_observed(&[row], Some(&observed)).await?;
        Ok(test_id)
    }
}

pub async fn problem(answer: Response, status: u16) -> anyhow::Result<Value> {
    anyhow::ensure!(answer.status() == status, "{} instead of {status}", answer.status());
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await?;
    assert_eq!(problem["status"], status);
    assert!(problem["type"].as_str().unwrap().starts_with("urn:canary:problem:"), "{problem}");
    assert!(
        !problem["title"].as_str().unwrap().is_empty() && !problem["detail"].as_str().unwrap().is_empty()
    );
    Ok(problem)
}

/// The edge of a cycle.
pub fn edge(cycle: i64) -> Moment {
    canary_domain::parse_iso("2026-11-21T01:00:00Z").unwrap() + TimeDelta::minutes(cycle)
}

fn facts(backend: Backend, cycle: i64, latency_ms: Option<i64>) -> Facts {
    let mut facts = Facts::registered(Test {
        test_id: TestId::random(),
        canary: "test".into(),
        path: format!("p-{backend}"),
        backend,
        origin: Origin::Schedule,
        cycle: Some(cycle),
        period_ms: Some(60_000),
        term: 4,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:alpha".into(),
        receiver: "did:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: edge(cycle),
        deadline: backend.rule().deadline,
        watch: Duration::from_secs(600),
    });
    let fired_at = edge(cycle) + TimeDelta::microseconds(10_250);
    facts.fired_at = Some(fired_at);
    facts.fired_error_us = 40;
    facts.answer = Some(Answer {
        at: fired_at + TimeDelta::milliseconds(40),
        status: FireStatus::Accepted,
        code: Some(202),
        transfer_id: Some(format!("t-{cycle}")),
        error: None,
    });
    let (stage, ms) = latency_ms.map_or((Stage::CfRefunded, 900), |ms| (Stage::CfSettledRemote, ms));
    for (stage, ms) in [(Stage::CfInitiated, 30), (stage, ms)] {
        let seen = fired_at + TimeDelta::milliseconds(ms);
        let occurred = seen - TimeDelta::milliseconds(2);
        let stamp = Stamp { seen, via: Via::Live, occurred, frame: "a".into(), position: ms, error_us: 60 };
        facts.stamps.add(stage, stamp);
    }
    facts
}

/// What keeps a console from binding.
pub async fn refusal(settings: Settings, folder: PathBuf) -> BindError {
    let ledger = Arc::new(SqliteLedger::open(&folder.join("canary.db"), "test").unwrap());
    let parts = parts(Arc::new(MemoryBoard::new()), ledger, &Arc::default());
    Console::bind(settings, parts).await.unwrap_err()
}
