//! What every acting command is built from: the board and its clock, the way to fire, and the reactors.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_domain::{Clock, NodeId, SlotKey};
use canary_runner::{Agents, Firer, Platform};
use canary_store::{Board, BoardClock};
use canary_telemetry::{
    OutcomeMetrics, PathLabels, ReactorMetrics, RunnerMetrics, new_registry, process_info,
};
use canary_validators::{Host, Readiness, Validators};
use prometheus::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::credentials::Bearer;
use crate::settings::{EventStoreBearer, Settings};
use crate::supervisor::Supervisor;
use crate::{RETENTION, clock, node, stores};

/// What every acting command is built from.
pub(crate) struct Base {
    pub settings: Settings,
    pub node: NodeId,
    pub board: Arc<dyn Board>,
    pub clock: Arc<BoardClock>,
    pub firer: Firer,
    pub registry: Registry,
    pub outcomes: OutcomeMetrics,
}

impl Base {
    /// Reaches the board of the settings and builds the rest; `None` if told to stop before the board answered.
    ///
    /// # Errors
    /// When an address or a file can't be used.
    pub async fn build(settings: Settings, stop: &CancellationToken) -> Result<Option<Self>> {
        let (board, registry) = (stores::board(&settings)?, registry(&settings)?);
        Self::on(settings, board, registry, stop).await
    }

    /// The same on a board and a registry that are there already.
    ///
    /// # Errors
    /// When the HTTP client or the metrics can't be set up.
    pub async fn on(
        settings: Settings,
        board: Arc<dyn Board>,
        registry: Registry,
        stop: &CancellationToken,
    ) -> Result<Option<Self>> {
        for warning in &settings.warnings {
            warn!("{warning}");
        }
        let Some(clock) = clock::start(&*board, stop).await else { return Ok(None) };
        let labels: Vec<PathLabels> = settings.routes.iter().map(|route| route.labels()).collect();
        let outcomes = OutcomeMetrics::register(&registry, &labels).context("metrics")?;
        let metrics = RunnerMetrics::register(&registry, &labels, outcomes.clone()).context("metrics")?;
        let firer = firer(&settings, Arc::clone(&board), Arc::clone(&clock) as Arc<dyn Clock>, metrics)?;
        Ok(Some(Self { settings, node: node::name(), board, clock, firer, registry, outcomes }))
    }

    /// The labels of the paths' metrics.
    pub fn labels(&self) -> Vec<PathLabels> {
        self.settings.routes.iter().map(|route| route.labels()).collect()
    }

    /// Starts the five reactors of the local frame.
    ///
    /// # Errors
    /// When their metrics can't be declared, or their settings can't be used.
    pub fn start_validators(&self, supervisor: &mut Supervisor) -> Result<watch::Receiver<Readiness>> {
        let metrics =
            Arc::new(ReactorMetrics::register(&self.registry, &self.settings.local.name).context("metrics")?);
        let bearer = Bearer::new(self.settings.local.bearer.clone(), self.firer.agents().clone());
        let host = Host {
            node: self.node.clone(),
            board: Arc::clone(&self.board),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            credentials: Arc::new(bearer),
            metrics,
        };
        let validators = Validators::new(validator_settings(&self.settings), host)?;
        let (ready, stop) = (validators.readiness(), supervisor.stop());
        supervisor.start("validators", async move { Ok(validators.run(stop).await?) });
        Ok(ready)
    }

    /// What the runner is told.
    pub fn runner_settings(&self, slot_key: SlotKey) -> canary_runner::Settings {
        canary_runner::Settings {
            canary: self.settings.canary.clone(),
            cadence: self.settings.cadence,
            deadlines: self.settings.deadlines.clone(),
            watch: self.settings.times.watch,
            retention: RETENTION,
            slot_key,
            routes: self.settings.routes.clone(),
        }
    }
}

/// The registry of an instance's metrics.
///
/// # Errors
/// When the deployment's name can't be a label.
pub(crate) fn registry(settings: &Settings) -> Result<Registry> {
    let registry = new_registry(&settings.canary).context("metrics")?;
    process_info(&registry, env!("CARGO_PKG_VERSION")).context("metrics")?;
    Ok(registry)
}

fn firer(
    settings: &Settings,
    board: Arc<dyn Board>,
    clock: Arc<dyn Clock>,
    metrics: RunnerMetrics,
) -> Result<Firer> {
    let platform = Platform::new(settings.calls.clone(), settings.times.call_timeout)?;
    let bearer = match &settings.local.bearer {
        EventStoreBearer::Agent(agent) => Some(&**agent),
        EventStoreBearer::Token(_) => None,
    };
    let signing = settings.routes.iter().map(|route| &*route.from).chain(bearer);
    let agents = Agents::new(platform.clone(), Arc::clone(&clock), signing);
    Ok(Firer::new(platform, agents, board, clock, Arc::new(metrics)))
}

fn validator_settings(settings: &Settings) -> canary_validators::Settings {
    let local = &settings.local;
    let mut senders: Vec<String> = settings.routes.iter().map(|route| route.from.did.clone()).collect();
    senders.sort();
    senders.dedup();
    canary_validators::Settings {
        silence_after: settings.times.silence_after,
        backstop_every: settings.times.backstop_every,
        watch: settings.times.watch,
        mapping: settings.mapping.clone(),
        senders,
        ..canary_validators::Settings::new(
            local.name.clone(),
            local.event_store_ws.clone(),
            local.event_store.clone(),
        )
    }
}
