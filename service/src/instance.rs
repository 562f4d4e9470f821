//! One running instance: everything that the settings ask for, built and handed to the supervisor.
//!
//! The order of coming up: the console, which says what is not ready yet; the board's clock, since every moment is of
//! it; the reactors; the runner, once it has the slot key; the judge and the export, once the ledger has its schema. A store that is
//! away at the start delays what needs it and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use canary_domain::{Clock, Role, SlotKey};
use canary_export::{Exporter, Receiver};
use canary_judge::{Judge, OutcomeNews};
use canary_runner::{Orders, Runner};
use canary_store::{Ledger, Outbox};
use canary_telemetry::{ClockMetrics, ExportMetrics, JudgeMetrics, LeaseMetrics};
use tokio::sync::{broadcast, watch};
use tracing::info;

use crate::aftermath::Aftermath;
use crate::base::{self, Base};
use crate::front::{self, Later, Shown};
use crate::leading::Contender;
use crate::preparation::Prepared;
use crate::settings::{ExportSettings, Part, Settings};
use crate::stores::{self, Opened};
use crate::supervisor::Supervisor;
use crate::{RETENTION, clock};

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
    outbox: Arc<dyn Outbox>,
    /// Outcomes as this instance's judge writes them.
    pub outcomes: broadcast::Sender<OutcomeNews>,
    /// Where the console listens, if there is one.
    pub console: Option<SocketAddr>,
    later: Arc<Later>,
}

impl Instance {
    /// Opens the console, reaches the board and builds what everything shares; `None` if told to stop before the board
    /// answered.
    ///
    /// # Errors
    /// When an address or a file can't be used, or the console can't listen.
    pub async fn build(settings: Settings, supervisor: &mut Supervisor) -> Result<Option<Self>> {
        let (board, Opened { ledger, outbox }) = (stores::board(&settings)?, stores::open(&settings)?);
        info!(canary = settings.canary, board = board.describe(), ledger = ledger.describe(), "starting");
        let (registry, later) = (base::registry(&settings)?, Arc::<Later>::default());
        let shown = Shown {
            board: Arc::clone(&board),
            ledger: Arc::clone(&ledger),
            registry: registry.clone(),
            later: Arc::clone(&later),
        };
        let console = front::open(&settings, shown, supervisor).await?;
        let Some(base) = Base::on(settings, board, registry, &supervisor.stop()).await? else {
            return Ok(None);
        };
        Ok(Some(Self { base, ledger, outbox, outcomes: broadcast::Sender::new(NEWS), console, later }))
    }

    /// Starts the other parts that the settings ask for.
    ///
    /// # Errors
    /// When a part can't be built.
    pub fn start(&self, supervisor: &mut Supervisor) -> Result<()> {
        let stop = supervisor.stop();
        let metrics = ClockMetrics::register(&self.base.registry).context("metrics")?;
        let clock = Arc::clone(&self.base.clock);
        self.later.clock.get_or_init(|| Arc::clone(&clock));
        let keep = clock::keep(Arc::clone(&clock), Arc::clone(&self.base.board), metrics, stop);
        supervisor.start("clock", async {
            keep.await;
            Ok(())
        });
        if self.base.settings.runs(Part::Validators) {
            let ready = self.base.start_validators(supervisor)?;
            self.later.reactors.get_or_init(|| ready);
        }
        let mark = (clock as Arc<dyn Clock>, self.base.node.clone());
        let prepared = Prepared::start(supervisor, &self.base.settings, Arc::clone(&self.ledger), mark);
        self.later.prepared.get_or_init(|| prepared.clone());
        if self.base.settings.runs(Part::Console) {
            self.start_orders(supervisor);
        }
        let contender = self.contender()?;
        if self.base.settings.runs(Part::Runner) {
            self.start_runner(supervisor, contender.clone(), prepared.clone());
        }
        if self.base.settings.runs(Part::Judge) {
            self.start_judge(supervisor, contender.clone(), prepared.clone())?;
        }
        if let Some(export) =
            self.base.settings.export.as_ref().filter(|_| self.base.settings.runs(Part::Export))
        {
            self.start_export(export, supervisor, contender, prepared)?;
        }
        Ok(())
    }

    fn start_orders(&self, supervisor: &mut Supervisor) {
        let settings = self.base.runner_settings(SlotKey::random());
        let (orders, desk) = Orders::new(settings, self.base.firer.clone(), Arc::clone(&self.ledger));
        self.later.orders.get_or_init(|| orders);
        let stop = supervisor.stop();
        supervisor.start("orders", async move {
            desk.run(stop).await;
            Ok(())
        });
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
            let Some(slot_key) = prepared.slot_key(&stop).await else { return Ok(()) };
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
        let metrics = Arc::new(
            JudgeMetrics::register(&self.base.registry, &self.base.labels(), self.base.outcomes.clone())
                .context("metrics")?,
        );
        let parts = canary_judge::Parts {
            board: Arc::clone(&self.base.board),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.base.clock) as Arc<dyn Clock>,
            metrics,
            outcomes: self.outcomes.clone(),
        };
        let judge = Judge::new(judge_settings(&self.base.settings), parts);
        let (tell_seat, seat) = watch::channel(None);
        let (base, ledger, outbox) = (&self.base, &self.ledger, &self.outbox);
        Aftermath { base, ledger, outbox, seat }.start(supervisor)?;
        let stop = supervisor.stop();
        supervisor.start("judge", async move {
            if !prepared.schema(&stop).await {
                return Ok(());
            }
            contender
                .run(Role::Judge, stop.clone(), |seat| async {
                    tell_seat.send_replace(Some(seat.clone()));
                    Ok(judge.run(seat, stop).await?)
                })
                .await
        });
        Ok(())
    }

    fn start_export(
        &self,
        export: &ExportSettings,
        supervisor: &mut Supervisor,
        contender: Contender,
        prepared: Prepared,
    ) -> Result<()> {
        let settings = canary_export::Settings {
            canary: self.base.settings.canary.clone(),
            every: export.every,
            overlap: canary_export::Settings::OVERLAP,
        };
        let parts = canary_export::Parts {
            board: Arc::clone(&self.base.board),
            ledger: Arc::clone(&self.ledger),
            clock: Arc::clone(&self.base.clock) as Arc<dyn Clock>,
            metrics: Arc::new(ExportMetrics::register(&self.base.registry).context("metrics")?),
            receiver: Receiver::new(&export.remote_write).context("export.remote_write")?,
        };
        let exporter = Exporter::new(settings, parts);
        contender.metrics.contends(Role::Export);
        let stop = supervisor.stop();
        supervisor.start("export", async move {
            if !prepared.schema(&stop).await {
                return Ok(());
            }
            contender
                .run(Role::Export, stop.clone(), |seat| async { Ok(exporter.run(seat, stop).await?) })
                .await
        });
        Ok(())
    }
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
