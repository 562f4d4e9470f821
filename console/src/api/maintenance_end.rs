//! `POST /api/v1/canaries/maintenance/end`: ends the windows that are on, and takes back those to come.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::act::Action;
use super::body::Body;
use super::context::Context;
use super::maintenance::mark;
use crate::access::Operator;
use crate::openapi::{BadBody, Denied};
use crate::problem::Problem;

/// Nothing more to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {}

/// How many windows ended, or were taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ended {
    ended: u64,
}

/// Ends the windows that are on, and takes back those to come.
#[utoipa::path(
    post,
    path = "/maintenance/end",
    request_body = Option<End>,
    responses((status = 200, body = Ended), BadBody, Denied)
)]
pub(crate) async fn maintenance_end(
    operator: Operator,
    State(context): State<Context>,
    Body(End {}): Body<End>,
) -> Result<Json<Ended>, Problem> {
    context.audit(&operator, Action::Maintenance, None, Some("end".to_owned())).await?;
    let ending = async {
        let now = context.now();
        let ended = context.ledger.end_maintenance(now).await?;
        if ended > 0 {
            mark(&context, now, "all maintenance was ended, what was planned taken back".to_owned()).await?;
        }
        Ok(ended)
    };
    let ended = context.carry_out(&operator, Action::Maintenance, None, ending).await?;
    Ok(Json(Ended { ended }))
}
