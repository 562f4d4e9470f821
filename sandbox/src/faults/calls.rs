//! What becomes of an HTTP call.
//!
//! A call's own work has no await in it: it is done before the fault begins to wait, or not at all, so a caller
//! who goes away can't leave it half done.

use std::{future, time::Duration};

use axum::{
    Json,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;
use tokio::time::sleep;

use super::{AnswerBody, Call, CallFault, Faults, Place, What};
use crate::server::Peer;

/// Does a call's work and answers it, as far as the faults allow.
pub(crate) async fn guard(
    faults: &Faults,
    call: Call,
    place: Place<'_>,
    peer: &Peer,
    work: impl FnOnce() -> Response,
) -> Response {
    // Taken before the draw, so that no change can slip between the two.
    let mut changes = faults.changes();
    let Some(fate) = faults.draw(place, |what| CallFate::of(what, call)) else { return work() };
    let done = fate.lands.then(work);
    match fate.end {
        End::Answer(answer) => {
            sleep(answer.after).await;
            answer.render()
        }
        End::Late(by) => {
            sleep(by).await;
            done.unwrap_or_else(|| StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        End::Never => match changes.changed().await {
            Ok(()) | Err(_) => cut(peer).await,
        },
        End::Cut => cut(peer).await,
    }
}

async fn cut(peer: &Peer) -> Response {
    peer.cut();
    future::pending().await
}

struct CallFate {
    lands: bool,
    end: End,
}

enum End {
    Answer(Answer),
    Late(Duration),
    Never,
    Cut,
}

struct Answer {
    status: StatusCode,
    body: AnswerBody,
    error_code: Option<String>,
    retry_after_s: Option<u64>,
    after: Duration,
}

impl CallFate {
    fn of(what: &What, asked: Call) -> Option<Self> {
        let What::Call(fault) = what else { return None };
        let (call, lands, end) = match fault {
            CallFault::Answers { call, status, body, error_code, retry_after_s, after_ms, lands } => {
                let answer = Answer {
                    status: StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                    body: *body,
                    error_code: error_code.clone(),
                    retry_after_s: *retry_after_s,
                    after: Duration::from_millis(*after_ms),
                };
                (call, *lands, End::Answer(answer))
            }
            CallFault::Slow { call, by_ms, lands } => {
                (call, *lands, End::Late(Duration::from_millis(*by_ms)))
            }
            CallFault::Hangs { call, lands } => (call, *lands, End::Never),
            CallFault::Reset { call, lands } => (call, *lands, End::Cut),
        };
        (*call == asked).then_some(Self { lands, end })
    }
}

impl Answer {
    fn render(self) -> Response {
        let status = self.status;
        let mut response = match self.body {
            AnswerBody::Json => {
                let detail = status.canonical_reason().unwrap_or("error");
                (status, Json(json!({ "detail": detail, "error_code": self.error_code }))).into_response()
            }
            AnswerBody::Html => {
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
                );
                (status, Html(page)).into_response()
            }
            AnswerBody::Empty => (status, Body::empty()).into_response(),
        };
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
