//! A JSON body: its type and size are checked first, and a complaint names the field.

use std::sync::Arc;

use axum::body::{Body as Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::guard::MAX_BODY;
use crate::problem::{Kind, Problem};
use crate::seats::{SENT_WITHIN, Seat};

/// What a request carries. No body at all is one without fields.
#[derive(Clone, Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let text = match parts.extensions.get::<Arc<Seat>>() {
            None => read(body).await?,
            Some(seat) => {
                // Whoever does not send it in time is cut off.
                seat.waits(SENT_WITHIN);
                let text = read(body).await;
                seat.is_served();
                text?
            }
        };
        if text.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !is_json(&parts.headers) {
            let detail = "send the body as JSON, with the header `Content-Type: application/json`";
            return Err(Problem::new(Kind::UnsupportedType, detail));
        }
        parse(&text).map(Self)
    }
}

async fn read(body: Bytes) -> Result<Vec<u8>, Problem> {
    // Whatever else breaks a body off, nobody is there any more to read the answer.
    to_bytes(body, MAX_BODY).await.map(Into::into).map_err(|_| Problem::too_large())
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        refusal(&field, &error.into_inner())
    })?;
    json.end().map_err(|cause| refusal(".", &cause))?;
    Ok(value)
}

fn refusal(field: &str, cause: &serde_json::Error) -> Problem {
    match cause.classify() {
        Category::Data => Problem::field(field, cause.to_string()),
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(Kind::MalformedBody, format!("the body is no JSON: {cause}"))
        }
    }
}

/// A field that has to be there.
pub(crate) fn required<T>(name: &'static str, value: Option<T>) -> Result<T, Problem> {
    value.ok_or_else(|| Problem::field(name, format!("{name} is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Some {
        #[serde(rename = "count")]
        _count: u8,
    }

    fn told(text: &str) -> String {
        format!("{:?}", parse::<Some>(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_complaint_names_the_field_or_says_that_it_is_no_json() {
        for (text, field) in [(r#"{"count":"x"}"#, "count"), (r#"{"count":1,"conut":2}"#, "conut")] {
            let told = told(text);
            assert!(told.contains("InvalidBody") && told.contains(&format!("Some({field:?})")), "{told}");
        }
        for text in ["{", "hello", r#"{"count":1} {}"#] {
            assert!(told(text).contains("MalformedBody"), "{text}");
        }
        assert!(parse::<Some>(br#"{"count":1}"#).is_ok());
    }

    #[test]
    fn only_json_is_json() {
        let given = |value: &str| HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
        assert!(is_json(&given("application/json")) && is_json(&given("Application/JSON; charset=utf-8")));
        for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
            assert!(!is_json(&given(other)), "{other}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }
}
