//! `GET /api/v1/canaries/results/{test_id}`: one result, with every stage's moments and what it means.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use canary_domain::TestId;
use canary_store::Ledger;
use serde::Serialize;
use utoipa::ToSchema;

use super::evidence::ApiEvidence;
use super::explain::explain;
use super::row::ApiRow;
use super::timeline::{Event, timeline};
use super::words;
use crate::name::Name;
use crate::openapi::{Denied, Missing};
use crate::problem::{Kind, Problem};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneResult {
    #[serde(flatten)]
    row: ApiRow,
    /// What happened to it, in order.
    timeline: Vec<Event>,
    /// The same in a sentence.
    explanation: String,
    /// What is kept of a failure beside its row; null where there was none.
    evidence: Option<ApiEvidence>,
}

/// One result, with every stage's moments and what it means.
#[utoipa::path(
    get,
    path = "/results/{test_id}",
    params(("test_id" = words::TestId, Path, description = "The test.")),
    responses((status = 200, body = OneResult), Missing, Denied)
)]
pub(crate) async fn result(
    State(ledger): State<Arc<dyn Ledger>>,
    Name(text): Name,
) -> Result<Json<OneResult>, Problem> {
    let test_id: TestId = text
        .parse()
        .map_err(|_| Problem::new(Kind::NotFound, format!("`{text}` is no test_id: those are UUIDs")))?;
    let row = ledger.rows(&[test_id]).await?.into_iter().next();
    let row = row.ok_or_else(|| Problem::new(Kind::NotFound, format!("there is no test {test_id}")))?;
    let evidence = ledger.evidence(test_id).await?.map(|evidence| ApiEvidence::new(evidence, &row.facts));
    let (timeline, explanation) = (timeline(&row), explain(&row));
    Ok(Json(OneResult { row: row.into(), timeline, explanation, evidence }))
}
