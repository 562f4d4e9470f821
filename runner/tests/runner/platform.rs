//! A registry that answers what it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What to answer a call with.
#[derive(Clone, Debug)]
pub enum Reply {
    Json(u16, &'static str),
    Html(u16),
    RetryAfter(u64),
    Never,
}

/// A call as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub at: Instant,
    pub path: String,
    pub key: Option<String>,
    pub bearer: Option<String>,
    pub body: String,
}

#[derive(Default)]
struct Script {
    tokens: VecDeque<Reply>,
    transfers: VecDeque<Reply>,
    calls: Vec<Call>,
    signed_in: u32,
    balance_hangs: bool,
}

/// The platform; it goes when dropped.
pub struct Platform {
    pub url: String,
    script: Arc<Mutex<Script>>,
    _server: JoinSet<()>,
}

pub const ACCEPTED: Reply = Reply::Json(200, r#"{"transaction_id":"t-1","status":"completed"}"#);
pub const UNAUTHORIZED: Reply = Reply::Json(401, r#"{"detail":"expired","error_code":"token_expired"}"#);

impl Platform {
    pub async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let app = Router::new()
            .route("/auth/agent/token", post(token))
            .route("/teg/balance", get(balance))
            .fallback(transfer)
            .with_state(Arc::clone(&script));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script, _server: server }
    }

    /// The next transfer calls are answered so; all others are accepted.
    pub fn transfers(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().transfers.extend(replies);
    }

    /// The next sign-ins are answered so; all others succeed.
    pub fn tokens(&self, replies: impl IntoIterator<Item = Reply>) {
        self.script.lock().unwrap().tokens.extend(replies);
    }

    /// The balance is never answered from now on.
    pub fn hang_balance(&self) {
        self.script.lock().unwrap().balance_hangs = true;
    }

    /// How often somebody signed in, or tried to.
    pub fn sign_ins(&self) -> u32 {
        self.script.lock().unwrap().signed_in
    }

    /// The transfer calls that came in.
    pub fn calls(&self) -> Vec<Call> {
        self.script.lock().unwrap().calls.clone()
    }
}

async fn balance(State(script): State<Arc<Mutex<Script>>>) -> Response {
    let hangs = script.lock().unwrap().balance_hangs;
    answer(if hangs { Reply::Never } else { Reply::Json(200, r#"{"agent_id":"x","balance":"1000"}"#) }).await
}

async fn token(State(script): State<Arc<Mutex<Script>>>) -> Response {
    let (reply, count) = {
        let mut script = script.lock().unwrap();
        script.signed_in += 1;
        (script.tokens.pop_front(), script.signed_in)
    };
    match reply {
        Some(reply) => answer(reply).await,
        None => format!(r#"{{"access_token":"token-{count}","token_type":"bearer"}}"#).into_response(),
    }
}

async fn transfer(
    State(script): State<Arc<Mutex<Script>>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let call = Call {
        at: Instant::now(),
        path: uri.to_string(),
        key: header("idempotency-key"),
        bearer: header("authorization"),
        body,
    };
    let reply = {
        let mut script = script.lock().unwrap();
        script.calls.push(call);
        script.transfers.pop_front().unwrap_or(ACCEPTED)
    };
    answer(reply).await
}

async fn answer(reply: Reply) -> Response {
    let json = [("content-type", "application/json")];
    match reply {
        Reply::Json(status, body) => (StatusCode::from_u16(status).unwrap(), json, body).into_response(),
        Reply::Html(status) => (StatusCode::from_u16(status).unwrap(), "<html>sorry</html>").into_response(),
        Reply::RetryAfter(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            [("retry-after", seconds.to_string())],
            r#"{"detail":"slow down"}"#,
        )
            .into_response(),
        Reply::Never => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::OK.into_response()
        }
    }
}
