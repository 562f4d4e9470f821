//! The admin API (design §8): one operation, one file. Its types are its own; the ledger's may change beneath.

#![expect(unused_qualifications, reason = "utoipa's macros qualify the names of our types")]

mod about;
mod accounting;
mod act;
mod body;
mod brief;
mod context;
mod cursor;
mod cycles;
mod evidence;
mod explain;
mod fire;
mod maintenance;
mod maintenance_end;
mod pause;
mod query;
mod reactors;
mod result;
mod results;
mod resume;
mod row;
#[cfg(test)]
mod sample;
mod scoreboard;
mod session;
mod stream;
mod timeline;
mod trend;
mod window;
pub(crate) mod words;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

pub(crate) use context::Context;
pub(crate) use row::Time;

use crate::access::{admit, note};
use crate::origin;
use crate::problem::{Kind, Problem};

/// The answers that were written last; shared by all requests.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    trend: trend::Written,
    scoreboard: scoreboard::Written,
    cycles: cycles::Written,
}

/// Everything under `/api/v1/canaries`; what is not there is not told to whoever may not ask.
pub(crate) fn router(context: Context) -> OpenApiRouter {
    let access = Arc::clone(&context.access);
    let open = OpenApiRouter::new()
        .routes(routes!(session::sign_in))
        .routes(routes!(session::sign_out))
        .with_state(Arc::clone(&access));
    let operations = OpenApiRouter::new()
        .merge(readings())
        .merge(actions(&context))
        .fallback(|| async { Problem::new(Kind::NotFound, "the admin API has nothing here") })
        .with_state(context)
        .layer(from_fn_with_state(Arc::clone(&access), admit));
    let all = operations
        .merge(open)
        .layer(from_fn_with_state(Arc::clone(&access), origin::check))
        .layer(from_fn_with_state(access, note));
    OpenApiRouter::new().nest("/api/v1/canaries", all)
}

/// What a viewer may ask.
fn readings() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(session::session))
        .routes(routes!(results::results))
        .routes(routes!(result::result))
        .routes(routes!(accounting::accounting))
        .routes(routes!(scoreboard::scoreboard))
        .routes(routes!(cycles::cycles))
        .routes(routes!(reactors::reactors))
        .routes(routes!(trend::trend))
        .routes(routes!(about::about))
        .routes(routes!(stream::stream))
}

/// What takes an operator.
fn actions(context: &Context) -> OpenApiRouter<Context> {
    let known = from_fn_with_state(context.clone(), fire::known);
    OpenApiRouter::new()
        .routes(routes!(fire::fire).layer(context.access.limits.fire()).layer(known))
        .routes(routes!(pause::pause))
        .routes(routes!(resume::resume))
        .routes(routes!(maintenance::maintenance))
        .routes(routes!(maintenance_end::maintenance_end))
}
