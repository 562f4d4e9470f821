//! Whose page a request comes from: what changes anything is done for the console's own page, or for whoever bears
//! a token, which no foreign page can make a browser send.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, HeaderName, ORIGIN};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri};
use tracing::warn;

use crate::access::{Access, bearer};
use crate::peer::Peer;
use crate::problem::{Kind, Problem};

/// What browsers say of a request's page, where they trust the connection; no page can set it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// The console's own, or the person at the browser.
    Own,
    /// Another.
    Foreign,
    /// Nothing says so: no browser of this decade.
    Unsaid,
}

/// Lets a request through that only reads, or that comes from nowhere foreign.
pub(crate) async fn check(
    State(access): State<Arc<Access>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let admitted = *request.method() == Method::GET
        || *request.method() == Method::HEAD
        || match page(headers) {
            Page::Own => true,
            Page::Foreign => false,
            Page::Unsaid => access.is_local() || bearer(headers).is_some(),
        };
    if admitted {
        return next.run(request).await;
    }
    let (method, path, origin) = (request.method(), request.uri().path(), headers.get(ORIGIN));
    if access.limits.may_tell(peer) {
        warn!(%method, path, ?origin, remote = %peer, "refused a request of a foreign page");
    }
    let detail = "requests that change anything have to come from the console's own page, or bear a token and \
                  name no other page";
    Problem::new(Kind::ForeignOrigin, detail).into_response()
}

fn page(headers: &HeaderMap) -> Page {
    let own = match (headers.get(SEC_FETCH_SITE), headers.get(ORIGIN)) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => is_of_host(origin, headers.get(HOST)),
        (None, None) => return Page::Unsaid,
    };
    if own { Page::Own } else { Page::Foreign }
}

/// Whether an origin's host and port are the request's own. Its scheme is not compared: TLS may end before us.
fn is_of_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let host = host.and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let (Some(origin), Some(host)) = (origin, host) else { return false };
    let Some(usual) = origin.scheme().and_then(usual_port) else { return false };
    origin.host().is_some_and(|name| name.eq_ignore_ascii_case(host.host()))
        && origin.port_u16().unwrap_or(usual) == host.port_u16().unwrap_or(usual)
}

fn usual_port(scheme: &Scheme) -> Option<u16> {
    match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Whether the page was reached by TLS, wherever that ends.
pub(crate) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get(ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&'static str, &str)]) -> Page {
        page(
            &pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
                .collect(),
        )
    }

    #[test]
    fn what_the_browser_says_of_the_page_decides() {
        assert_eq!(of(&[("sec-fetch-site", "same-origin"), ("origin", "https://c.example")]), Page::Own);
        assert_eq!(of(&[("sec-fetch-site", "none")]), Page::Own);
        for foreign in ["same-site", "cross-site", "", "Same-Origin"] {
            let told = of(&[("sec-fetch-site", foreign), ("origin", "http://h"), ("host", "h")]);
            assert_eq!(told, Page::Foreign, "{foreign}");
        }
    }

    #[test]
    fn an_older_browsers_origin_has_to_have_the_requests_own_host_and_port() {
        for (origin, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://Canary.example", "canary.example"),
            ("https://canary.example", "canary.example:443"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(of(&[("origin", origin), ("host", host)]), Page::Own, "{origin} {host}");
        }
        for (origin, host) in [
            ("null", "canary.example"),
            ("https://canary.example:8443", "canary.example"),
            ("https://canary.example.evil.example", "canary.example"),
            ("http://localhost:8081", "localhost:8080"),
            ("ftp://canary.example", "canary.example"),
            ("canary.example", "canary.example"),
        ] {
            assert_eq!(of(&[("origin", origin), ("host", host)]), Page::Foreign, "{origin} {host}");
        }
        assert_eq!(of(&[("origin", "http://h")]), Page::Foreign, "without a host nothing is our own");
        assert_eq!(of(&[("host", "h")]), Page::Unsaid);
    }
}
