//! `POST /api/v1/canaries/paths/{path}/pause`: its slots are skipped until somebody resumes it.

use axum::Json;
use axum::extract::State;
use canary_domain::{Hold, HoldKind};
use serde::Deserialize;
use utoipa::ToSchema;

use super::act::{Action, Held, HeldPath, reason};
use super::body::Body;
use super::context::Context;
use crate::access::Operator;
use crate::name::Name;
use crate::openapi::{BadBody, Denied, Missing};
use crate::problem::Problem;

/// Why it is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pause {
    /// At most 200 characters.
    #[schema(max_length = 200)]
    reason: Option<String>,
}

/// Pauses a path. A path that is paused stays as it is.
#[utoipa::path(
    post,
    path = "/paths/{path}/pause",
    params(("path" = String, Path, description = "The path.")),
    request_body = Option<Pause>,
    responses((status = 200, body = HeldPath), Missing, BadBody, Denied)
)]
pub(crate) async fn pause(
    operator: Operator,
    State(context): State<Context>,
    Name(path): Name,
    Body(Pause { reason: given }): Body<Pause>,
) -> Result<Json<HeldPath>, Problem> {
    context.known(&path)?;
    let reason = reason(given)?;
    context.audit(&operator, Action::Pause, Some(&path), reason.clone()).await?;
    let pausing = async {
        if context.held(&path).await? != Some(Held::Paused) {
            let (kind, from) = (HoldKind::Pause, context.now());
            let hold = Hold { kind, path: Some(path.clone()), from, until: None };
            context.ledger.place_hold(&hold, &operator.caller.name, &reason.unwrap_or_default()).await?;
        }
        Ok(())
    };
    context.carry_out(&operator, Action::Pause, Some(&path), pausing).await?;
    Ok(Json(HeldPath { path, held: Some(Held::Paused) }))
}
