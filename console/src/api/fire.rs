//! `POST /api/v1/canaries/paths/{path}/fire`: one test now, outside any slot.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use canary_domain::TestId;
use http::StatusCode;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use utoipa::ToSchema;

use super::act::Action;
use super::context::Context;
use super::words;
use crate::access::Operator;
use crate::name::Name;
use crate::openapi::{Denied, Missing};
use crate::plan::FireRefused;
use crate::problem::{Kind, Problem};

/// The test that was registered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fired {
    #[schema(value_type = words::TestId)]
    test_id: TestId,
}

/// The longest firing may take: shorter than the time of any answer, so that whoever is told that it took too long is told
/// the truth.
const FIRED_WITHIN: Duration = Duration::from_secs(10);

/// Fires a test, paused or not; its outcome comes over the stream.
#[utoipa::path(
    post,
    path = "/paths/{path}/fire",
    params(("path" = String, Path, description = "The path.")),
    responses((status = 202, body = Fired), Missing, Denied)
)]
pub(crate) async fn fire(
    operator: Operator,
    State(context): State<Context>,
    Name(path): Name,
) -> Result<(StatusCode, Json<Fired>), Problem> {
    let end = Instant::now() + FIRED_WITHIN;
    let asked = context.audit(&operator, Action::Fire, Some(&path), Some("asked for".to_owned()));
    timeout_at(end, asked).await.unwrap_or_else(|_| Err(too_slow()))?;
    // Nobody waits for the order once this future is dropped, here or with the whole request: nothing is sent then.
    let fired = match timeout_at(end, (context.fire)(path.clone())).await {
        Ok(Ok(test_id)) => Ok(test_id),
        Ok(Err(refused)) => Err(refusal(&path, &refused)),
        Err(_) => Err(too_slow()),
    };
    let came_of_it = match &fired {
        Ok(test_id) => format!("fired {test_id}"),
        Err(problem) => format!("refused: {}", problem.detail()),
    };
    context.came_of_it(&operator, Action::Fire, Some(&path), came_of_it).await;
    Ok((StatusCode::ACCEPTED, Json(Fired { test_id: fired? })))
}

/// Lets a request through whose path is there. It comes before the limit: a name that is mistyped takes no test.
pub(crate) async fn known(
    State(context): State<Context>,
    Name(path): Name,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    context.known(&path)?;
    Ok(next.run(request).await)
}

fn too_slow() -> Problem {
    let seconds = FIRED_WITHIN.as_secs();
    let detail = format!("the test could not be begun within {seconds} s, and nothing is sent; ask again");
    Problem::new(Kind::TimedOut, detail)
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
