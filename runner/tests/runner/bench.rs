//! A runner on its bench: everything real but the platform.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use canary_domain::{Backend, Cadence, Clock, Facts, NodeId, Role, SlotKey};
use canary_runner::{
    Agent, Agents, Calls, Firer, Platform as Calling, Route, Runner, SecretSource, Settings,
};
use canary_store::{
    Board, BoardClock, Filter, Holder, Leadership, Ledger, MemoryBoard, PostgresLedger, RedisBoard,
    Registration, ResultRow, Seat, SqliteLedger,
};
use canary_telemetry::{OutcomeMetrics, RunnerMetrics, new_registry};
use canary_test_servers::{shared_postgres, shared_redis};
use prometheus::Registry;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;

/// How long anything may take before the test has failed.
const LIMIT: Duration = Duration::from_secs(20);

/// What the sending agent signs in with.
pub const SECRET: &str = "hunter2-of-alpha";

pub struct Bench {
    pub platform: Platform,
    pub settings: Settings,
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<BoardClock>,
    pub node: NodeId,
    pub folder: TempDir,
}

impl Bench {
    /// One `intra` path, fired every second.
    pub async fn new() -> Self {
        Self::with(Backend::Intra, Arc::new(MemoryBoard::new())).await
    }

    pub async fn with(backend: Backend, board: Arc<dyn Board>) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let platform = Platform::start().await;
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqliteLedger::open(&folder.path().join("canary.db"), "prod").unwrap();
        ledger.migrate().await.unwrap();
        let clock = Arc::new(BoardClock::start(&MemoryBoard::new()).await.unwrap());
        let settings = settings(&platform.url, backend);
        Self { platform, settings, board, ledger: Arc::new(ledger), clock, node: "n1".into(), folder }
    }

    pub fn route(&self) -> &Arc<Route> {
        &self.settings.routes[0]
    }

    pub fn firer(&self) -> Firer {
        self.firer_on(&new_registry("prod").unwrap())
    }

    /// A firer whose metrics can be read.
    pub fn firer_on(&self, registry: &Registry) -> Firer {
        let platform = Calling::new(Calls::default(), Duration::from_millis(500)).unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let agents = Agents::new(platform.clone(), Arc::clone(&clock), [&*self.route().from]);
        let labels = [self.route().labels()];
        let outcomes = OutcomeMetrics::register(registry, &labels).unwrap();
        let metrics = RunnerMetrics::register(registry, &labels, outcomes).unwrap();
        Firer::new(platform, agents, Arc::clone(&self.board), clock, Arc::new(metrics))
    }

    /// The same on a private board of a real Redis and in a ledger of a real PostgreSQL.
    pub async fn on_servers() -> Self {
        Self::on_servers_at().await.0
    }

    /// With the database's URL.
    pub async fn on_servers_at() -> (Self, String) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}:", NEXT.fetch_add(1, Ordering::Relaxed));
        let board = RedisBoard::connect(&shared_redis().url().into(), prefix).unwrap();
        let database = shared_postgres().create_database().unwrap();
        let ledger = PostgresLedger::connect(&database.clone().into(), "prod").unwrap();
        ledger.migrate().await.unwrap();
        let bench = Self::with(Backend::Intra, Arc::new(board)).await;
        let clock = Arc::new(BoardClock::start(&*bench.board).await.unwrap());
        (Self { ledger: Arc::new(ledger), clock, ..bench }, database)
    }

    /// Leads by the board's own lease.
    pub async fn lead(&self) -> Leadership {
        let ttl = Duration::from_secs(600);
        let term = self.board.acquire(Role::Runner, &self.node, ttl).await.unwrap().unwrap();
        Leadership::new(Role::Runner, Holder { node: self.node.clone(), term }, Instant::now() + ttl)
    }

    /// A test of a slot, claimed and registered.
    pub async fn registered(&self, lead: &Leadership) -> Facts {
        let test = self.settings.slot_test(self.route(), 7, lead.term(), self.clock.now());
        self.ledger.claim(&test).await.unwrap();
        assert_eq!(self.board.register(lead, &test).await.unwrap(), Registration::Registered);
        Facts::registered(test)
    }

    /// Runs a runner under this leadership until the rows satisfy a condition; answers them, oldest first.
    pub async fn run_until(
        &self,
        lead: &Leadership,
        enough: impl Fn(&[ResultRow]) -> bool,
    ) -> Vec<ResultRow> {
        let (tell, seat): (_, Seat) = watch::channel(Some(lead.clone()));
        let stop = CancellationToken::new();
        let runner = Runner::new(self.settings.clone(), self.firer(), Arc::clone(&self.ledger), stop.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(runner.run(seat));
        let rows = self.rows_when(enough).await;
        stop.cancel();
        tasks.join_all().await;
        drop(tell);
        rows
    }

    /// Waits until the rows satisfy a condition.
    pub async fn rows_when(&self, enough: impl Fn(&[ResultRow]) -> bool) -> Vec<ResultRow> {
        timeout(LIMIT, async {
            loop {
                let mut rows = self.ledger.results(&Filter::default(), None, 1_000).await.unwrap().rows;
                rows.sort_by_key(|row| row.facts.test.cycle);
                if enough(&rows) {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the rows never came")
    }

    /// The facts on the board.
    pub async fn facts(&self) -> Vec<Facts> {
        self.board.open_tests().await.unwrap()
    }

    /// Waits until a fact stands on the board.
    pub async fn facts_when(&self, enough: impl Fn(&[Facts]) -> bool) -> Vec<Facts> {
        timeout(LIMIT, async {
            loop {
                let facts = self.facts().await;
                if enough(&facts) {
                    return facts;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the facts never came")
    }
}

fn settings(url: &str, backend: Backend) -> Settings {
    let agent = |name: &str, frame: &str| {
        Arc::new(Agent {
            name: name.into(),
            frame: frame.into(),
            registry: url.parse().unwrap(),
            did: format!("did:{name}"),
            client_id: name.into(),
            client_secret: SecretSource::new(|| Ok(SECRET.to_owned().into())),
        })
    };
    let to = if backend == Backend::Intra { agent("bravo", "a") } else { agent("charlie", "b") };
    let route =
        Route { name: "p".into(), backend, from: agent("alpha", "a"), to, amount: "0.01".parse().unwrap() };
    Settings {
        canary: "prod".into(),
        cadence: Cadence::new(Duration::from_secs(1), Duration::ZERO).unwrap(),
        deadlines: HashMap::new(),
        watch: Duration::from_secs(600),
        retention: Duration::from_secs(3_600),
        slot_key: SlotKey::new(vec![7; 32]).unwrap(),
        routes: vec![Arc::new(route)],
    }
}

impl Bench {
    /// Runs a runner under this leadership.
    pub async fn run_forever(&self, lead: &Leadership) {
        let (_tell, seat): (_, Seat) = watch::channel(Some(lead.clone()));
        let stop = CancellationToken::new();
        Runner::new(self.settings.clone(), self.firer(), Arc::clone(&self.ledger), stop).run(seat).await;
    }
}
