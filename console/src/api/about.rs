//! `GET /api/v1/canaries/about`: what the canary does and how it judges, for the page's help.
//!
//! Each block is made from the very constants, settings and tables that the rules are made of, so it can't tell of
//! others. Only the sentences that introduce them are written here.

mod blocks;
mod surface;

use axum::Json;
use axum::extract::State as Shared;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::Denied;
use crate::views::Views;

/// The answer: six blocks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct About {
    blocks: Vec<Block>,
}

/// A table with its words of introduction. Each row is as long as `columns`.
#[derive(Debug, Serialize, ToSchema)]
struct Block {
    /// `path_matrix`, `fire_cadence`, `validation_pipeline`, `failure_semantics`, `observability_surface`,
    /// `source_files`.
    id: &'static str,
    title: &'static str,
    intro: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

/// What the canary does and how it judges.
#[utoipa::path(get, path = "/about", responses((status = 200, body = About), Denied))]
pub(crate) async fn about(Shared(views): Shared<Views>) -> Json<About> {
    let plan = views.plan();
    let blocks = vec![
        blocks::path_matrix(plan),
        blocks::fire_cadence(plan),
        blocks::validation_pipeline(),
        blocks::failure_semantics(),
        surface::observability_surface(views.operations(), views.registry()),
        surface::source_files(views.sources()),
    ];
    Json(About { blocks })
}
