//! `GET /readyz`: 200 once the stores answer and the reactors have subscribed, leader or not (design §13).
//!
//! Anybody may ask as often as they like: the stores are asked once a second at most, by one asker at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use canary_store::{Board, Ledger, StoreError};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

/// How long an answer is given again.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// How long a store may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// A part that is not ready. Everybody may read it: it names no host and no secret (I8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotReady {
    /// The part: `board`, `ledger`, `reactor a/TokensTransferred`.
    pub part: String,
    /// What it lacks.
    pub why: String,
}

/// What is not ready; nothing: all is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The parts that are not ready.
    pub not_ready: Vec<NotReady>,
}

/// Asks the stores and the rest of the process.
#[derive(Clone)]
pub(crate) struct Ready(Arc<Inner>);

struct Inner {
    board: Arc<dyn Board>,
    ledger: Arc<dyn Ledger>,
    rest: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// Shared by all askers; held while the stores are asked.
    stores: Mutex<Option<(Instant, Vec<NotReady>)>>,
}

impl Ready {
    pub(crate) fn new(
        board: Arc<dyn Board>,
        ledger: Arc<dyn Ledger>,
        rest: Arc<dyn Fn() -> Readiness + Send + Sync>,
    ) -> Self {
        Self(Arc::new(Inner { board, ledger, rest, stores: Mutex::new(None) }))
    }

    async fn ask(&self) -> Vec<NotReady> {
        let mut not_ready = self.stores().await;
        not_ready.extend((self.0.rest)().not_ready);
        not_ready
    }

    async fn stores(&self) -> Vec<NotReady> {
        let mut kept = self.0.stores.lock().await;
        match &*kept {
            Some((at, stores)) if at.elapsed() < GOOD_FOR => stores.clone(),
            Some(_) | None => {
                let (board, ledger) = tokio::join!(
                    answers("board", self.0.board.time()),
                    answers("ledger", self.0.ledger.ping())
                );
                let stores: Vec<NotReady> = board.into_iter().chain(ledger).collect();
                *kept = Some((Instant::now(), stores.clone()));
                stores
            }
        }
    }
}

async fn answers<T>(part: &str, question: impl Future<Output = Result<T, StoreError>>) -> Option<NotReady> {
    let why = match timeout(ANSWER_WITHIN, question).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) if error.is_unavailable() => "it does not answer",
        Ok(Err(_)) => "it answers with an error",
        Err(_) => "it does not answer in time",
    };
    Some(NotReady { part: part.to_owned(), why: why.to_owned() })
}

/// Whether this instance is ready.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ready)]
pub(crate) struct Answer {
    ready: bool,
    not_ready: Vec<NotReady>,
}

/// The stores answer and the reactors have subscribed.
#[utoipa::path(
    get,
    path = "/readyz",
    responses((status = 200, body = Answer), (status = 503, body = Answer, description = "Something is not ready.")),
    security(())
)]
pub(crate) async fn readyz(State(ready): State<Ready>) -> Response {
    let not_ready = ready.ask().await;
    let status = if not_ready.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Answer { ready: not_ready.is_empty(), not_ready })).into_response()
}
