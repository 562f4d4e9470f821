//! The page: what `cargo xtask ui` built, embedded, under a policy that lets nothing else in.
//!
//! Its assets bear a hash in their names and may be kept for ever; the page that names them is asked for each time.

use std::borrow::Cow;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use rust_embed::Embed;

use crate::cached::Cached;
use crate::name::Name;
use crate::problem::{Kind, Problem};

const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const HTML: &str = "text/html; charset=utf-8";
const ASK_AGAIN: &str = "no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// What the page is served as when it was not built.
const UNBUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>The page is not built</title>\
    <h1>The page is not built</h1>\
    <p>This program was built without its page. Run <code>cargo xtask ui</code>, then build it again.</p>\
    <p>The API is at <a href=\"/api/v1/canaries\">/api/v1/canaries</a>, \
    the public page at <a href=\"/status\">/status</a>.</p></html>\n";

#[derive(Embed)]
#[folder = "ui/dist"]
struct Built;

/// `/`, `/ui` and `/ui/assets/*`.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/ui#/admin/canaries") }))
        .route("/ui", get(page))
        .route("/ui/", get(page))
        .route("/ui/assets/{*name}", get(asset))
}

async fn page(asked: HeaderMap) -> Response {
    let page = match Built::get("index.html") {
        Some(built) => Cached::new(bytes(built.data), HTML, ASK_AGAIN),
        None => Cached::new(UNBUILT, HTML, ASK_AGAIN),
    };
    ([(CONTENT_SECURITY_POLICY, POLICY)], page.answer(&asked)).into_response()
}

async fn asset(Name(name): Name, asked: HeaderMap) -> Response {
    match Built::get(&format!("assets/{name}")) {
        Some(built) => Cached::new(bytes(built.data), kind_of(&name), FOR_EVER).answer(&asked),
        None => Problem::new(Kind::NotFound, "the page has no such file").into_response(),
    }
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    }
}

/// The types of the files that Vite writes; anything else is bytes to a browser that may not guess (nosniff).
fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some(_) | None => "application/octet-stream",
    }
}
