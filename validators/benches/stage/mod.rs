//! What the benchmarks of the reactors stand on: events as bytes, and a reactor as production runs it, on a board in
//! memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{Backend, Clock, EventType, Origin, Role, Test, TestId};
use canary_store::{Board, BoardClock, Holder, Leadership, MemoryBoard};
use canary_telemetry::ReactorMetrics;
use canary_validators::{Credentials, Host, Settings, Validators};
use prometheus::Registry;
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Bytes an event has.
pub const EVENT: usize = 650;
const ALPHA: &str = "did:avt:a:5f1b6c0e9d7a4c31:alpha";
const BRAVO: &str = "did:avt:a:bravo";
/// Longer than any measurement.
const LONG: Duration = Duration::from_secs(3_600);

/// One thread each way: one pours, one reads.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A transfer event's text: a test's, else a user's, with texts and ids of several lengths.
pub fn event(index: usize, ours: Option<TestId>) -> String {
    let (event_id, transfer_id) = (TestId::random(), TestId::random());
    let user = format!("did:avt:a:{:x}:user", 7_919 * index * index);
    let (from, to) = if ours.is_some() { (ALPHA, BRAVO) } else { (user.as_str(), "did:avt:a:77aa01:shop") };
    let memo = ours.map_or_else(|| format!("Invoice {}, thanks", index * index), TestId::memo);
    let start = format!(
        r#"{{"type":"event","position":{position},"event_id":"{event_id}","event_type":"TokensTransferred","occurred_at":"2026-11-21T01:22:33.123456Z","source_frame":"a","data":{{"transfer_id":"{transfer_id}","from_agent_id":"{from}","to_agent_id":"{to}","amount":"0.01","memo":"{memo}","note":""#,
        position = 1_000 + index,
    );
    let missing = EVENT - start.len() - 3;
    let note: String = "lorem ipsum dolor ".chars().cycle().take(missing).collect();
    format!("{start}{note}\"}}}}")
}

/// A text frame as it stands on the wire.
pub fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap().to_be_bytes();
    [&[0x81, 126], &length[..], text.as_bytes()].concat()
}

/// A test of [`event`]'s.
pub fn test(test_id: TestId) -> Test {
    Test {
        test_id,
        canary: "bench".into(),
        path: "a-intra".into(),
        backend: Backend::Intra,
        origin: Origin::Fire,
        cycle: None,
        period_ms: None,
        term: 0,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: ALPHA.into(),
        receiver: BRAVO.into(),
        amount: "0.01".parse().unwrap(),
        registered_at: chrono::DateTime::from_timestamp(0, 0).unwrap(),
        deadline: LONG,
        watch: LONG,
    }
}

struct Open;

#[async_trait]
impl Credentials for Open {
    async fn bearer(&self) -> Result<SecretString, String> {
        Ok("open".into())
    }

    async fn refused(&self) {}
}

/// A board in memory, and its clock.
pub struct Place {
    pub board: Arc<MemoryBoard>,
    pub clock: Arc<dyn Clock>,
}

impl Place {
    pub async fn new() -> Self {
        let board = Arc::new(MemoryBoard::new());
        let clock = Arc::new(BoardClock::start(&*board).await.unwrap());
        Self { board, clock }
    }
}

/// The reactors, as production runs them: filter, correlation, stamps onto a board, metrics.
pub struct Canary {
    registry: Registry,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl Canary {
    /// Subscribes, with these tests in flight.
    pub async fn start(url: Url, Place { board, clock }: &Place, tests: impl Iterator<Item = Test>) -> Self {
        let mut tasks = JoinSet::new();
        let node = "bench".to_owned();
        let term = board.acquire(Role::Runner, &node, LONG).await.unwrap().unwrap();
        let lead = Leadership::new(Role::Runner, Holder { node: node.clone(), term }, Instant::now() + LONG);
        for test in tests {
            board.register(&lead, &test).await.unwrap();
        }
        let registry = Registry::new();
        let host = Host {
            node,
            clock: Arc::clone(clock),
            board: Arc::clone(board) as Arc<dyn Board>,
            credentials: Arc::new(Open),
            metrics: Arc::new(ReactorMetrics::register(&registry, "a").unwrap()),
        };
        let settings = Settings {
            senders: ["alpha", "bravo", "charlie", "delta"].map(|name| ALPHA.replace("alpha", name)).to_vec(),
            ..Settings::new("a", url, "http://127.0.0.1:9/".parse().unwrap())
        };
        let validators = Validators::new(settings, host).unwrap();
        let (mut ready, stop) = (validators.readiness(), CancellationToken::new());
        let token = stop.clone();
        tasks.spawn(async move { validators.run(token).await.unwrap() });
        ready.wait_for(canary_validators::Readiness::ready).await.unwrap();
        Self { registry, tasks, stop }
    }

    /// Stops it.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }

    /// A counter of the reactor of transfers.
    pub fn counter(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let mine = family.get_metric().iter().filter(|metric| {
            metric.get_label().iter().any(|label| label.value() == EventType::TokensTransferred.as_str())
        });
        mine.map(|metric| metric.get_counter().get_value()).sum()
    }
}
