//! The console of an instance: it listens before anything else is there, and says what is not ready yet.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use canary_console::{Console, FireRefused, NotReady, Parts};
use canary_domain::{Clock as _, Moment, SlotKey, TestId};
use canary_runner::{OrderError, Orders};
use canary_store::{Board, BoardClock, Ledger, wall};
use canary_validators::Readiness;
use prometheus::Registry;
use tokio::sync::watch;

use crate::plan;
use crate::preparation::Prepared;
use crate::settings::{Part, Settings};
use crate::supervisor::Supervisor;

/// What the console is told once it is there: written by the start, read by whoever asks the console.
#[derive(Default)]
pub(crate) struct Later {
    pub clock: OnceLock<Arc<BoardClock>>,
    pub reactors: OnceLock<watch::Receiver<Readiness>>,
    pub prepared: OnceLock<Prepared>,
    pub orders: OnceLock<Orders>,
}

/// What the console shows.
pub(crate) struct Shown {
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub registry: Registry,
    pub later: Arc<Later>,
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
    let listening = canary_console::Settings {
        listen: settings.console.listen,
        metrics_listen: settings.console.metrics_listen,
        admin_token_file: settings.console.admin_token_file.clone(),
    };
    let console = Console::bind(listening, parts(settings, shown)).await?;
    let (address, stop) = (console.local_addr(), supervisor.stop());
    supervisor.start("console", async move {
        console.run(stop).await;
        Ok(())
    });
    Ok(Some(address))
}

fn parts(settings: &Settings, shown: Shown) -> Parts {
    let Shown { board, ledger, registry, later } = shown;
    let watches = settings.runs(Part::Validators);
    let (ready, clock, key, orders) = (Arc::clone(&later), Arc::clone(&later), Arc::clone(&later), later);
    Parts {
        board,
        ledger,
        registry,
        readiness: Arc::new(move || canary_console::Readiness {
            not_ready: ready.not_ready(watches).into_iter().collect(),
        }),
        clock: Arc::new(move || clock.now()),
        plan: plan::plan(settings),
        fire: Arc::new(move |path| {
            let later = Arc::clone(&orders);
            Box::pin(async move { later.fire(&path).await })
        }),
        session_key: Arc::new(move || key.slot_key()),
        sources: plan::sources(),
    }
}

impl Later {
    fn now(&self) -> Moment {
        self.clock.get().map_or_else(wall, |clock| clock.now())
    }

    fn slot_key(&self) -> Option<SlotKey> {
        self.prepared.get()?.known_slot_key()
    }

    fn not_ready(&self, watches: bool) -> Option<NotReady> {
        let subscribed = self.reactors.get().is_some_and(|reactors| reactors.borrow().ready());
        let why = "not all five reactors have subscribed yet".to_owned();
        (watches && !subscribed).then(|| NotReady { part: "validators".into(), why })
    }

    async fn fire(&self, path: &str) -> Result<TestId, FireRefused> {
        let waiting = || FireRefused::Unavailable("the board has not answered yet".into());
        let orders = self.orders.get().ok_or_else(waiting)?;
        orders.fire(path).await.map_err(|error| match error {
            OrderError::UnknownPath => FireRefused::UnknownPath,
            OrderError::Busy | OrderError::Away(_) | OrderError::NotBegun | OrderError::Stopping => {
                FireRefused::Unavailable(error.to_string())
            }
        })
    }
}
