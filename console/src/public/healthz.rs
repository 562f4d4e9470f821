//! `GET /healthz`: the process is alive. It says nothing of stores: restarting does not bring those back.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = Health)), security(()))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "alive" })
}
