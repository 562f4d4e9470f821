//! `POST /api/v1/canaries/paths/{path}/resume`: ends the pauses of a path. A maintenance window stays.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::act::{Action, HeldPath};
use super::body::Body;
use super::context::Context;
use crate::access::Operator;
use crate::name::Name;
use crate::openapi::{BadBody, Denied, Missing};
use crate::problem::Problem;

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resume {}

/// Resumes a path. One that is not paused stays as it is.
#[utoipa::path(
    post,
    path = "/paths/{path}/resume",
    params(("path" = String, Path, description = "The path.")),
    request_body = Option<Resume>,
    responses((status = 200, body = HeldPath), Missing, BadBody, Denied)
)]
pub(crate) async fn resume(
    operator: Operator,
    State(context): State<Context>,
    Name(path): Name,
    Body(Resume {}): Body<Resume>,
) -> Result<Json<HeldPath>, Problem> {
    context.known(&path)?;
    context.audit(&operator, Action::Resume, Some(&path), None).await?;
    let resuming = async {
        context.ledger.lift_pause(&path, context.now()).await?;
        context.held(&path).await
    };
    let held = context.carry_out(&operator, Action::Resume, Some(&path), resuming).await?;
    Ok(Json(HeldPath { path, held }))
}
