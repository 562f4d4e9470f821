//! What the views show besides the picture: the holds, and what the board knows of leaders, agents and reactors.
//!
//! Both are asked for when somebody looks, once a second at most. A board that is away leaves its part of a view empty;
//! a ledger that is away leaves the holds as they were.

use std::fmt;
use std::sync::{Arc, OnceLock};

use canary_domain::{HoldKind, Moment, PathState, Role};
use canary_store::{AgentState, Board, Holder, Ledger, PlacedHold, ReactorState, StoreError};
use prometheus::Registry;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::debug;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;

use crate::api::Remembered;
use crate::listeners::Listeners;
use crate::picture::{Fresh, Glance, PathKept, Picture, State, keep};
use crate::plan::{Plan, PlannedPath, Source};
use crate::problem::{Kind, Problem};

/// How the views are set up.
pub(crate) struct Setup {
    pub(crate) board: Arc<dyn Board>,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    pub(crate) registry: Registry,
    pub(crate) sources: Vec<Source>,
}

/// What all views are made from; shared by all requests.
#[derive(Clone)]
pub(crate) struct Views(Arc<Inner>);

struct Inner {
    picture: Picture,
    board: Arc<dyn Board>,
    registry: Registry,
    sources: Vec<Source>,
    /// The API's document, for the page's help; told once, when the routes are there.
    operations: OnceLock<OpenApi>,
    holds: Fresh<Vec<PlacedHold>>,
    sight: Fresh<Option<Sight>>,
    remembered: Remembered,
    streams: Arc<Listeners>,
    ended: CancellationToken,
}

/// What the board knows.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) leaders: Vec<(Role, Option<Holder>)>,
    pub(crate) agents: Vec<AgentState>,
    pub(crate) reactors: Vec<ReactorState>,
}

/// Whether what comes from the board is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoardSeen {
    /// It is.
    Available,
    /// The board does not answer: what it knows is null or missing.
    Unavailable,
}

/// The states of all paths, in the plan's order, and what keeps some of them from being fired.
#[derive(Clone, Debug)]
pub(crate) struct States {
    pub(crate) overall: PathState,
    pub(crate) paths: Vec<PathState>,
}

impl fmt::Debug for Views {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Views")
    }
}

impl Views {
    pub(crate) fn new(setup: Setup) -> Self {
        let Setup { board, ledger, plan, clock, registry, sources } = setup;
        Self(Arc::new(Inner {
            picture: Picture::new(ledger, plan, clock),
            board,
            registry,
            sources,
            operations: OnceLock::new(),
            holds: Fresh::default(),
            sight: Fresh::default(),
            remembered: Remembered::default(),
            streams: Arc::default(),
            ended: CancellationToken::new(),
        }))
    }

    /// Keeps the picture until told to stop; then the streams end, too.
    pub(crate) async fn run(self, stop: CancellationToken) {
        keep(self.0.picture.clone(), stop).await;
        self.0.ended.cancel();
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.0.picture
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.0.picture.plan()
    }

    pub(crate) fn now(&self) -> Moment {
        self.0.picture.now()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Tells what operations there are.
    pub(crate) fn tell_operations(&self, document: OpenApi) {
        self.0.operations.get_or_init(|| document);
    }

    /// The API's document, once it is known.
    pub(crate) fn operations(&self) -> Option<&OpenApi> {
        self.0.operations.get()
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.0.sources
    }

    /// The answers that were written last.
    pub(crate) fn remembered(&self) -> &Remembered {
        &self.0.remembered
    }

    /// The places that streams take.
    pub(crate) fn streams(&self) -> &Arc<Listeners> {
        &self.0.streams
    }

    /// Told when the console stops.
    pub(crate) fn ended(&self) -> &CancellationToken {
        &self.0.ended
    }

    /// Looks at the picture; until there is one a problem, whose words are for those who are signed in.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&State) -> R) -> Result<R, Problem> {
        let picture = &self.0.picture;
        picture.look(look).ok_or_else(|| {
            let why = picture.waits().unwrap_or_else(|| "the ledger has not been read yet".to_owned());
            Problem::new(Kind::Starting, why)
        })
    }

    /// Takes along what the picture shows; a problem until there is one.
    pub(crate) fn glance(&self) -> Result<Glance, Problem> {
        self.look(State::glance)
    }

    /// The holds that are on or still to come.
    pub(crate) async fn holds(&self) -> Arc<Vec<PlacedHold>> {
        let picture = &self.0.picture;
        let ask = async |before: Option<Arc<Vec<PlacedHold>>>| match picture
            .ledger()
            .placed_holds(self.now())
            .await
        {
            Ok(holds) => Arc::new(holds),
            Err(error) => {
                debug!(%error, "the holds are shown as they were");
                before.unwrap_or_default()
            }
        };
        self.0.holds.get(ask).await
    }

    /// What the board knows; `None` while it is away.
    pub(crate) async fn sight(&self) -> Arc<Option<Sight>> {
        let ask = async |_| {
            let seen = sight(&*self.0.board).await;
            Arc::new(seen.inspect_err(|error| debug!(%error, "the board is not shown")).ok())
        };
        self.0.sight.get(ask).await
    }

    /// The states of all paths.
    pub(crate) fn states(&self, state: &State, holds: &[PlacedHold]) -> States {
        self.states_of(&state.paths, holds)
    }

    /// The same of paths that were taken along.
    pub(crate) fn states_of(&self, paths: &[Arc<PathKept>], holds: &[PlacedHold]) -> States {
        let (plan, now) = (self.plan(), self.now());
        let of = |(path, kept): (&PlannedPath, &Arc<PathKept>)| match held(path, holds, now) {
            Some(_) => PathState::Paused,
            None => kept.state(now, plan.cadence.period(), path.deadline),
        };
        let paths: Vec<PathState> = plan.paths.iter().zip(paths).map(of).collect();
        States { overall: PathState::overall(paths.iter().copied()), paths }
    }
}

/// What holds a path now. A pause outlasts a window, so it goes first.
pub(crate) fn held(path: &PlannedPath, holds: &[PlacedHold], now: Moment) -> Option<HoldKind> {
    let on = |kind: &HoldKind| {
        holds.iter().any(|placed| placed.hold.kind == *kind && placed.hold.skips(&path.name, now).is_some())
    };
    [HoldKind::Pause, HoldKind::Maintenance].into_iter().find(on)
}

async fn sight(board: &dyn Board) -> Result<Sight, StoreError> {
    let mut leaders = Vec::new();
    for role in Role::ALL {
        leaders.push((*role, board.holder(*role).await?));
    }
    let (agents, mut reactors) = (board.agents().await?, board.reactors().await?);
    reactors.sort_by(|a, b| (&a.frame, a.event_type, &a.node).cmp(&(&b.frame, b.event_type, &b.node)));
    Ok(Sight { leaders, agents, reactors })
}

/// Views of an empty ledger, at half past one.
#[cfg(test)]
pub(crate) async fn sample(folder: &tempfile::TempDir) -> Views {
    use std::time::Duration;

    let ledger = canary_store::SqliteLedger::open(&folder.path().join("canary.db"), "test").unwrap();
    ledger.migrate().await.unwrap();
    let second = Duration::from_secs(1);
    let plan = Plan {
        canary: "test".into(),
        cadence: canary_domain::Cadence::new(60 * second, 10 * second).unwrap(),
        sweep_every: second,
        watch: second,
        call_timeout: second,
        blind_after: second,
        silence_after: second,
        backstop_every: second,
        exports: false,
        paths: Vec::new(),
    };
    Views::new(Setup {
        board: Arc::new(canary_store::MemoryBoard::new()),
        ledger: Arc::new(ledger),
        plan: Arc::new(plan),
        clock: Arc::new(|| canary_domain::parse_iso("2026-11-21T01:30:00Z").unwrap()),
        registry: Registry::new(),
        sources: Vec::new(),
    })
}
