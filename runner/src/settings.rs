//! What the runner is told.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Amount, Backend, Cadence, Moment, Origin, SlotKey, Term, Test, TestId};
use canary_telemetry::PathLabels;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use secrecy::SecretString;
use url::Url;

/// Where a secret is read from, each time it is needed; the error names the source, never the secret.
#[derive(Clone)]
pub struct SecretSource(Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>);

impl SecretSource {
    /// Takes the way to read it.
    pub fn new(read: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it can't be read, in words that name the source.
    pub fn read(&self) -> Result<SecretString, String> {
        (self.0)()
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSource(…)")
    }
}

/// A funded account that the canary may use.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name in the configuration.
    pub name: String,
    /// The frame it lives in.
    pub frame: String,
    /// That frame's registry.
    pub registry: Url,
    /// Its DID.
    pub did: String,
    /// What it signs in with.
    pub client_id: String,
    /// The secret to that.
    pub client_secret: SecretSource,
}

/// A path with its agents (design §1, *path*).
#[derive(Clone, Debug)]
pub struct Route {
    /// The path's name.
    pub name: String,
    /// How its transfers are made.
    pub backend: Backend,
    /// Who sends.
    pub from: Arc<Agent>,
    /// Who receives.
    pub to: Arc<Agent>,
    /// What is sent.
    pub amount: Amount,
}

impl Route {
    /// The labels of its metrics.
    #[must_use]
    pub fn labels(&self) -> PathLabels {
        PathLabels { path: self.name.clone(), backend: self.backend, agent: self.from.name.clone() }
    }
}

/// What the runner is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The deployment's name.
    pub canary: String,
    /// When slots are due.
    pub cadence: Cadence,
    /// Time from firing to the deadline, a backend.
    pub deadlines: HashMap<Backend, Duration>,
    /// Time from firing to the end of the watch.
    pub watch: Duration,
    /// How far back slots without a row are looked for: the ledger's retention.
    pub retention: Duration,
    /// The secret behind the ids of slots.
    pub slot_key: SlotKey,
    /// The paths, in the order in which they are spread over the cycle.
    pub routes: Vec<Arc<Route>>,
}

impl Settings {
    /// How long a balance lasts at what the agent sends on all its paths, fees left out; `None`: longer than can be told.
    pub(crate) fn runway(&self, agent: &str, balance: Decimal) -> Option<Duration> {
        let sent = self.routes.iter().filter(|route| route.from.name == agent);
        let a_period: Decimal = sent.map(|route| route.amount.value()).sum();
        let periods = balance.checked_div(a_period)?.max(Decimal::ZERO).to_f64()?;
        Duration::try_from_secs_f64(periods * self.cadence.period().as_secs_f64()).ok()
    }

    /// The test of a slot.
    #[must_use]
    pub fn slot_test(&self, route: &Route, cycle: i64, term: Term, registered_at: Moment) -> Test {
        Test {
            test_id: TestId::of_slot(&self.slot_key, &self.canary, &route.name, cycle),
            origin: Origin::Schedule,
            cycle: Some(cycle),
            period_ms: Some(self.cadence.period_ms()),
            term,
            ..self.free_test(route, Origin::Schedule, registered_at)
        }
    }

    /// A test without a slot (design §13).
    #[must_use]
    pub fn free_test(&self, route: &Route, origin: Origin, registered_at: Moment) -> Test {
        Test {
            test_id: TestId::random(),
            canary: self.canary.clone(),
            path: route.name.clone(),
            backend: route.backend,
            origin,
            cycle: None,
            period_ms: None,
            term: 0,
            source_frame: route.from.frame.clone(),
            dest_frame: route.to.frame.clone(),
            sender: route.from.did.clone(),
            receiver: route.to.did.clone(),
            amount: route.amount,
            registered_at,
            deadline: self.deadlines.get(&route.backend).copied().unwrap_or(route.backend.rule().deadline),
            watch: self.watch,
        }
    }
}
