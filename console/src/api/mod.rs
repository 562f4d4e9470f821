//! The admin API (design §8): one operation, one file. Its types are its own; the ledger's may change beneath.

mod accounting;
mod cursor;
mod explain;
mod query;
mod result;
mod results;
mod row;
#[cfg(test)]
mod sample;
mod timeline;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use canary_store::Ledger;

use crate::access::{Access, admit};
use crate::problem::{Kind, Problem};

/// Everything under `/api/v1/canaries`; what is not there is not told to whoever may not ask.
pub(crate) fn router(ledger: Arc<dyn Ledger>, access: Arc<Access>) -> Router {
    let operations = Router::new()
        .route("/results", get(results::results))
        .route("/results/{test_id}", get(result::result))
        .route("/accounting", get(accounting::accounting))
        .fallback(|| async { Problem::new(Kind::NotFound, "the admin API has nothing here") })
        .with_state(ledger)
        .layer(from_fn_with_state(access, admit));
    Router::new().nest("/api/v1/canaries", operations)
}
