//! `GET /status`, `/status.json`, `/badge/{path}.svg`: how the paths do, for everybody.
//!
//! They name paths and say how they do, nothing else: no ids, amounts, agents, addresses or instances (I8). However many
//! ask, they are made once a second at most.

mod badge;
#[cfg(test)]
mod contrast;
mod page;
mod rollup;

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use tokio::task::spawn_blocking;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cached::Cached;
use crate::name::Name;
use crate::openapi::{Missing, Unread};
use crate::picture::Fresh;
use crate::problem::{Kind, Problem};
use crate::views::Views;
use rollup::Status;

const KEEP: &str = "public, max-age=15";
const STYLE: &str = include_str!("status.css");
const STYLE_KEEP: &str = "public, max-age=3600";
/// There is no script, and the page's only other file is its style.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// `/status`, `/status.json`, `/status.css` and the badges.
pub(crate) fn router(views: Views) -> OpenApiRouter {
    let public = Public { views, shown: Arc::default() };
    OpenApiRouter::new()
        .routes(routes!(page))
        .routes(routes!(json))
        .routes(routes!(badge))
        .route("/status.css", get(style))
        .with_state(public)
}

#[derive(Clone)]
struct Public {
    views: Views,
    shown: Arc<Fresh<Result<Arc<Shown>, Problem>>>,
}

/// What everybody is shown.
struct Shown {
    status: Status,
    page: Cached,
    json: Cached,
}

impl Public {
    /// What is shown now; a problem until the ledger was read.
    async fn shown(&self) -> Result<Arc<Shown>, Problem> {
        let make = async |_| {
            let (holds, views) = (self.views.holds().await, self.views.clone());
            let shown = self.views.glance().map(|glance| {
                spawn_blocking(move || Arc::new(Shown::of(Status::of(&views, &glance, &holds))))
            });
            Arc::new(match shown {
                Ok(shown) => {
                    Ok(shown.await.expect("pages are made without a panic, and the runtime is there"))
                }
                // What the ledger says of itself is not for everybody (I8).
                Err(_) => Err(Problem::new(Kind::Starting, "nothing is known of the paths yet")),
            })
        };
        (*self.shown.get(make).await).clone()
    }
}

impl Shown {
    fn of(status: Status) -> Self {
        let page = Cached::new(page::page(&status).into_string(), "text/html; charset=utf-8", KEEP);
        let json = serde_json::to_vec(&status).expect("words, times and counts have a JSON form");
        Self { page, json: Cached::new(json, "application/json", KEEP), status }
    }
}

/// The public page: a word a path, and the past hour.
#[utoipa::path(
    get,
    path = "/status",
    operation_id = "status_page",
    responses((status = 200, body = String, content_type = "text/html; charset=utf-8"), Unread),
    security(())
)]
async fn page(Shared(public): Shared<Public>, asked: HeaderMap) -> Result<Response, Problem> {
    let page = public.shown().await?.page.answer(&asked);
    Ok(([(CONTENT_SECURITY_POLICY, POLICY)], page).into_response())
}

/// The same for programs.
#[utoipa::path(
    get,
    path = "/status.json",
    operation_id = "status",
    responses((status = 200, body = Status), Unread),
    security(())
)]
async fn json(Shared(public): Shared<Public>, asked: HeaderMap) -> Result<Response, Problem> {
    Ok(public.shown().await?.json.answer(&asked))
}

async fn style(asked: HeaderMap) -> Response {
    Cached::new(STYLE, "text/css; charset=utf-8", STYLE_KEEP).answer(&asked)
}

/// A path's state, as a picture.
#[utoipa::path(
    get,
    path = "/badge/{file}",
    params(("file" = String, Path, description = "The path's name, and `.svg`.")),
    responses((status = 200, body = String, content_type = "image/svg+xml"), Missing, Unread),
    security(())
)]
async fn badge(
    Shared(public): Shared<Public>,
    Name(file): Name,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let shown = public.shown().await?;
    let named = file.strip_suffix(".svg");
    let found = named.and_then(|name| shown.status.paths.iter().find(|path| path.path == name));
    let path = found.ok_or_else(|| Problem::new(Kind::NotFound, format!("there is no badge `{file}`")))?;
    let picture = badge::badge(&path.path, path.state).into_string();
    Ok(Cached::new(picture, "image/svg+xml", KEEP).answer(&asked))
}
