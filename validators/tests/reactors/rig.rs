//! The reactors, running against a scripted EventStore and a board.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, Backend, Clock, EventType, Facts, FireStatus, Moment, Origin, Role, Stage, Stamp, Test, TestId,
    iso,
};
use canary_store::{Board, BoardClock, Holder, Leadership, ReactorState, Registration};
use canary_telemetry::ReactorMetrics;
use canary_validators::{Credentials, Host, Settings, Validators};
use prometheus::Registry;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::fragile::Fragile;
use crate::store::EventStore;

pub const ALPHA: &str = "did:avt:a:alpha";
pub const BRAVO: &str = "did:avt:a:bravo";

/// Gives a bad bearer first if told to, and a good one once that was refused.
#[derive(Default)]
pub struct Tokens {
    pub stale: Mutex<bool>,
    pub refused: AtomicUsize,
}

#[async_trait]
impl Credentials for Tokens {
    async fn bearer(&self) -> Result<SecretString, String> {
        Ok(if *self.stale.lock().unwrap() { "stale" } else { "good" }.into())
    }

    async fn refused(&self) {
        self.refused.fetch_add(1, Ordering::SeqCst);
        *self.stale.lock().unwrap() = false;
    }
}

/// Everything a test needs at hand.
pub struct Rig {
    pub store: EventStore,
    pub board: Arc<Fragile>,
    pub clock: Arc<BoardClock>,
    pub tokens: Arc<Tokens>,
    pub settings: Settings,
    lead: Leadership,
    running: Option<Running>,
}

struct Running {
    node: String,
    registry: Registry,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl Rig {
    pub async fn new() -> Self {
        Self::on(EventStore::start().await).await
    }

    pub async fn on(store: EventStore) -> Self {
        // Without TLS in the tests nobody needs it; the client asks for a provider all the same.
        rustls::crypto::ring::default_provider().install_default().ok();
        let board = Arc::new(Fragile::new());
        let clock = Arc::new(BoardClock::start(&*board).await.unwrap());
        let node = "runner-1".to_owned();
        let term = board.acquire(Role::Runner, &node, Duration::from_secs(600)).await.unwrap().unwrap();
        let until = Instant::now() + Duration::from_secs(600);
        let lead = Leadership::new(Role::Runner, Holder { node, term }, until);
        let settings = Settings {
            silence_after: Duration::from_secs(60),
            backstop_every: Duration::from_millis(50),
            senders: vec![ALPHA.to_owned(), "did:avt:a:charlie".to_owned()],
            ..Settings::new("a", store.ws_url(), store.rest_url())
        };
        Self { store, board, clock, tokens: Arc::default(), settings, lead, running: None }
    }

    /// Starts the reactors and waits until all five have subscribed.
    pub async fn started(mut self) -> Self {
        self.start("node-1").await;
        self
    }

    pub async fn start(&mut self, node: &str) {
        let mut readiness = self.start_unready(node);
        let ready = readiness.wait_for(canary_validators::Readiness::ready);
        timeout(Duration::from_secs(10), ready).await.expect("the reactors subscribe in time").unwrap();
    }

    pub fn start_unready(
        &mut self,
        node: &str,
    ) -> tokio::sync::watch::Receiver<canary_validators::Readiness> {
        let registry = Registry::new();
        let host = Host {
            node: node.into(),
            board: Arc::clone(&self.board) as Arc<dyn Board>,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            credentials: Arc::clone(&self.tokens) as Arc<dyn Credentials>,
            metrics: Arc::new(ReactorMetrics::register(&registry, "a").unwrap()),
        };
        let validators = Validators::new(self.settings.clone(), host).unwrap();
        let readiness = validators.readiness();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        let token = stop.clone();
        task.spawn(async move { validators.run(token).await.unwrap() });
        self.running = Some(Running { node: node.to_owned(), registry, stop, task });
        readiness
    }

    pub async fn stop(&mut self) {
        let mut running = self.running.take().unwrap();
        running.stop.cancel();
        let ended = timeout(Duration::from_secs(10), running.task.join_next()).await;
        ended.expect("the reactors stop in time").unwrap().unwrap();
    }

    /// A counter or gauge of one reactor; with a third label, where the metric has one.
    pub fn metric(&self, name: &str, event: EventType, extra: Option<&str>) -> u64 {
        let families = self.running.as_ref().unwrap().registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let mut values = family.get_metric().iter().filter(|metric| {
            let has = |value: &str| metric.get_label().iter().any(|label| label.value() == value);
            has(event.as_str()) && extra.is_none_or(has)
        });
        let metric = values.next().unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are small and positive"
        )]
        let value = (metric.get_counter().get_value() + metric.get_gauge().get_value()) as u64;
        value
    }

    pub fn rejected(&self, event: EventType, reason: &str) -> u64 {
        self.metric("reactor_rejected_total", event, Some(reason))
    }

    /// A test that is about to be fired.
    pub fn test(&self) -> Test {
        Test {
            test_id: TestId::random(),
            canary: "test".into(),
            path: "a-async".into(),
            backend: Backend::Async,
            origin: Origin::Fire,
            cycle: None,
            period_ms: None,
            term: self.lead.term(),
            source_frame: "a".into(),
            dest_frame: "b".into(),
            sender: ALPHA.into(),
            receiver: BRAVO.into(),
            amount: "0.01".parse().unwrap(),
            registered_at: self.clock.now(),
            deadline: Duration::from_secs(330),
            watch: Duration::from_secs(600),
        }
    }

    pub async fn register(&self, test: &Test) {
        assert_eq!(self.board.register(&self.lead, test).await.unwrap(), Registration::Registered);
    }

    pub async fn registered(&self) -> Test {
        let test = self.test();
        self.register(&test).await;
        test
    }

    pub async fn answer(&self, test: &Test, transfer_id: &str) {
        let answer = Answer {
            at: self.clock.now(),
            status: FireStatus::Accepted,
            code: Some(202),
            transfer_id: Some(transfer_id.into()),
            error: None,
        };
        assert!(self.board.note_answer(test.test_id, &answer).await.unwrap());
    }

    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    pub async fn facts(&self, test: &Test) -> Option<Facts> {
        self.board.open_tests().await.unwrap().into_iter().find(|facts| facts.test.test_id == test.test_id)
    }

    pub async fn stamp(&self, test: &Test, stage: Stage) -> Option<Stamp> {
        self.facts(test).await?.stamps.get(stage).cloned()
    }

    /// Waits for the stamp of a stage.
    pub async fn stamped(&self, test: &Test, stage: Stage) -> Stamp {
        until(&format!("{stage} is stamped"), || self.stamp(test, stage)).await
    }

    /// Waits until the board itself has the stamp, whether or not it can be asked for its open tests.
    pub async fn stamped_on_board(&self, test: &Test, stage: Stage) {
        until(&format!("{stage} is stamped"), || async {
            let open = self.board.now()?.open_tests().await.unwrap();
            let facts = open.into_iter().find(|facts| facts.test.test_id == test.test_id)?;
            facts.stamps.get(stage).map(|_| ())
        })
        .await;
    }

    /// What a reactor of the running instance, or of the one that ran, says of itself.
    pub async fn state(&self, kind: EventType) -> Option<ReactorState> {
        let node = self.running.as_ref().map(|running| running.node.as_str());
        let states = self.board.reactors().await.unwrap();
        let is_it =
            |state: &ReactorState| state.event_type == kind && node.is_none_or(|node| state.node == node);
        states.into_iter().find(is_it)
    }

    /// Until when a reactor has covered everything.
    pub async fn covered_until(&self, kind: EventType) -> Option<Moment> {
        Some(self.state(kind).await?.covered?.until)
    }

    /// Sends heartbeats until coverage has passed a moment.
    pub async fn covered_past(&self, kind: EventType, moment: Moment) {
        until("coverage has passed", || async {
            self.store.heartbeat();
            self.covered_until(kind).await.filter(|until| *until > moment)
        })
        .await;
    }

    /// Waits until a reactor has refused so many for this reason.
    pub async fn refused(&self, kind: EventType, reason: &str, count: u64) {
        let enough = || async { (self.rejected(kind, reason) >= count).then_some(()) };
        until(&format!("{count} {reason}"), enough).await;
    }

    /// An event of a test, as the platform sends it.
    pub fn event(&self, kind: EventType, test: &Test, transfer_id: &str) -> Value {
        let data = if kind == EventType::TransactionFeeCollected {
            json!({"transfer_id": transfer_id, "payer_agent_id": test.sender, "fee_amount": "0.0001"})
        } else {
            json!({
                "transfer_id": transfer_id, "from_agent_id": test.sender, "to_agent_id": test.receiver,
                "amount": test.amount.to_string(), "memo": format!("cross_registry:{}", test.test_id.memo()),
            })
        };
        json!({
            "event_id": "5f0c", "event_type": kind.as_str(), "occurred_at": iso(self.now()),
            "source_frame": "a", "data": data,
        })
    }

    /// An event of anybody else's.
    pub fn users_event(&self, kind: EventType) -> Value {
        let test = Test { sender: "did:avt:a:user".into(), receiver: "did:avt:a:shop".into(), ..self.test() };
        let mut event = self.event(kind, &test, "a-users-transfer");
        event["data"]["memo"] = "rent; \"type\":\"heartbeat\"".into();
        event
    }
}

/// Asks again until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), asking).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
