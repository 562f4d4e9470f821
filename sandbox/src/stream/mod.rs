//! The EventStore's face: the WebSocket's handshake and the REST page (contract, sections 3 and 4).

mod delivery;
mod session;

use std::collections::HashMap;

use axum::{
    Router,
    extract::{ConnectInfo, Query, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    answers::Refusal,
    clock,
    desk::Desk,
    event::STREAMED,
    faults::{Call, Place, guard},
    server::Peer,
    words::EventType,
};

/// Events of a REST page, if the query doesn't say.
const PAGE: usize = 500;
/// The most it may ask for.
const LARGEST_PAGE: usize = 1_000;
/// Bytes a socket collects before it writes them, so that a burst costs few system calls.
const WRITTEN_AT_ONCE: usize = 128 << 10;

pub(crate) fn socket_routes() -> Router<Desk> {
    Router::new().route("/ws/events", get(connect))
}

pub(crate) fn rest_routes() -> Router<Desk> {
    Router::new().route("/events", get(events))
}

async fn connect(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let place = Place::frame(&desk.frame().name);
    guard(desk.faults(), Call::Subscribe, place, &peer, || {
        if let Err(refusal) = desk.frame().auth.reader(&headers, clock::now()) {
            return refusal.into_response();
        }
        // axum runs the upgraded socket in a task of its own: the token makes a shutdown wait for it.
        let seat = desk.platform.tasks.token();
        let (desk, peer) = (desk.clone(), peer.clone());
        upgrade.write_buffer_size(WRITTEN_AT_ONCE).on_upgrade(move |socket| async move {
            session::run(desk, peer, socket).await;
            drop(seat);
        })
    })
    .await
}

async fn events(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let asked = Asked::parse(&query);
    let types: Vec<EventType> = asked.iter().filter_map(|asked| asked.event_type).collect();
    let place = Place { types: &types, ..Place::frame(&desk.frame().name) };
    guard(desk.faults(), Call::Events, place, &peer, || {
        let page = desk.frame().auth.reader(&headers, clock::now()).and(asked);
        page.map_or_else(Refusal::into_response, |asked| asked.page(&desk))
    })
    .await
}

/// What a REST call asks for.
struct Asked {
    event_type: Option<EventType>,
    after: u64,
    limit: usize,
}

impl Asked {
    fn parse(query: &HashMap<String, String>) -> Result<Self, Refusal> {
        let invalid = |name, kind, msg: &str| Refusal::invalid(["query", name], kind, msg);
        let event_type = query.get("event_type").map(|name| name.parse());
        let after = query.get("after").map_or(Ok(0), |after| after.parse());
        let limit = query.get("limit").map_or(Ok(PAGE), |limit| limit.parse());
        Ok(Self {
            event_type: event_type
                .transpose()
                .map_err(|_| invalid("event_type", "enum", "No such event type"))?,
            after: after.map_err(|_| invalid("after", "int_parsing", "Input should be a position"))?,
            limit: limit
                .ok()
                .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
                .ok_or_else(|| invalid("limit", "int_range", "Input should be from 1 to 1000"))?,
        })
    }

    /// The stored texts as they are, without the `type` that only the stream has.
    fn page(&self, desk: &Desk) -> Response {
        let (texts, head) = desk.frame().store.list(self.event_type, self.after, self.limit);
        let fields = |text: &str| format!("{{{}", text.strip_prefix(STREAMED).unwrap_or_default());
        let events: Vec<String> = texts.iter().map(|text| fields(text.as_str())).collect();
        let body = format!(r#"{{"events":[{}],"head":{head}}}"#, events.join(","));
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    }
}
