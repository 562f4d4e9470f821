//! `GET /api/v1/canaries/accounting`: every slot of every path, accounted for (I2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use canary_store::{Ledger, PathAccount};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::Denied;
use crate::problem::Problem;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accounts {
    paths: Vec<Account>,
    /// The sum of the paths' absolute residuals: 0, or the canary has lost a slot.
    residual: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Account {
    path: String,
    slots: i64,
    passed: i64,
    late: i64,
    failed: i64,
    inconclusive: i64,
    skipped: i64,
    missed: i64,
    pending: i64,
    residual: i64,
}

impl From<PathAccount> for Account {
    fn from(account: PathAccount) -> Self {
        let PathAccount {
            path,
            slots,
            passed,
            late,
            failed,
            inconclusive,
            skipped,
            missed,
            pending,
            residual,
        } = account;
        Self { path, slots, passed, late, failed, inconclusive, skipped, missed, pending, residual }
    }
}

/// Every slot of every path, accounted for.
#[utoipa::path(get, path = "/accounting", responses((status = 200, body = Accounts), Denied))]
pub(crate) async fn accounting(State(ledger): State<Arc<dyn Ledger>>) -> Result<Json<Accounts>, Problem> {
    let accounting = ledger.accounting().await?;
    let paths = accounting.paths.into_iter().map(Account::from).collect();
    Ok(Json(Accounts { paths, residual: accounting.residual }))
}
