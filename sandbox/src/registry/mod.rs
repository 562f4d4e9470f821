//! The registry's calls: signing in, moving tokens, reading a balance (contract, sections 1 and 2).
//!
//! A transfer call's work is one synchronous step, so it is done wholly or not at all, whether or not its caller
//! waits for the answer.

mod transfer_call;
mod wanted;

use std::{collections::HashMap, str::FromStr};

use axum::{
    Form, Json, Router,
    body::Bytes,
    extract::{ConnectInfo, Query, State, rejection::FormRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

pub(crate) use self::{transfer_call::Answer, wanted::Wanted};
use crate::{
    answers::Refusal,
    auth::SignIn,
    clock,
    desk::Desk,
    faults::{Call, Place, What, guard},
    record::{CallId, Effect, TransferCall},
    server::Peer,
    words::Backend,
};

pub(crate) fn routes() -> Router<Desk> {
    Router::new()
        .route("/auth/agent/token", post(token))
        .route("/teg/balance", get(balance))
        .route("/teg/transfer", post(intra))
        .route("/teg/cross-registry-transfer", post(across))
}

async fn token(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    let place = Place::frame(&desk.frame().name);
    guard(desk.faults(), Call::Token, place, &peer, || {
        let signed_in = match form {
            Ok(Form(form)) => desk.frame().auth.sign_in(form, clock::now()),
            Err(rejection) => Err(Refusal::invalid(["body", "0"], "form_invalid", rejection.body_text())),
        };
        respond(signed_in)
    })
    .await
}

async fn balance(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
) -> Response {
    let place = Place::frame(&desk.frame().name);
    guard(desk.faults(), Call::Balance, place, &peer, || {
        respond(sender(&desk, &headers, place).map(|did| {
            let balance = desk.frame().ledger(|ledger| ledger.balance(&did));
            json!({ "agent_id": did, "balance": balance })
        }))
    })
    .await
}

async fn intra(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    transfer(&desk, &peer, Ok(Backend::Intra), &headers, &body).await
}

async fn across(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let named = query.get("backend").map(|name| Backend::from_str(name));
    let backend = match named {
        Some(Ok(backend @ (Backend::Async | Backend::TwoPhase))) => Ok(backend),
        Some(Ok(Backend::Intra) | Err(_)) => {
            Err(Refusal::invalid(["query", "backend"], "enum", "Input should be 'async' or '2pc'"))
        }
        None => Err(Refusal::invalid(["query", "backend"], "missing", "Field required")),
    };
    transfer(&desk, &peer, backend, &headers, &body).await
}

async fn transfer(
    desk: &Desk,
    peer: &Peer,
    backend: Result<Backend, Refusal>,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let place = Place { backend: backend.as_ref().ok().copied(), ..Place::frame(&desk.frame().name) };
    let call = desk.platform.recorder.call(received(place, headers, body.as_ref()));
    let work = || match backend {
        Ok(backend) => {
            work(desk, call, backend, headers, body.as_ref()).unwrap_or_else(Refusal::into_response)
        }
        Err(refusal) => refusal.into_response(),
    };
    let response = guard(desk.faults(), Call::Transfer, place, peer, work).await;
    desk.platform.recorder.amend(call, |call| {
        call.status = Some(response.status().as_u16());
        call.answered_at = Some(clock::now());
    });
    response
}

fn work(
    desk: &Desk,
    call: CallId,
    backend: Backend,
    headers: &HeaderMap,
    body: Option<&Value>,
) -> Result<Response, Refusal> {
    let place = Place { backend: Some(backend), ..Place::frame(&desk.frame().name) };
    let sender = sender(desk, headers, place)?;
    desk.platform.recorder.amend(call, |call| call.sender = Some(sender.clone()));
    let wanted = Wanted::parse(backend, body)?;
    let (answer, effect) =
        transfer_call::transfer(&desk.platform, desk.frame(), sender, key(headers), wanted)?;
    desk.platform.recorder.amend(call, |call| {
        call.effect = effect;
        call.transfer_id = Some(answer.transaction_id.clone());
    });
    Ok(answer.respond(backend))
}

/// Whose token a call bears; a fault may disown it first.
fn sender(desk: &Desk, headers: &HeaderMap, place: Place<'_>) -> Result<String, Refusal> {
    let auth = &desk.frame().auth;
    let expired = |what: &What| matches!(what, What::TokenExpired).then_some(());
    if desk.faults().draw(place, expired).is_some() {
        auth.disown(headers);
    }
    auth.agent(headers, clock::now())
}

fn key(headers: &HeaderMap) -> Option<String> {
    headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned)
}

fn received(place: Place<'_>, headers: &HeaderMap, body: Option<&Value>) -> TransferCall {
    let field = |name: &str| body.and_then(|body| body.get(name)?.as_str()).map(str::to_owned);
    TransferCall {
        at: clock::now(),
        frame: place.frame.to_owned(),
        backend: place.backend,
        idempotency_key: key(headers),
        sender: None,
        receiver: field("receiver_agent_id"),
        target_registry: field("target_registry"),
        amount: field("amount").and_then(|amount| amount.parse().ok()),
        message: field("message"),
        status: None,
        answered_at: None,
        effect: Effect::Nothing,
        transfer_id: None,
    }
}

fn respond(result: Result<Value, Refusal>) -> Response {
    result.map_or_else(Refusal::into_response, |body| Json(body).into_response())
}
