//! The console of an instance: it listens before anything else is there, and says what is not ready yet.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use canary_console::{Console, NotReady, Parts};
use canary_store::{Board, Ledger};
use canary_validators::Readiness;
use prometheus::Registry;
use tokio::sync::watch;

use crate::settings::{Part, Settings};
use crate::supervisor::Supervisor;

/// What the console is told of the reactors, once they are there; written by the start, read by `/readyz`.
pub(crate) type Reactors = Arc<OnceLock<watch::Receiver<Readiness>>>;

/// What the console shows.
pub(crate) struct Shown {
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub registry: Registry,
    pub reactors: Reactors,
}

/// Binds the console and serves, if this instance runs one; answers its address.
///
/// # Errors
/// When it can't listen, or its settings can't be used.
pub(crate) async fn open(
    settings: &Settings,
    shown: Shown,
    supervisor: &mut Supervisor,
) -> Result<Option<SocketAddr>> {
    if !settings.runs(Part::Console) {
        return Ok(None);
    }
    let Shown { board, ledger, registry, reactors } = shown;
    let watches = settings.runs(Part::Validators);
    let readiness =
        move || canary_console::Readiness { not_ready: unready(watches, &reactors).into_iter().collect() };
    let parts = Parts { board, ledger, registry, readiness: Arc::new(readiness) };
    let settings = canary_console::Settings {
        listen: settings.console.listen,
        metrics_listen: settings.console.metrics_listen,
        admin_token_file: settings.console.admin_token_file.clone(),
    };
    let console = Console::bind(settings, parts).await?;
    let (address, stop) = (console.local_addr(), supervisor.stop());
    supervisor.start("console", async move {
        console.run(stop).await;
        Ok(())
    });
    Ok(Some(address))
}

fn unready(watches: bool, reactors: &Reactors) -> Option<NotReady> {
    let subscribed = reactors.get().is_some_and(|reactors| reactors.borrow().ready());
    let why = "not all five reactors have subscribed yet".to_owned();
    (watches && !subscribed).then(|| NotReady { part: "validators".into(), why })
}
