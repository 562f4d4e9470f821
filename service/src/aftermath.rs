//! What follows a verdict: webhooks and searches of logs, each a task of its own that works while this instance leads as
//! judge. They share the judge's seat and nothing else: neither waits for the other, nor the judge for them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_domain::Clock;
use canary_outbound::{LogSearches, SearchParts, WebhookParts, WebhookSettings, Webhooks};
use canary_store::{Ledger, Outbox, Seat};
use canary_telemetry::{SearchMetrics, WebhookMetrics};
use tokio::sync::watch;

use crate::base::Base;
use crate::settings;
use crate::supervisor::Supervisor;

/// The judge's seat, once it contends for it.
pub(crate) type LaterSeat = watch::Receiver<Option<Seat>>;

/// What follows verdicts, with what it takes.
pub(crate) struct Aftermath<'a> {
    pub base: &'a Base,
    pub ledger: &'a Arc<dyn Ledger>,
    pub outbox: &'a Arc<dyn Outbox>,
    pub seat: LaterSeat,
}

impl Aftermath<'_> {
    /// Starts what the settings ask for.
    ///
    /// # Errors
    /// When a part can't be built.
    pub fn start(&self, supervisor: &mut Supervisor) -> Result<()> {
        if let Some(webhooks) = &self.base.settings.webhooks {
            self.start_webhooks(webhooks, supervisor)?;
        }
        if self.base.settings.log_search.is_some() {
            self.start_searches(supervisor)?;
        }
        Ok(())
    }

    fn start_webhooks(&self, webhooks: &settings::Webhooks, supervisor: &mut Supervisor) -> Result<()> {
        let settings::Webhooks { failing_after, console_url, endpoints } = webhooks.clone();
        let names = endpoints.iter().map(|endpoint| endpoint.name.as_str());
        let metrics = WebhookMetrics::register(&self.base.registry, names).context("metrics")?;
        let parts = WebhookParts {
            ledger: Arc::clone(self.ledger),
            outbox: Arc::clone(self.outbox),
            clock: self.clock(),
            metrics: Arc::new(metrics),
        };
        let settings = &self.base.settings;
        let settings = WebhookSettings {
            canary: settings.canary.clone(),
            paths: settings.routes.iter().map(|route| route.name.clone()).collect(),
            failing_after,
            console_url,
            endpoints,
        };
        let webhooks = Webhooks::new(settings, parts)?;
        let (seat, stop) = (self.seat.clone(), supervisor.stop());
        supervisor.start("webhooks", async move {
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                Some(seat) = contended(seat) => Ok(webhooks.run(seat, stop.clone()).await?),
            }
        });
        Ok(())
    }

    fn start_searches(&self, supervisor: &mut Supervisor) -> Result<()> {
        let Some(settings) = self.base.settings.log_search.clone() else { return Ok(()) };
        let metrics = Arc::new(SearchMetrics::register(&self.base.registry).context("metrics")?);
        let parts = SearchParts { outbox: Arc::clone(self.outbox), clock: self.clock(), metrics };
        let searches = LogSearches::new(settings, parts)?;
        let (seat, stop) = (self.seat.clone(), supervisor.stop());
        supervisor.start("log searches", async move {
            tokio::select! {
                () = stop.cancelled() => Ok(()),
                Some(seat) = contended(seat) => Ok(searches.run(seat, stop.clone()).await?),
            }
        });
        Ok(())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.base.clock) as _
    }
}

/// Waits until the judge contends; `None` if it never will.
async fn contended(mut seat: LaterSeat) -> Option<Seat> {
    seat.wait_for(Option::is_some).await.ok()?.clone()
}
