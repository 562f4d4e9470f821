//! `GET /healthz`: the process is alive. It says nothing of stores: restarting does not bring those back.

use axum::Json;
use serde::Serialize;

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "alive" })
}
