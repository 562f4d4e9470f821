//! Limits of every request, and headers of every answer.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, Method};
use tokio::time::timeout;

use crate::problem::{Kind, Problem};

/// The longest an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// The largest body of any request, in bytes.
pub(crate) const MAX_BODY: usize = 4_096;

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Holds a request to its limits, and puts the headers on its answer.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut response = if has_too_much(&request) {
        Problem::too_large().into_response()
    } else {
        timeout(ANSWER_WITHIN, next.run(request)).await.unwrap_or_else(|_| {
            let detail = format!("there was no answer within {} s", ANSWER_WITHIN.as_secs());
            Problem::new(Kind::TimedOut, detail).into_response()
        })
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

/// Who reads takes no body; one that is small is passed over. Who acts may not know its length beforehand: it is counted
/// while it is read.
fn has_too_much(request: &Request) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let unknown = request.headers().contains_key(TRANSFER_ENCODING) && *request.method() != Method::POST;
    unknown || length.is_some_and(|length: usize| length > MAX_BODY)
}
