//! Load, bind, run: the console's life.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use canary_domain::{Moment, SlotKey, TestId};
use canary_store::{Board, Ledger};
use futures_util::future::BoxFuture;
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Access, Rule};
use crate::api::Context;
use crate::guard::guard;
use crate::limits::Limits;
use crate::plan::{FireRefused, Plan, Source};
use crate::problem::{Kind, Problem};
use crate::public::{Readiness, Ready};
use crate::server::serve;
use crate::session::{Cookies, Sessions};
use crate::tokens::{Tokens, TokensError};
use crate::views::{Setup, Views};
use crate::{Settings, api, openapi, public, ui};

/// What the console works with.
pub struct Parts {
    /// The reactors, the leaders and the agents.
    pub board: Arc<dyn Board>,
    /// What the admin API answers from.
    pub ledger: Arc<dyn Ledger>,
    /// What `/metrics` shows.
    pub registry: Registry,
    /// What else, beyond the stores, is not ready.
    pub readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// The board's time; the system's until the board's is known.
    pub clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    /// What is to happen.
    pub plan: Plan,
    /// Fires a test of a path, outside any slot; answers once it is on the board.
    pub fire: Fire,
    /// The slot key, which the sessions' key is made from; `None` until the ledger gave it.
    pub session_key: Arc<dyn Fn() -> Option<SlotKey> + Send + Sync>,
    /// The folders of the source, for the page's help.
    pub sources: Vec<Source>,
}

/// Fires a test of the named path.
pub type Fire = Arc<dyn Fn(String) -> BoxFuture<'static, Result<TestId, FireRefused>> + Send + Sync>;

/// Why the console could not begin.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Without tokens, anybody who reaches it could use it.
    #[error(
        "console.admin_token_file is not set, and console.listen is {listen}, which others can reach; \
         set console.admin_token_file to a file of lines `name:role:sha256hex`, or listen on 127.0.0.1"
    )]
    Open {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// The token file can't be used.
    #[error("console.admin_token_file: {0}")]
    Tokens(#[from] TokensError),
    /// The address can't be had.
    #[error("{setting}: cannot listen on {address}: {cause}")]
    Listen {
        /// The setting's path.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
}

/// A console that is bound, and serves once it runs.
#[derive(Debug)]
pub struct Console {
    doors: Vec<Door>,
    limits: Limits,
    views: Views,
}

#[derive(Debug)]
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Console {
    /// Reads the tokens and binds.
    ///
    /// # Errors
    /// When the admin API would be open to others, the token file can't be used, or an address can't be had.
    pub async fn bind(settings: Settings, parts: Parts) -> Result<Self, BindError> {
        let Parts { board, ledger, registry, readiness, clock, plan, fire, session_key, sources } = parts;
        let rule = match settings.admin_token_file {
            Some(file) => Rule::Tokens(
                Tokens::open(file).await?,
                Sessions::new(session_key, Arc::clone(&clock), &plan.canary),
            ),
            None if settings.listen.ip().is_loopback() => {
                warn!("console.admin_token_file is not set: whoever is on this machine is an operator");
                Rule::Local
            }
            None => return Err(BindError::Open { listen: settings.listen }),
        };
        let limits = Limits::new();
        let cookies = Cookies::of(&plan.canary);
        let api = OpenApiRouter::with_openapi(openapi::base(&cookies));
        let access = Arc::new(Access { rule, cookies, limits: limits.clone() });
        let plan = Arc::new(plan);
        let views = Views::new(Setup {
            board: Arc::clone(&board),
            ledger: Arc::clone(&ledger),
            plan: Arc::clone(&plan),
            clock: Arc::clone(&clock),
            registry: registry.clone(),
            sources,
        });
        let health = public::health(Ready::new(board, Arc::clone(&ledger), readiness));
        let metrics = public::metrics(registry);
        let context = Context { ledger, plan, clock, fire, views: views.clone(), access };
        let api = api.merge(api::router(context));
        let api = api.merge(public::status(views.clone()));
        let (api, mut document) = api.split_for_parts();
        let [health, metrics] = [health, metrics].map(|router| {
            let (router, operations) = router.split_for_parts();
            document.merge(operations);
            router
        });
        let api = api.merge(openapi::router(&document)).merge(ui::router());
        views.tell_operations(document);
        let doors = match settings.metrics_listen {
            None => {
                vec![Door::open("console.listen", settings.listen, health.merge(metrics).merge(api)).await?]
            }
            Some(address) => vec![
                Door::open("console.listen", settings.listen, health.clone().merge(api)).await?,
                Door::open("console.metrics_listen", address, health.merge(metrics)).await?,
            ],
        };
        Ok(Self { doors, limits, views })
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.doors[0].address
    }

    /// Where it serves metrics.
    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.doors[self.doors.len() - 1].address
    }

    /// Serves until told to stop, then lets requests in flight end, for a few seconds at most.
    pub async fn run(self, stop: CancellationToken) {
        let mut servers = tokio::task::JoinSet::new();
        for Door { listener, address, router } in self.doors {
            info!(%address, "the console listens");
            servers.spawn(serve(listener, router, stop.clone()));
        }
        let mut upkeep = tokio::task::JoinSet::new();
        upkeep.spawn(self.limits.forget());
        // The streams end with it, so that the servers need not wait for them.
        servers.spawn(self.views.run(stop));
        servers.join_all().await;
    }
}

impl Door {
    async fn open(setting: &'static str, address: SocketAddr, router: Router) -> Result<Self, BindError> {
        let failed = |cause| BindError::Listen { setting, address, cause };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let router = router
            .fallback(|| async { Problem::new(Kind::NotFound, "there is nothing here") })
            .method_not_allowed_fallback(|| async {
                Problem::new(
                    Kind::MethodNotAllowed,
                    "this can't be done here; the API's document is at /api/openapi.json",
                )
            })
            .layer(from_fn(guard));
        Ok(Self { listener, address, router })
    }
}
