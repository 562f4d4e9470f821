//! Limits of every request, and headers of every answer.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderName;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use tokio::time::timeout;

use crate::problem::{Kind, Problem};

/// The longest an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Nothing here takes a body; one that is this small is passed over.
const MAX_BODY: u64 = 1_024;

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Holds a request to its limits, and puts the headers on its answer.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut response = if has_body(&request) {
        Problem::new(Kind::TooLarge, format!("a request here may carry at most {MAX_BODY} bytes"))
            .into_response()
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

fn has_body(request: &Request) -> bool {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    request.headers().contains_key(TRANSFER_ENCODING) || length.is_some_and(|length: u64| length > MAX_BODY)
}
