//! An EventStore as the contract has it (§3, §4), that does what the test tells it to, over real sockets.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use url::Url;

pub const BEARER: &str = "Bearer good";

/// How the REST interface behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Works,
    Html,
    Status(u16),
    Hangs,
}

/// What the sockets are told.
#[derive(Clone, Debug)]
enum Order {
    Event(Value),
    Raw(Message),
    Cut,
}

#[derive(Debug)]
struct Script {
    /// Positions and events, without `type`.
    events: Vec<(i64, Value)>,
    head: i64,
    /// Replay is refused for positions before this.
    oldest: i64,
    refuse: Option<u16>,
    rest: Rest,
    /// Larger pages are cut to this.
    page: usize,
    name_key: &'static str,
    subscriptions: Vec<(String, Option<i64>)>,
}

/// The scripted EventStore.
#[derive(Clone)]
pub struct EventStore {
    script: Arc<Mutex<Script>>,
    orders: broadcast::Sender<Order>,
    polls: Arc<AtomicUsize>,
    pub address: std::net::SocketAddr,
    /// Shared with nobody: keeps the server running as long as any handle lives.
    _tasks: Arc<Mutex<JoinSet<()>>>,
}

impl EventStore {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Script {
            events: Vec::new(),
            head: 100,
            oldest: 0,
            refuse: None,
            rest: Rest::Works,
            page: usize::MAX,
            name_key: "event_type",
            subscriptions: Vec::new(),
        };
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let store = Self {
            script: Arc::new(Mutex::new(script)),
            orders: broadcast::channel(10_000).0,
            polls: Arc::default(),
            address,
            _tasks: Arc::clone(&tasks),
        };
        // The server holds no handle of its own task, or nobody would ever stop it.
        let inside = Self { _tasks: Arc::default(), ..store.clone() };
        let app = Router::new()
            .route("/ws/events", get(socket))
            .route("/api/v1/events", get(page))
            .with_state(inside);
        tasks.lock().unwrap().spawn(async move { axum::serve(listener, app).await.unwrap() });
        store
    }

    pub fn ws_url(&self) -> Url {
        format!("ws://{}/ws/events", self.address).parse().unwrap()
    }

    pub fn rest_url(&self) -> Url {
        format!("http://{}/api/v1/", self.address).parse().unwrap()
    }

    /// Keeps an event and streams it; answers its position.
    pub fn publish(&self, mut event: Value) -> i64 {
        let mut script = self.script.lock().unwrap();
        script.head += 1;
        let position = script.head;
        event["position"] = position.into();
        script.events.push((position, event.clone()));
        self.send(Order::Event(event));
        position
    }

    pub fn heartbeat(&self) {
        let head = self.head();
        self.raw(json!({"type": "heartbeat", "head": head, "at": "2026-11-21T01:22:33.123456Z"}).to_string());
    }

    pub fn raw(&self, text: impl Into<String>) {
        self.send(Order::Raw(Message::text(text.into())));
    }

    pub fn binary(&self, bytes: Vec<u8>) {
        self.send(Order::Raw(Message::binary(bytes)));
    }

    pub fn cut(&self) {
        self.send(Order::Cut);
    }

    pub fn head(&self) -> i64 {
        self.script.lock().unwrap().head
    }

    /// Refuses new sockets with this status, or no longer.
    pub fn refuse(&self, status: Option<u16>) {
        self.script.lock().unwrap().refuse = status;
    }

    /// Can't replay what lies before this.
    pub fn forget_before(&self, oldest: i64) {
        self.script.lock().unwrap().oldest = oldest;
    }

    pub fn rest(&self, rest: Rest) {
        self.script.lock().unwrap().rest = rest;
    }

    pub fn page_size(&self, page: usize) {
        self.script.lock().unwrap().page = page;
    }

    /// Begins anew, as after a restoration from nothing.
    pub fn reset(&self) {
        let mut script = self.script.lock().unwrap();
        script.events.clear();
        script.head = 1;
    }

    /// Events bear their name under another key.
    pub fn name_key(&self, key: &'static str) {
        self.script.lock().unwrap().name_key = key;
    }

    /// Each subscription so far: event name and `after`.
    pub fn subscriptions(&self) -> Vec<(String, Option<i64>)> {
        self.script.lock().unwrap().subscriptions.clone()
    }

    pub fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    fn send(&self, order: Order) {
        self.orders.send(order).ok();
    }
}

async fn socket(State(store): State<EventStore>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    if let Some(status) = refusal(&store, &headers) {
        return status.into_response();
    }
    upgrade.on_upgrade(move |socket| async move { stream(store, socket).await.unwrap_or(()) })
}

fn refusal(store: &EventStore, headers: &HeaderMap) -> Option<StatusCode> {
    if headers.get("authorization").is_none_or(|bearer| bearer != BEARER) {
        return Some(StatusCode::UNAUTHORIZED);
    }
    let refuse = store.script.lock().unwrap().refuse;
    refuse.map(|status| StatusCode::from_u16(status).unwrap())
}

async fn stream(store: EventStore, mut socket: WebSocket) -> Option<()> {
    let Message::Text(first) = socket.recv().await?.ok()? else { return None };
    let subscribe: Value = serde_json::from_str(&first).ok()?;
    assert_eq!(subscribe["action"], "subscribe");
    let name = subscribe["event_types"][0].as_str()?.to_owned();
    let after = subscribe["after"].as_i64();
    let (mut orders, mut backlog, mut name_key) = (None, Vec::new(), "");
    {
        let mut script = store.script.lock().unwrap();
        script.subscriptions.push((name.clone(), after));
        orders.replace(store.orders.subscribe());
        name_key = if name_key.is_empty() { script.name_key } else { name_key };
        let subscribed = json!({"type": "subscribed", "event_types": [name], "head": script.head});
        backlog.push(subscribed.to_string());
        if after.is_some_and(|after| after + 1 < script.oldest) {
            backlog.push(json!({"type": "gap", "oldest": script.oldest}).to_string());
        }
        let from = after.map_or(i64::MAX, |after| (after + 1).max(script.oldest));
        let missed =
            script.events.iter().filter(|(position, event)| *position >= from && event[name_key] == name);
        backlog.extend(missed.map(|(_, event)| framed(event)));
    }
    let mut orders = orders?;
    for text in backlog {
        socket.send(Message::text(text)).await.ok()?;
    }
    loop {
        tokio::select! {
            order = orders.recv() => match order.ok()? {
                Order::Event(event) if event[name_key] == name => {
                    socket.send(Message::text(framed(&event))).await.ok()?;
                }
                Order::Event(..) => {}
                Order::Raw(message) => socket.send(message).await.ok()?,
                Order::Cut => return None,
            },
            message = socket.recv() => {
                message?.ok()?;
            }
        }
    }
}

fn framed(event: &Value) -> String {
    let mut framed = event.clone();
    framed["type"] = "event".into();
    framed.to_string()
}

#[derive(Deserialize)]
struct Asked {
    event_type: String,
    after: i64,
    limit: usize,
}

async fn page(State(store): State<EventStore>, headers: HeaderMap, Query(asked): Query<Asked>) -> Response {
    store.polls.fetch_add(1, Ordering::SeqCst);
    if headers.get("authorization").is_none_or(|bearer| bearer != BEARER) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let rest = store.script.lock().unwrap().rest;
    match rest {
        Rest::Works => {}
        Rest::Html => return "<html>down for maintenance</html>".into_response(),
        Rest::Status(status) => return StatusCode::from_u16(status).unwrap().into_response(),
        Rest::Hangs => std::future::pending().await,
    }
    let script = store.script.lock().unwrap();
    let wanted = |(position, event): &&(i64, Value)| {
        *position > asked.after && event[script.name_key] == asked.event_type
    };
    let limit = asked.limit.min(script.page);
    let events: Vec<&Value> =
        script.events.iter().filter(wanted).take(limit).map(|(_, event)| event).collect();
    axum::Json(json!({"events": events, "head": script.head})).into_response()
}
