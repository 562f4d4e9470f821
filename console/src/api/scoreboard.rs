//! `GET /api/v1/canaries`: how every path does.

use axum::Json;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use canary_domain::{Amount, Backend, Cadence, HoldKind, Moment, PathState, Role};
use canary_store::{AgentState, PlacedHold};
use chrono::TimeDelta;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::act::Held;
use super::brief::ApiBrief;
use super::row::Time;
use super::window::{Tallies, Windows};
use super::words;
use crate::memo::Memo;
use crate::openapi::Denied;
use crate::picture::{Glance, PathKept, RECENT};
use crate::plan::{Plan, PlannedPath};
use crate::problem::Problem;
use crate::views::{BoardSeen, Sight, Views, held};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Scoreboard<'a> {
    canary: &'a str,
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
    #[schema(value_type = Windows)]
    windows: &'a RawValue,
    /// On now, or still to come.
    holds: Vec<ApiHold>,
    #[schema(value_type = Vec<PathRow>)]
    paths: &'a RawValue,
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
#[utoipa::path(get, path = "/", responses((status = 200, body = Scoreboard<'static>), Denied))]
pub(crate) async fn scoreboard(Shared(views): Shared<Views>) -> Result<Response, Problem> {
    // Before anything is asked of others: until the ledger was read there is nothing to show.
    views.look(|_| ())?;
    let (holds, sight) = tokio::join!(views.holds(), views.sight());
    let (plan, now, glance) = (views.plan(), views.now(), views.glance()?);
    let states = views.states_of(&glance.paths, &holds);
    let sight = sight.as_ref().as_ref();
    let key = Key {
        version: glance.version,
        hour_begins: plan.cadence.cycle_at(now - TimeDelta::hours(1)),
        states: states.paths,
        held: plan.paths.iter().map(|path| held(path, &holds, now)).collect(),
        agents: sight.map(|sight| sight.agents.clone()).unwrap_or_default(),
    };
    let as_of = Time(glance.as_of);
    let (of, key_of) = (views.clone(), key.clone());
    let write = move || Figures::of(of.plan(), &glance, &key_of, now);
    let figures = views.remembered().scoreboard.get(key, true, write).await;
    let answer = Scoreboard {
        canary: &plan.canary,
        now: Time(now),
        as_of,
        board: if sight.is_some() { BoardSeen::Available } else { BoardSeen::Unavailable },
        state: states.overall,
        period_ms: plan.cadence.period_ms(),
        next_fire_at: Time(next_fire(plan.cadence, plan.paths.len(), now)),
        leaders: leaders(plan.exports, sight),
        windows: &figures.windows,
        holds: holds.iter().map(ApiHold::from).collect(),
        paths: &figures.paths,
    };
    Ok(Json(answer).into_response())
}

/// What the figures of an answer are made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    version: u64,
    /// The cycle after which the last 60 minutes begin.
    hour_begins: i64,
    states: Vec<PathState>,
    held: Vec<Option<HoldKind>>,
    /// None while the board is away.
    agents: Vec<AgentState>,
}

/// Most of an answer, written.
#[derive(Debug)]
pub(crate) struct Figures {
    windows: Box<RawValue>,
    paths: Box<RawValue>,
}

/// The newest figures.
pub(crate) type Written = Memo<Key, Figures>;

impl Figures {
    fn of(plan: &Plan, glance: &Glance, key: &Key, now: Moment) -> Self {
        let mut all = Tallies::default();
        let rows = plan.paths.iter().zip(&glance.paths).zip(key.states.iter().zip(&key.held));
        let rows = rows.map(|((path, kept), (state, held))| {
            let tallies = Tallies::of(kept, now);
            all.merge(&tallies);
            let agent = key.agents.iter().find(|agent| agent.agent == path.from);
            row(path, kept, Shown { state: *state, held: *held, windows: (&tallies).into(), agent })
        });
        let rows: Vec<PathRow> = rows.collect();
        Self { paths: written(&rows), windows: written(&Windows::from(&all)) }
    }
}

fn written(part: &impl Serialize) -> Box<RawValue> {
    to_raw_value(part).expect("numbers, words and times have a JSON form")
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
