//! What the tests stand on: a ledger, a clock that can skip, slots that passed or failed, and instances that lead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{Backend, Clock, Facts, Moment, Origin, Outcome, Reason, Role, Test, TestId, Verdict};
use canary_outbound::{Endpoint, Secret, WebhookParts, WebhookSettings, Webhooks};
use canary_store::{FactsRow, Holder, Leadership, Ledger, Observation, Outbox, Seat, SqliteLedger, wall};
use canary_telemetry::{WebhookMetrics, new_registry};
use chrono::{SubsecRound, TimeDelta};
use prometheus::Registry;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

pub const KEY: &str = "hunter2-key-of-a-receiver";

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
    pub ledger: Arc<SqliteLedger>,
    pub clock: Arc<FakeClock>,
    slot: AtomicI64,
    _folder: tempfile::TempDir,
}

impl Stand {
    pub async fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), "test").unwrap());
        ledger.migrate().await.unwrap();
        let clock = Arc::new(FakeClock { start: (Instant::now(), wall()), skipped: Mutex::default() });
        let slot = AtomicI64::new(wall().timestamp() / 60 - 10_000);
        Self { ledger, clock, slot, _folder: folder }
    }

    pub fn outbox(&self) -> Arc<dyn Outbox> {
        Arc::clone(&self.ledger) as _
    }

    /// Writes the next slots of path `p`, judged now: `p` passed, `f` failed.
    pub async fn slots(&self, outcomes: &str) -> Vec<TestId> {
        let mut ids = Vec::new();
        for outcome in outcomes.chars() {
            let row = row(self.slot.fetch_add(1, Ordering::SeqCst), outcome == 'p', self.clock.now());
            ids.push(row.facts.test.test_id);
            let observed = Observation { at: self.clock.now(), reactors: vec![] };
            self.ledger.record_observed(&[row], Some(&observed)).await.unwrap();
        }
        ids
    }

    /// An instance that leads and tells these.
    pub fn telling(&self, endpoints: Vec<Endpoint>) -> Instance {
        let registry = new_registry("test").unwrap();
        let names = endpoints.iter().map(|endpoint| endpoint.name.as_str());
        let parts = WebhookParts {
            ledger: Arc::clone(&self.ledger) as _,
            outbox: self.outbox(),
            clock: Arc::clone(&self.clock) as _,
            metrics: Arc::new(WebhookMetrics::register(&registry, names).unwrap()),
        };
        let settings = WebhookSettings {
            canary: "test".into(),
            paths: vec!["p".into()],
            failing_after: 3,
            console_url: None,
            endpoints,
        };
        let webhooks = Webhooks::new(settings, parts).unwrap();
        Instance::start(registry, |seat, stop| async move { webhooks.run(seat, stop).await.unwrap() })
    }

    /// Waits until the feed is followed.
    pub async fn followed(&self) {
        until("a leader that follows the feed", async || self.ledger.telling().await.unwrap().is_some())
            .await;
    }

    /// Waits until all that was judged has been looked at.
    pub async fn caught_up(&self) {
        let latest = self.ledger.latest_change().await.unwrap();
        until("all changes to be looked at", async || {
            self.ledger.telling().await.unwrap().is_some_and(|telling| telling.change == latest)
        })
        .await;
    }
}

/// A receiver at this address.
pub fn endpoint(name: &str, url: String) -> Endpoint {
    Endpoint {
        name: name.into(),
        url: Secret::new(move || Ok(url.clone().into())),
        keys: Secret::new(|| Ok(KEY.to_owned().into())),
        timeout: Duration::from_secs(20),
        give_up_after: Duration::from_secs(24 * 3_600),
    }
}

/// Something that leads. Dropping it kills it, as a crash would.
pub struct Instance {
    registry: Registry,
    stop: CancellationToken,
    _seat: watch::Sender<Option<Leadership>>,
    running: JoinSet<()>,
}

impl Instance {
    pub fn start<W>(registry: Registry, work: impl FnOnce(Seat, CancellationToken) -> W) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let holder = Holder { node: "n1".into(), term: 1 };
        let lead = Leadership::new(Role::Judge, holder, Instant::now() + Duration::from_secs(3_600));
        let (seat, follow) = watch::channel(Some(lead));
        let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
        running.spawn(work(follow, stop.clone()));
        Self { registry, stop, _seat: seat, running }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        self.running.join_next().await.unwrap().unwrap();
    }

    /// The sum of a counter's series with this label's value.
    pub fn count(&self, name: &str, label: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let series = family.get_metric().iter();
        let series = series.filter(|series| series.get_label().iter().any(|one| one.value() == label));
        series.map(|series| series.get_counter().get_value()).sum()
    }

    pub fn deliveries(&self, result: &str) -> f64 {
        self.count("canary_webhook_deliveries_total", result)
    }
}

fn row(slot: i64, passed: bool, judged_at: Moment) -> FactsRow {
    let registered_at = canary_domain::parse_iso("1970-01-01T00:00:00Z").unwrap() + TimeDelta::minutes(slot);
    let facts = Facts::registered(Test {
        test_id: TestId::random(),
        canary: "test".into(),
        path: "p".into(),
        backend: Backend::Intra,
        origin: Origin::Schedule,
        cycle: Some(slot),
        period_ms: Some(60_000),
        term: 1,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: "did:alpha".into(),
        receiver: "did:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at,
        deadline: Duration::from_secs(30),
        watch: Duration::from_secs(600),
    });
    let verdict = Verdict {
        outcome: if passed { Outcome::Passed } else { Outcome::Failed },
        reason: (!passed).then_some(Reason::Timeout),
        missing: if passed { vec![] } else { vec!["tokens_xfer"] },
        decided_as_of: registered_at,
        completed_at: None,
        latency_ms: None,
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
    };
    FactsRow { facts, verdict: Some(verdict), judged_at, judge_term: 1 }
}

/// Waits for a condition, half a minute at most.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
