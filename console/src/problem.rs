//! Errors as problem documents (RFC 9457, design §8).

use axum::Json;
use axum::response::{IntoResponse, Response};
use canary_store::StoreError;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use tracing::warn;
use utoipa::ToSchema;

use crate::guard::MAX_BODY;

/// After how many seconds to ask again, where nothing better is known.
const RETRY_AFTER_SECONDS: u64 = 5;

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
    /// A viewer can't act.
    Forbidden,
    /// Another page asks.
    ForeignOrigin,
    /// The request carries a larger body than anybody asked for.
    TooLarge,
    /// The body is of another type.
    UnsupportedType,
    /// The body is no JSON.
    MalformedBody,
    /// The body can't be understood.
    InvalidBody,
    /// Too many requests.
    TooMany,
    /// Something that a test needs is not there.
    FireUnavailable,
    /// All places for streams are taken.
    TooManyStreams,
    /// The console has not begun yet.
    Starting,
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
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "unauthorized", "A token or a session is needed")
            }
            Self::ForeignHost => (StatusCode::FORBIDDEN, "foreign-host", "Only local requests are answered"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "An operator is needed"),
            Self::ForeignOrigin => {
                (StatusCode::FORBIDDEN, "foreign-origin", "Requests of other pages are refused")
            }
            Self::UnsupportedType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", "The body has to be JSON")
            }
            Self::MalformedBody => (StatusCode::BAD_REQUEST, "malformed-body", "The body is no JSON"),
            Self::InvalidBody => (StatusCode::UNPROCESSABLE_ENTITY, "invalid-body", "Invalid body"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests"),
            Self::FireUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "fire-unavailable", "No test can be fired now")
            }
            Self::TooManyStreams => {
                (StatusCode::SERVICE_UNAVAILABLE, "too-many-streams", "Too many streams are open")
            }
            Self::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting", "The console is starting"),
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
    field: Option<String>,
    retry_after: u64,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), parameter: None, field: None, retry_after: RETRY_AFTER_SECONDS }
    }

    /// A parameter of the query that can't be understood.
    pub(crate) fn parameter(name: &'static str, detail: String) -> Self {
        Self { parameter: Some(name), ..Self::new(Kind::InvalidParameter, detail) }
    }

    /// A field of the body that can't be understood.
    pub(crate) fn field(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(name.into()), ..Self::new(Kind::InvalidBody, detail) }
    }

    /// What is wrong, for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The body is larger than any operation takes.
    pub(crate) fn too_large() -> Self {
        Self::new(Kind::TooLarge, format!("a request here may carry at most {MAX_BODY} bytes"))
    }

    /// Too many requests; one more is welcome after so many seconds.
    pub(crate) fn too_many(retry_after: u64) -> Self {
        let detail = format!("too many requests; ask again in {retry_after} s");
        Self { retry_after, ..Self::new(Kind::TooMany, detail) }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        warn!(%error, "a question to the admin API could not be answered");
        let kind = if error.is_unavailable() { Kind::StoreUnavailable } else { Kind::StoreBroken };
        Self::new(kind, error.to_string())
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// `urn:canary:problem:` and the kind.
    r#type: String,
    /// The kind, for people.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong, for people.
    detail: String,
    /// The parameter that can't be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    /// The field of the body that can't be understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { kind, detail, parameter, field, retry_after } = self;
        let (status, name, title) = kind.parts();
        let r#type = format!("urn:canary:problem:{name}");
        let document = Document { r#type, title, status: status.as_u16(), detail, parameter, field };
        let mut response = (status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="canary""#));
        }
        let waits =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
        if waits.contains(&status) {
            headers.insert(RETRY_AFTER, retry_after.into());
        }
        response
    }
}
