//! What is served to everybody: health, readiness, metrics, the state of the paths.

mod healthz;
mod metrics;
mod readyz;
mod status;

use prometheus::Registry;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use readyz::{NotReady, Readiness};

pub(crate) use readyz::Ready;
pub(crate) use status::router as status;

/// `/healthz` and `/readyz`.
pub(crate) fn health(ready: Ready) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(healthz::healthz)).routes(routes!(readyz::readyz)).with_state(ready)
}

/// `/metrics`.
pub(crate) fn metrics(registry: Registry) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(metrics::metrics)).with_state(registry)
}
