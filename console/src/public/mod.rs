//! What is served to everybody: health, readiness, metrics, the state of the paths.

mod healthz;
mod metrics;
mod readyz;
mod status;

use axum::Router;
use axum::routing::get;
use prometheus::Registry;

pub use readyz::{NotReady, Readiness};

pub(crate) use readyz::Ready;
pub(crate) use status::router as status;

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
