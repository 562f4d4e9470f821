//! `GET /api/v1/canaries/cycles`: the newest cycles, and what became of each slot.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State as Shared;
use chrono::TimeDelta;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::brief::ApiBrief;
use super::query::{Given, Query};
use super::row::Time;
use crate::openapi::{BadParameter, Denied};
use crate::picture::CYCLES;
use crate::problem::Problem;
use crate::views::Views;

const MINUTES: i64 = 60;
const MOST: i64 = 120;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cycles {
    period_ms: i64,
    /// Names, in the plan's order.
    paths: Vec<String>,
    /// Every cycle that began within the span, newest first; at most 720: with a short period they reach back less far.
    cycles: Vec<Cycle>,
}

/// A cycle.
#[derive(Debug, Serialize, ToSchema)]
struct Cycle {
    cycle: i64,
    /// When it began.
    at: Time,
    /// By path; a slot without a row is not in it.
    slots: BTreeMap<String, ApiBrief>,
}

/// What may be asked, for the document; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape is used")]
struct Asked {
    /// How far to look back.
    #[param(minimum = 1, maximum = 120, default = 60)]
    minutes: Option<i64>,
}

/// The newest cycles, and what became of each slot.
#[utoipa::path(get, path = "/cycles", params(Asked), responses((status = 200, body = Cycles), BadParameter, Denied))]
pub(crate) async fn cycles(
    Shared(views): Shared<Views>,
    Given(given): Given,
) -> Result<Json<Cycles>, Problem> {
    let minutes = Query::new(given, &["minutes"])?.count("minutes", MOST, MINUTES)?;
    let (plan, now) = (views.plan(), views.now());
    let newest = plan.cadence.cycle_at(now);
    let oldest = plan.cadence.cycle_at(now - TimeDelta::minutes(minutes)) + 1;
    let span = oldest.max(newest + 1 - CYCLES)..=newest;
    let cycles = views.look(|state| {
        let slots = |cycle| {
            let of = plan.paths.iter().zip(&state.paths).filter_map(|(path, kept)| {
                Some((path.name.clone(), ApiBrief::from(&**kept.slot(cycle, plan.cadence)?)))
            });
            Cycle { cycle, at: Time(plan.cadence.edge(cycle)), slots: of.collect() }
        };
        span.rev().map(slots).collect()
    })?;
    let paths = plan.paths.iter().map(|path| path.name.clone()).collect();
    Ok(Json(Cycles { period_ms: plan.cadence.period_ms(), paths, cycles }))
}
