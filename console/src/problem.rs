//! Errors as problem documents (RFC 9457, design §8).

use axum::Json;
use axum::response::{IntoResponse, Response};
use canary_store::StoreError;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use tracing::warn;

/// The kinds of problems, each with a fixed type, title and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// There is no such thing.
    NotFound,
    /// It can't be asked in this way.
    MethodNotAllowed,
    /// A parameter can't be understood.
    InvalidParameter,
    /// No token, or none that is known.
    Unauthorized,
    /// Without tokens, only this machine is answered.
    ForeignHost,
    /// The request carries a body that nobody asked for.
    TooLarge,
    /// The answer took too long.
    TimedOut,
    /// A store does not answer.
    StoreUnavailable,
    /// A store answers with an error.
    StoreBroken,
}

impl Kind {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::InvalidParameter => {
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid-parameter", "Invalid parameter")
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "A bearer token is needed"),
            Self::ForeignHost => (StatusCode::FORBIDDEN, "foreign-host", "Only local requests are answered"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Request too large"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed-out", "The answer took too long"),
            Self::StoreUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", "A store is unavailable")
            }
            Self::StoreBroken => {
                (StatusCode::INTERNAL_SERVER_ERROR, "store-broken", "A store answered with an error")
            }
        }
    }
}

/// An error as the client sees it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    parameter: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), parameter: None }
    }

    /// A parameter of the query that can't be understood.
    pub(crate) fn parameter(name: &'static str, detail: String) -> Self {
        Self { kind: Kind::InvalidParameter, detail, parameter: Some(name) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        warn!(%error, "a question to the admin API could not be answered");
        let kind = if error.is_unavailable() { Kind::StoreUnavailable } else { Kind::StoreBroken };
        Self::new(kind, error.to_string())
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, title) = self.kind.parts();
        let document = Document {
            r#type: format!("urn:canary:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            parameter: self.parameter,
        };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.kind {
            Kind::Unauthorized => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="canary""#));
            }
            Kind::StoreUnavailable | Kind::TimedOut => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            Kind::NotFound
            | Kind::MethodNotAllowed
            | Kind::InvalidParameter
            | Kind::ForeignHost
            | Kind::TooLarge
            | Kind::StoreBroken => {}
        }
        response
    }
}
