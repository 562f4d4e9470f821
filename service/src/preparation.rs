//! What the ledger has to give before slots can be fired and judged: its schema, and the slot key unless the settings
//! name one. A ledger that is away is asked again and again.

use std::sync::Arc;

use canary_domain::{Clock, NodeId, SlotKey, backoff};
use canary_store::{Annotation, Ledger, Result};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::settings::Settings;
use crate::stores;
use crate::supervisor::Supervisor;

/// What has been prepared so far.
#[derive(Clone)]
pub(crate) struct Prepared {
    slot_key: watch::Receiver<Option<SlotKey>>,
    schema: watch::Receiver<bool>,
}

impl Prepared {
    /// Prepares in a task of its own.
    pub fn start(
        supervisor: &mut Supervisor,
        settings: &Settings,
        ledger: Arc<dyn Ledger>,
        mark: (Arc<dyn Clock>, NodeId),
    ) -> Self {
        let (tell_key, slot_key) = watch::channel(settings.slot_key.clone());
        let (tell_schema, schema) = watch::channel(false);
        let (stop, migrates) = (supervisor.stop(), stores::migrates(settings));
        supervisor.start("ledger", async move {
            let prepared = async {
                let key = prepare(&*ledger, migrates, slot_key_wanted(&tell_key)).await;
                if let Some(key) = key {
                    tell_key.send_replace(Some(key));
                }
                tell_schema.send_replace(true);
                annotate_start(&*ledger, mark).await;
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = prepared => {}
            }
            stop.cancelled().await;
            Ok(())
        });
        Self { slot_key, schema }
    }

    /// The slot key, if it is known by now.
    pub fn known_slot_key(&self) -> Option<SlotKey> {
        self.slot_key.borrow().clone()
    }

    /// Waits for the slot key; `None` if told to stop before.
    pub async fn slot_key(mut self, stop: &CancellationToken) -> Option<SlotKey> {
        tokio::select! {
            () = stop.cancelled() => None,
            key = self.slot_key.wait_for(Option::is_some) => key.ok()?.clone(),
        }
    }

    /// Waits for the schema; `false` if told to stop before.
    pub async fn schema(mut self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = stop.cancelled() => false,
            ready = self.schema.wait_for(|ready| *ready) => ready.is_ok(),
        }
    }
}

fn slot_key_wanted(known: &watch::Sender<Option<SlotKey>>) -> bool {
    known.borrow().is_none()
}

/// Asks until the ledger is ready; answers its slot key if that is wanted.
async fn prepare(ledger: &dyn Ledger, migrates: bool, key_wanted: bool) -> Option<SlotKey> {
    let mut delays = backoff();
    loop {
        match try_prepare(ledger, migrates, key_wanted).await {
            Ok(key) => return key,
            Err(error) => warn!(%error, "waiting for the ledger"),
        }
        sleep(delays.next().unwrap_or_default()).await;
    }
}

async fn try_prepare(ledger: &dyn Ledger, migrates: bool, key_wanted: bool) -> Result<Option<SlotKey>> {
    if migrates {
        ledger.migrate().await?;
    }
    ledger.ping().await?;
    if key_wanted { ledger.slot_key(&SlotKey::random()).await.map(Some) } else { Ok(None) }
}

async fn annotate_start(ledger: &dyn Ledger, (clock, node): (Arc<dyn Clock>, NodeId)) {
    let text = format!("{node} started");
    let mark = Annotation { at: clock.now(), kind: "process_start".into(), text, node: Some(node) };
    if let Err(error) = ledger.annotate(&mark).await {
        warn!(%error, "the start was not marked");
    }
}
