//! `GET /api/v1/canaries/reactors`: what the reactors of all instances say of themselves.

use axum::Json;
use axum::extract::State as Shared;
use canary_domain::EventType;
use canary_store::ReactorState;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Time;
use super::words;
use crate::openapi::Denied;
use crate::views::{BoardSeen, Views};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reactors {
    now: Time,
    /// Whether they are known: while the board is away there are none here.
    board: BoardSeen,
    /// By frame, event type and node.
    reactors: Vec<Reactor>,
}

/// One reactor of one instance.
#[derive(Debug, Serialize, ToSchema)]
struct Reactor {
    frame: String,
    #[schema(value_type = words::EventType)]
    event_type: EventType,
    node: String,
    connected: bool,
    position: Option<i64>,
    /// The span in which it has certainly seen everything.
    covered_since: Option<Time>,
    covered_until: Option<Time>,
    last_event_at: Option<Time>,
    /// Counts of its process.
    events_total: u64,
    matched_total: u64,
    reconnects_total: u64,
}

impl From<&ReactorState> for Reactor {
    fn from(state: &ReactorState) -> Self {
        Self {
            frame: state.frame.clone(),
            event_type: state.event_type,
            node: state.node.clone(),
            connected: state.connected,
            position: state.position,
            covered_since: state.covered.map(|covered| Time(covered.from)),
            covered_until: state.covered.map(|covered| Time(covered.until)),
            last_event_at: state.last_event_at.map(Time),
            events_total: state.events_total,
            matched_total: state.matched_total,
            reconnects_total: state.reconnects_total,
        }
    }
}

/// What the reactors of all instances say of themselves.
#[utoipa::path(get, path = "/reactors", responses((status = 200, body = Reactors), Denied))]
pub(crate) async fn reactors(Shared(views): Shared<Views>) -> Json<Reactors> {
    let sight = views.sight().await;
    let (board, reactors) = match &*sight {
        Some(sight) => (BoardSeen::Available, sight.reactors.iter().map(Reactor::from).collect()),
        None => (BoardSeen::Unavailable, Vec::new()),
    };
    Json(Reactors { now: Time(views.now()), board, reactors })
}
