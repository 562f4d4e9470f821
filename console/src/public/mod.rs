//! What is served to everybody: health, readiness, metrics.

mod healthz;
mod metrics;
mod readyz;

use axum::Router;
use axum::routing::get;
use prometheus::Registry;

pub use readyz::{NotReady, Readiness};

pub(crate) use readyz::Ready;

/// `/healthz` and `/readyz`.
pub(crate) fn health(ready: Ready) -> Router {
    Router::new()
        .route("/healthz", get(healthz::healthz))
        .merge(Router::new().route("/readyz", get(readyz::readyz)).with_state(ready))
}

/// `/metrics`.
pub(crate) fn metrics(registry: Registry) -> Router {
    Router::new().route("/metrics", get(metrics::metrics)).with_state(registry)
}
