//! What the operations work with.

use std::sync::Arc;

use axum::extract::FromRef;
use canary_domain::Moment;
use canary_store::Ledger;

use crate::Fire;
use crate::access::Access;
use crate::plan::Plan;
use crate::views::Views;

/// Shared by all requests; nothing in it changes.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) clock: Arc<dyn Fn() -> Moment + Send + Sync>,
    pub(crate) fire: Fire,
    pub(crate) views: Views,
    pub(crate) access: Arc<Access>,
}

impl FromRef<Context> for Arc<dyn Ledger> {
    fn from_ref(context: &Context) -> Self {
        Arc::clone(&context.ledger)
    }
}

impl FromRef<Context> for Views {
    fn from_ref(context: &Context) -> Self {
        context.views.clone()
    }
}

impl FromRef<Context> for Arc<Access> {
    fn from_ref(context: &Context) -> Self {
        Arc::clone(&context.access)
    }
}
