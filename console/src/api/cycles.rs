//! `GET /api/v1/canaries/cycles`: the newest cycles, and what became of each slot.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::brief::ApiBrief;
use super::query::{Given, Query};
use super::row::Time;
use crate::memo::Memo;
use crate::openapi::{BadParameter, Denied};
use crate::picture::{CYCLES, Glance};
use crate::plan::Plan;
use crate::problem::Problem;
use crate::views::Views;

const MINUTES: i64 = 60;
const MOST: i64 = 120;

/// An answer of so many slots, each of some 300 bytes, is worth its memory.
const SMALL: usize = 4_000;

/// What an answer was made from.
#[derive(Debug, PartialEq)]
pub(crate) struct Key {
    version: u64,
    span: RangeInclusive<i64>,
}

/// The newest answer.
pub(crate) type Written = Memo<Key, Bytes>;

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
pub(crate) async fn cycles(Shared(views): Shared<Views>, Given(given): Given) -> Result<Response, Problem> {
    let minutes = Query::new(given, &["minutes"])?.count("minutes", MOST, MINUTES)?;
    let (cadence, now, glance) = (views.plan().cadence, views.now(), views.glance()?);
    let newest = cadence.cycle_at(now);
    let oldest = cadence.cycle_at(now - TimeDelta::minutes(minutes)) + 1;
    let span = oldest.max(newest + 1 - CYCLES)..=newest;
    let small = glance.paths.len().saturating_mul(span.clone().count()) <= SMALL;
    let key = Key { version: glance.version, span: span.clone() };
    let of = views.clone();
    let bytes = views.remembered().cycles.get(key, small, move || write(of.plan(), &glance, span)).await;
    Ok(([(CONTENT_TYPE, "application/json")], Bytes::clone(&bytes)).into_response())
}

fn write(plan: &Plan, glance: &Glance, span: RangeInclusive<i64>) -> Bytes {
    let slots = |cycle| {
        let of = plan.paths.iter().zip(&glance.paths).filter_map(|(path, kept)| {
            Some((path.name.clone(), ApiBrief::from(&**kept.slot(cycle, plan.cadence)?)))
        });
        Cycle { cycle, at: Time(plan.cadence.edge(cycle)), slots: of.collect() }
    };
    let cycles = Cycles {
        period_ms: plan.cadence.period_ms(),
        paths: plan.paths.iter().map(|path| path.name.clone()).collect(),
        cycles: span.rev().map(slots).collect(),
    };
    let json = serde_json::to_vec(&cycles).expect("numbers, words and times have a JSON form");
    // It is kept for a while, so without the room that it had to grow.
    json.into_boxed_slice().into()
}
