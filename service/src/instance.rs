//! One running instance: everything that the settings ask for, built and handed to the supervisor.
//!
//! The order of coming up: the board's clock first, since every moment is of it; then the reactors and the console;
//! then, once the ledger has a schema and gave the slot key, the runner and the judge. A store that is away at the start
//! delays what needs it and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use canary_console::{Console, NotReady};
use canary_domain::{Clock, Role, SlotKey, backoff};
use canary_judge::{Judge, OutcomeNews};
use canary_runner::Runner;
use canary_store::{Annotation, Ledger};
use canary_telemetry::{ClockMetrics, JudgeMetrics, LeaseMetrics};
use canary_validators::Readiness;
use secrecy::ExposeSecret as _;
use tokio::sync::{broadcast, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::base::Base;
use crate::leading::Contender;
use crate::settings::{Part, Settings};
use crate::supervisor::Supervisor;
use crate::{RETENTION, clock, stores};

/// How long hourly rollups are kept (design §5).
const HOURLY_RETENTION: Duration = Duration::from_secs(400 * 24 * 3_600);
/// Tests the judge reads and writes in one step.
const BATCH: usize = 1_000;
/// Outcomes a slow listener may lag behind before it misses some.
const NEWS: usize = 1_024;

/// One running instance.
pub(crate) struct Instance {
    pub base: Base,
    pub ledger: Arc<dyn Ledger>,
    /// Outcomes as this instance's judge writes them.
    pub outcomes: broadcast::Sender<OutcomeNews>,
}

impl Instance {
    /// Reaches the board and builds what everything shares; `None` if told to stop before the board answered.
    ///
    /// # Errors
    /// When an address or a file can't be used.
    pub async fn build(settings: Settings, stop: &CancellationToken) -> Result<Option<Self>> {
        let ledger = stores::ledger(&settings)?;
        let Some(base) = Base::build(settings, stop).await? else { return Ok(None) };
        Ok(Some(Self { base, ledger, outcomes: broadcast::Sender::new(NEWS) }))
    }

    /// Starts the parts that the settings ask for; answers the console's address.
    ///
    /// # Errors
    /// When a part can't be built, or the console can't listen.
    pub async fn start(&self, supervisor: &mut Supervisor) -> Result<Option<SocketAddr>> {
        info!(
            canary = self.base.settings.canary,
            node = self.base.node,
            board = self.base.board.describe(),
            ledger = self.ledger.describe(),
            "starting"
        );
        let stop = supervisor.stop();
        let metrics = ClockMetrics::register(&self.base.registry).context("metrics")?;
        let keep =
            clock::keep(Arc::clone(&self.base.clock), Arc::clone(&self.base.board), metrics, stop.clone());
        supervisor.start("clock", async {
            keep.await;
            Ok(())
        });
        let ready = if self.base.settings.runs(Part::Validators) {
            Some(self.base.start_validators(supervisor)?)
        } else {
            None
        };
        let prepared = self.start_preparation(supervisor);
        let contender = self.contender()?;
        if self.base.settings.runs(Part::Runner) {
            self.start_runner(supervisor, contender.clone(), prepared.clone());
        }
        if self.base.settings.runs(Part::Judge) {
            self.start_judge(supervisor, contender, prepared.clone())?;
        }
        if self.base.settings.runs(Part::Console) {
            return self.start_console(supervisor, ready).await.map(Some);
        }
        Ok(None)
    }

    async fn start_console(
        &self,
        supervisor: &mut Supervisor,
        ready: Option<watch::Receiver<Readiness>>,
    ) -> Result<SocketAddr> {
        let parts = canary_console::Parts {
            board: Arc::clone(&self.base.board),
            ledger: Arc::clone(&self.ledger),
            registry: self.base.registry.clone(),
            readiness: Arc::new(move || readiness(ready.as_ref())),
        };
        let settings = &self.base.settings.console;
        let settings = canary_console::Settings {
            listen: settings.listen,
            metrics_listen: settings.metrics_listen,
            admin_token_file: settings.admin_token_file.clone(),
        };
        let console = Console::bind(settings, parts).await?;
        let (address, stop) = (console.local_addr(), supervisor.stop());
        supervisor.start("console", async move {
            console.run(stop).await;
            Ok(())
        });
        Ok(address)
    }

    fn contender(&self) -> Result<Contender> {
        Ok(Contender {
            board: Arc::clone(&self.base.board),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.base.clock) as Arc<dyn Clock>,
            node: self.base.node.clone(),
            metrics: Arc::new(LeaseMetrics::register(&self.base.registry).context("metrics")?),
        })
    }

    fn start_runner(&self, supervisor: &mut Supervisor, contender: Contender, prepared: Prepared) {
        let (firer, ledger) = (self.base.firer.clone(), Arc::clone(&self.ledger));
        let (stop, settings) = (supervisor.stop(), self.base.runner_settings(SlotKey::random()));
        supervisor.start("runner", async move {
            let Some(slot_key) = prepared.wait(&stop).await else { return Ok(()) };
            let settings = canary_runner::Settings { slot_key, ..settings };
            let runner = Runner::new(settings, firer, ledger, stop.clone());
            contender
                .run(Role::Runner, stop, |seat| async {
                    runner.run(seat).await;
                    Ok(())
                })
                .await
        });
    }

    fn start_judge(
        &self,
        supervisor: &mut Supervisor,
        contender: Contender,
        prepared: Prepared,
    ) -> Result<()> {
        let metrics =
            Arc::new(JudgeMetrics::register(&self.base.registry, &self.base.labels()).context("metrics")?);
        let parts = canary_judge::Parts {
            board: Arc::clone(&self.base.board),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.base.clock) as Arc<dyn Clock>,
            metrics,
            outcomes: self.outcomes.clone(),
        };
        let judge = Judge::new(judge_settings(&self.base.settings), parts);
        let stop = supervisor.stop();
        supervisor.start("judge", async move {
            if prepared.wait(&stop).await.is_none() {
                return Ok(());
            }
            contender.run(Role::Judge, stop.clone(), |seat| async { Ok(judge.run(seat, stop).await?) }).await
        });
        Ok(())
    }

    fn start_preparation(&self, supervisor: &mut Supervisor) -> Prepared {
        let (tell, prepared) = watch::channel(None);
        let (ledger, settings, stop) =
            (Arc::clone(&self.ledger), self.base.settings.clone(), supervisor.stop());
        let mark = (Arc::clone(&self.base.clock), self.base.node.clone());
        supervisor.start("ledger", async move {
            let mut delays = backoff();
            while !stop.is_cancelled() {
                match prepare(&*ledger, &settings).await {
                    Ok(key) => {
                        let (clock, node) = mark;
                        let text = format!("{node} started");
                        let mark = Annotation {
                            at: clock.now(),
                            kind: "process_start".into(),
                            text,
                            node: Some(node),
                        };
                        if let Err(error) = ledger.annotate(&mark).await {
                            warn!(%error, "the start was not marked");
                        }
                        tell.send_replace(Some(key));
                        break;
                    }
                    Err(error) => warn!(error = format!("{error:#}"), "waiting for the ledger"),
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(delays.next().unwrap_or_default()) => {}
                }
            }
            stop.cancelled().await;
            Ok(())
        });
        Prepared(prepared)
    }
}

/// Told once the ledger has its schema and the slot key is known.
#[derive(Clone)]
struct Prepared(watch::Receiver<Option<SlotKey>>);

impl Prepared {
    /// Waits for the slot key; `None` if told to stop before.
    async fn wait(mut self, stop: &CancellationToken) -> Option<SlotKey> {
        tokio::select! {
            () = stop.cancelled() => None,
            key = self.0.wait_for(Option::is_some) => key.ok()?.clone(),
        }
    }
}

async fn prepare(ledger: &dyn Ledger, settings: &Settings) -> Result<SlotKey> {
    if stores::migrates(settings) {
        ledger.migrate().await?;
    }
    ledger.ping().await?;
    match &settings.slot_key {
        Some(source) => {
            let secret = source.read().map_err(anyhow::Error::msg)?;
            SlotKey::new(secret.expose_secret().as_bytes().to_vec()).context("slot_key")
        }
        None => Ok(ledger.slot_key(&SlotKey::random()).await?),
    }
}

fn readiness(validators: Option<&watch::Receiver<Readiness>>) -> canary_console::Readiness {
    let unsubscribed = validators.is_some_and(|validators| !validators.borrow().ready());
    let not_ready = unsubscribed.then(|| NotReady {
        part: "validators".into(),
        why: "not all five reactors have subscribed yet".into(),
    });
    canary_console::Readiness { not_ready: not_ready.into_iter().collect() }
}

fn judge_settings(settings: &Settings) -> canary_judge::Settings {
    canary_judge::Settings {
        sweep_every: settings.times.sweep_every,
        watch: settings.times.watch,
        blind_after: settings.times.blind_after,
        local_frame: settings.local.name.clone(),
        retention: RETENTION,
        hourly_retention: HOURLY_RETENTION,
        batch: BATCH,
    }
}
