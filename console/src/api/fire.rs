//! `POST /api/v1/canaries/paths/{path}/fire`: one test now, outside any slot.

use axum::Json;
use axum::extract::{Path, State};
use canary_domain::TestId;
use http::StatusCode;
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;

use super::act::Action;
use super::context::Context;
use super::words;
use crate::access::Operator;
use crate::openapi::{Denied, Missing, TooMany};
use crate::plan::FireRefused;
use crate::problem::{Kind, Problem};

/// The test that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fired {
    #[schema(value_type = words::TestId)]
    test_id: TestId,
}

/// Fires a test, paused or not; its outcome comes over the stream.
#[utoipa::path(
    post,
    path = "/paths/{path}/fire",
    params(("path" = String, Path, description = "The path.")),
    responses((status = 202, body = Fired), Missing, TooMany, Denied)
)]
pub(crate) async fn fire(
    operator: Operator,
    State(context): State<Context>,
    Path(path): Path<String>,
) -> Result<(StatusCode, Json<Fired>), Problem> {
    context.known(&path)?;
    context.audit(&operator, Action::Fire, Some(&path), None).await?;
    let test_id = (context.fire)(path.clone()).await.map_err(|refused| refusal(&path, &refused))?;
    Ok((StatusCode::ACCEPTED, Json(Fired { test_id })))
}

fn refusal(path: &str, refused: &FireRefused) -> Problem {
    match refused {
        FireRefused::UnknownPath => Problem::new(Kind::NotFound, format!("there is no path `{path}`")),
        FireRefused::Unavailable(why) => {
            warn!(path, why, "a test that an operator asked for was not fired");
            Problem::new(Kind::FireUnavailable, why.clone())
        }
    }
}
