//! Answers that browsers and proxies may keep: an entity tag of the content, and 304 for whoever has it already.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

/// A body with its tag and how long it may be kept.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    body: Bytes,
    tag: HeaderValue,
    content_type: &'static str,
    keep: &'static str,
}

impl Cached {
    /// `keep` is the Cache-Control header.
    pub(crate) fn new(body: impl Into<Bytes>, content_type: &'static str, keep: &'static str) -> Self {
        let body = body.into();
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..16]));
        let tag = HeaderValue::from_str(&tag).expect("base64 in quotes is a header's value");
        Self { body, tag, content_type, keep }
    }

    /// The answer to a request with these headers.
    pub(crate) fn answer(&self, asked: &HeaderMap) -> Response {
        let kept = [(ETAG, self.tag.clone()), (CACHE_CONTROL, HeaderValue::from_static(self.keep))];
        if self.is_known(asked) {
            return (StatusCode::NOT_MODIFIED, kept).into_response();
        }
        (kept, [(CONTENT_TYPE, self.content_type)], self.body.clone()).into_response()
    }

    /// Whether the asker named this tag among those it has; `W/` makes no difference to a GET (RFC 9110 §13.1.2).
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let given = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        given
            .flat_map(|tags| tags.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == self.tag.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_these_very_bytes_gets_a_304() {
        let cached = Cached::new("text", "text/plain", "no-cache");
        let tag = cached.tag.to_str().unwrap().to_owned();
        let asked = |tags: &str| HeaderMap::from_iter([(IF_NONE_MATCH, tags.parse().unwrap())]);
        for tags in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
            assert_eq!(cached.answer(&asked(&tags)).status(), 304, "{tags}");
        }
        let other = Cached::new("Text", "text/plain", "no-cache").tag.to_str().unwrap().to_owned();
        for tags in [other, "\"\"".into(), tag.trim_matches('"').to_owned()] {
            assert_eq!(cached.answer(&asked(&tags)).status(), 200, "{tags}");
        }
        assert_eq!(cached.answer(&HeaderMap::new()).headers()["content-type"], "text/plain");
    }
}
