//! How the registry refuses (contract, section 2).

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

/// An answer that isn't a success.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A status with a text and perhaps a code.
    Plain { status: StatusCode, detail: String, error_code: Option<&'static str> },
    /// 422: fields that are missing or wrong.
    Invalid(Vec<Complaint>),
}

/// What is wrong with one field.
#[derive(Debug, Serialize)]
pub(crate) struct Complaint {
    pub loc: [&'static str; 2],
    pub msg: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

impl Refusal {
    pub fn new(status: StatusCode, error_code: &'static str, detail: impl Into<String>) -> Self {
        Self::Plain { status, detail: detail.into(), error_code: Some(error_code) }
    }

    pub fn unauthorized(detail: &str) -> Self {
        Self::Plain { status: StatusCode::UNAUTHORIZED, detail: detail.to_owned(), error_code: None }
    }

    pub fn invalid(loc: [&'static str; 2], kind: &'static str, msg: impl Into<String>) -> Self {
        Self::Invalid(vec![Complaint { loc, msg: msg.into(), kind }])
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Self::Plain { status, .. } => *status,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = match self {
            Self::Plain { detail, error_code, .. } => json!({ "detail": detail, "error_code": error_code }),
            Self::Invalid(complaints) => json!({ "detail": complaints }),
        };
        (status, Json(body)).into_response()
    }
}
