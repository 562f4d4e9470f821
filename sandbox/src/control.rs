//! The sandbox's own calls, which the platform in the contract hasn't got: faults, record, agents.

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{answers::Refusal, config::AgentSeed, desk::Desk, faults::FaultSet, record::Record};

pub(crate) fn routes() -> Router<Desk> {
    Router::new()
        .route("/faults", get(faults).post(set_faults))
        .route("/record", get(record))
        .route("/agents", get(agents))
}

async fn faults(State(desk): State<Desk>) -> Json<FaultSet> {
    Json(desk.faults().current())
}

async fn set_faults(State(desk): State<Desk>, set: Result<Json<FaultSet>, JsonRejection>) -> Response {
    match set {
        Ok(Json(set)) => {
            desk.faults().set(set);
            Json(desk.faults().current()).into_response()
        }
        Err(rejection) => {
            Refusal::invalid(["body", "rules"], "fault_set", rejection.body_text()).into_response()
        }
    }
}

async fn record(State(desk): State<Desk>) -> Json<Record> {
    Json(desk.platform.record())
}

async fn agents(State(desk): State<Desk>) -> Json<Vec<AgentSeed>> {
    Json(desk.platform.config.agents.clone())
}
