//! `GET /api/v1/canaries`: how every path does.

use axum::Json;
use axum::extract::State as Shared;
use canary_domain::{Amount, Backend, Cadence, HoldKind, Moment, PathState, Role};
use canary_store::{AgentState, PlacedHold};
use serde::Serialize;
use utoipa::ToSchema;

use super::act::Held;
use super::brief::ApiBrief;
use super::row::Time;
use super::window::{Tallies, Windows};
use super::words;
use crate::openapi::Denied;
use crate::picture::{PathKept, RECENT, State};
use crate::plan::PlannedPath;
use crate::problem::Problem;
use crate::views::{BoardSeen, Sight, Views, held};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scoreboard {
    canary: String,
    now: Time,
    /// When the ledger was read last: behind `now` while it is away.
    as_of: Time,
    /// Whether leaders and balances are known.
    board: BoardSeen,
    #[schema(value_type = words::PathState)]
    state: PathState,
    period_ms: i64,
    next_fire_at: Time,
    leaders: Vec<Leader>,
    /// All paths together.
    windows: Windows,
    /// On now, or still to come.
    holds: Vec<ApiHold>,
    paths: Vec<PathRow>,
}

/// Who leads.
#[derive(Debug, Serialize, ToSchema)]
struct Leader {
    #[schema(value_type = words::Role)]
    role: Role,
    /// Null: nobody, or the board is away.
    node: Option<String>,
    term: Option<i64>,
}

/// An operator's reason not to fire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlacedHold)]
struct ApiHold {
    #[schema(value_type = words::HoldKind)]
    kind: HoldKind,
    /// Null: all of them.
    path: Option<String>,
    from: Time,
    /// Null: until somebody resumes the path.
    until: Option<Time>,
    actor: String,
    reason: String,
}

/// One path.
#[derive(Debug, Serialize, ToSchema)]
struct PathRow {
    path: String,
    #[schema(value_type = words::Backend)]
    backend: Backend,
    source_frame: String,
    dest_frame: String,
    #[schema(value_type = words::Amount)]
    amount: Amount,
    #[schema(value_type = words::PathState)]
    state: PathState,
    held: Option<Held>,
    /// The newest slot with a verdict.
    last: Option<ApiBrief>,
    /// When the last test that passed was registered.
    last_pass_at: Option<Time>,
    /// Tests in a row, up to the last that could tell, that did not pass.
    consecutive_failures: i64,
    /// The newest slots with a verdict, at most 30, oldest first.
    recent: Vec<ApiBrief>,
    windows: Windows,
    agent: Agent,
}

/// The sending agent.
#[derive(Debug, Serialize, ToSchema)]
struct Agent {
    name: String,
    balance: Option<String>,
    /// How long the balance lasts; null: longer than can be told, or unknown.
    runway_seconds: Option<u64>,
    /// When the balance was read; null: it is unknown.
    at: Option<Time>,
}

/// How every path does.
#[utoipa::path(get, path = "/", responses((status = 200, body = Scoreboard), Denied))]
pub(crate) async fn scoreboard(Shared(views): Shared<Views>) -> Result<Json<Scoreboard>, Problem> {
    // Before anything is asked of others: until the ledger was read there is nothing to show.
    views.look(|_| ())?;
    let (holds, sight) = tokio::join!(views.holds(), views.sight());
    views.look(|state| Json(answer(&views, state, &holds, sight.as_ref().as_ref())))
}

fn answer(views: &Views, state: &State, holds: &[PlacedHold], sight: Option<&Sight>) -> Scoreboard {
    let (plan, now) = (views.plan(), views.now());
    let states = views.states(state, holds);
    let mut all = Tallies::default();
    let mut paths = Vec::with_capacity(plan.paths.len());
    for ((path, kept), state) in plan.paths.iter().zip(&state.paths).zip(states.paths) {
        let tallies = Tallies::of(kept, now);
        all.merge(&tallies);
        let agent = sight.and_then(|sight| sight.agents.iter().find(|agent| agent.agent == path.from));
        let held = held(path, holds, now);
        paths.push(row(path, kept, Shown { state, held, windows: (&tallies).into(), agent }));
    }
    Scoreboard {
        canary: plan.canary.clone(),
        now: Time(now),
        as_of: Time(state.as_of),
        board: if sight.is_some() { BoardSeen::Available } else { BoardSeen::Unavailable },
        state: states.overall,
        period_ms: plan.cadence.period_ms(),
        next_fire_at: Time(next_fire(plan.cadence, plan.paths.len(), now)),
        leaders: leaders(plan.exports, sight),
        windows: (&all).into(),
        holds: holds.iter().map(ApiHold::from).collect(),
        paths,
    }
}

/// When the next slot of any path is due.
fn next_fire(cadence: Cadence, paths: usize, now: Moment) -> Moment {
    let cycle = cadence.cycle_at(now);
    let due = (0..paths).map(|index| cadence.due(cycle, index, paths)).find(|due| *due > now);
    due.unwrap_or_else(|| cadence.edge(cycle + 1))
}

/// Who leads what the deployment needs, and what it does without needing it: nobody leads an export that is not set up.
fn leaders(exports: bool, sight: Option<&Sight>) -> Vec<Leader> {
    let all = Role::ALL.iter().map(|role| Leader::of(*role, sight));
    all.filter(|leader| !leader.role.is_optional() || exports || leader.node.is_some()).collect()
}

impl Leader {
    fn of(role: Role, sight: Option<&Sight>) -> Self {
        let found = sight.and_then(|sight| sight.leaders.iter().find(|(led, _)| *led == role));
        let holder = found.and_then(|(_, holder)| holder.as_ref());
        Self { role, node: holder.map(|holder| holder.node.clone()), term: holder.map(|holder| holder.term) }
    }
}

/// What a row shows beside the path's slots.
struct Shown<'a> {
    state: PathState,
    held: Option<HoldKind>,
    windows: Windows,
    agent: Option<&'a AgentState>,
}

fn row(path: &PlannedPath, kept: &PathKept, shown: Shown<'_>) -> PathRow {
    let mut recent: Vec<ApiBrief> = kept.verdicts().take(RECENT).map(|brief| (&**brief).into()).collect();
    recent.reverse();
    PathRow {
        path: path.name.clone(),
        backend: path.backend,
        source_frame: path.source_frame.clone(),
        dest_frame: path.dest_frame.clone(),
        amount: path.amount,
        state: shown.state,
        held: shown.held.map(Held::from),
        last: recent.last().cloned(),
        last_pass_at: kept.last_pass().map(Time),
        consecutive_failures: kept.consecutive_failures(),
        recent,
        windows: shown.windows,
        agent: Agent::of(&path.from, shown.agent),
    }
}

impl Agent {
    fn of(name: &str, state: Option<&AgentState>) -> Self {
        Self {
            name: name.to_owned(),
            balance: state.map(|state| state.balance.normalize().to_string()),
            runway_seconds: state.and_then(|state| state.runway).map(|runway| runway.as_secs()),
            at: state.map(|state| Time(state.at)),
        }
    }
}

impl From<&PlacedHold> for ApiHold {
    fn from(PlacedHold { hold, actor, reason }: &PlacedHold) -> Self {
        Self {
            kind: hold.kind,
            path: hold.path.clone(),
            from: Time(hold.from),
            until: hold.until.map(Time),
            actor: actor.clone(),
            reason: reason.clone(),
        }
    }
}
