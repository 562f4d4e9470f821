//! `POST /api/v1/canaries/maintenance`: a window in which slots are skipped.
//!
//! Each window leaves two marks for the trend, at its start and at its end. Windows of several paths are placed
//! one by one: if the ledger goes away between them, asking again places those that are missing beside the others,
//! and a slot in two windows is skipped once.

use axum::Json;
use axum::extract::State;
use canary_domain::{Hold, HoldKind, Moment, iso};
use canary_store::Annotation;
use chrono::TimeDelta;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::act::{Action, reason};
use super::body::{Body, required};
use super::context::Context;
use super::row::Time;
use super::words;
use crate::access::Operator;
use crate::openapi::{BadBody, Denied};
use crate::problem::Problem;

/// The longest window.
const MOST: TimeDelta = TimeDelta::days(30);
/// The kind of its marks.
const MARK: &str = "maintenance";

/// A window to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Maintenance {
    /// When it begins.
    #[schema(value_type = Time)]
    from: Option<Time>,
    /// When it ends: in the future, and at most 30 days after `from`.
    #[schema(value_type = Time)]
    to: Option<Time>,
    /// The paths it is for; absent: all of them.
    paths: Option<Vec<String>>,
    /// Why, in 1 to 200 characters.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    reason: Option<String>,
}

/// The windows that were placed: one for all paths, or one for each that was named.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacedWindows {
    holds: Vec<PlacedWindow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PlacedWindow {
    #[schema(value_type = words::HoldKind)]
    kind: HoldKind,
    /// Null: all paths.
    path: Option<String>,
    from: Time,
    until: Time,
    actor: String,
    reason: String,
}

/// What was asked for, once it is understood.
#[derive(Debug)]
struct Asked {
    from: Moment,
    to: Moment,
    paths: Option<Vec<String>>,
    reason: String,
}

/// Plans maintenance.
#[utoipa::path(
    post,
    path = "/maintenance",
    request_body = Maintenance,
    responses((status = 201, body = PlacedWindows), BadBody, Denied)
)]
pub(crate) async fn maintenance(
    operator: Operator,
    State(context): State<Context>,
    Body(given): Body<Maintenance>,
) -> Result<(StatusCode, Json<PlacedWindows>), Problem> {
    let asked = understood(given, &context)?;
    let Asked { from, to, paths, reason } = &asked;
    let whose = paths.as_ref().map_or_else(|| "all paths".to_owned(), |paths| paths.join(", "));
    let detail = format!("{} to {}, {whose}: {reason}", iso(*from), iso(*to));
    context.audit(&operator, Action::Maintenance, None, Some(detail)).await?;
    let placing = place(&context, &operator.caller.name, &asked, &whose);
    let holds = context.carry_out(&operator, Action::Maintenance, None, placing).await?;
    Ok((StatusCode::CREATED, Json(PlacedWindows { holds })))
}

async fn place(
    context: &Context,
    actor: &str,
    asked: &Asked,
    whose: &str,
) -> Result<Vec<PlacedWindow>, Problem> {
    let Asked { from, to, paths, reason } = asked;
    let each: Vec<Option<String>> = match paths {
        None => vec![None],
        Some(paths) => paths.iter().cloned().map(Some).collect(),
    };
    let mut holds = Vec::new();
    for path in each {
        let hold = Hold { kind: HoldKind::Maintenance, path: path.clone(), from: *from, until: Some(*to) };
        context.ledger.place_hold(&hold, actor, reason).await?;
        let (from, until, actor, reason) = (Time(*from), Time(*to), actor.to_owned(), reason.clone());
        holds.push(PlacedWindow { kind: HoldKind::Maintenance, path, from, until, actor, reason });
    }
    mark(context, *from, format!("maintenance of {whose}: {reason}")).await?;
    mark(context, *to, format!("end of the maintenance of {whose}: {reason}")).await?;
    Ok(holds)
}

/// Puts a mark on the trend.
pub(super) async fn mark(context: &Context, at: Moment, text: String) -> Result<(), Problem> {
    let mark = Annotation { at, kind: MARK.to_owned(), text, node: None };
    Ok(context.ledger.annotate(&mark).await?)
}

fn understood(given: Maintenance, context: &Context) -> Result<Asked, Problem> {
    let Maintenance { from, to, paths, reason: why } = given;
    let (Time(from), Time(to)) = (required("from", from)?, required("to", to)?);
    let now = context.now();
    if from >= to {
        return Err(Problem::field("to", format!("to: {} is not after from, {}", iso(to), iso(from))));
    }
    if to - from > MOST {
        let detail = format!("to: {} is more than {} days after from", iso(to), MOST.num_days());
        return Err(Problem::field("to", detail));
    }
    if to <= now {
        return Err(Problem::field("to", format!("to: {} is over; it is {} now", iso(to), iso(now))));
    }
    let paths = paths.map(|paths| known(paths, context)).transpose()?;
    let reason = required("reason", reason(why)?)?;
    Ok(Asked { from, to, paths, reason })
}

fn known(mut paths: Vec<String>, context: &Context) -> Result<Vec<String>, Problem> {
    if paths.is_empty() {
        return Err(Problem::field("paths", "paths: name one at least, or leave it out for all"));
    }
    if let Some(path) = paths.iter().find(|path| context.plan.path(path).is_none()) {
        return Err(Problem::field("paths", format!("paths: there is no path `{path}`")));
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}
