//! Who may use the admin API: whoever bears a token, or, without tokens, whoever is on this machine.
//!
//! Without tokens a page of any site could make a visitor's browser ask: its name can be pointed at
//! 127.0.0.1. So only requests to a local host name are answered then.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use http::uri::Authority;
use tracing::debug;

use crate::problem::{Kind, Problem};
use crate::tokens::{Caller, Tokens};

/// The rule of the admin API's door.
#[derive(Debug)]
pub(crate) enum Access {
    /// Loopback without tokens.
    Local,
    /// Known tokens.
    Tokens(Tokens),
}

/// Lets a request in or answers why not.
pub(crate) async fn admit(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let caller = match access.caller(request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let response = next.run(request).await;
    let (name, role) = caller.map_or(("local".to_owned(), "-"), |caller| (caller.name, caller.role.as_str()));
    debug!(%method, path, status = response.status().as_u16(), caller = name, role, "answered");
    response
}

impl Access {
    /// Who asks; `None` on an open door.
    async fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        match self {
            Self::Local if is_local(headers) => Ok(None),
            Self::Local => Err(Problem::new(
                Kind::ForeignHost,
                "without console.admin_token_file only requests to localhost or a loopback address are answered",
            )),
            Self::Tokens(tokens) => {
                let presented = bearer(headers).ok_or_else(|| {
                    Problem::new(Kind::Unauthorized, "send the header `Authorization: Bearer <token>`")
                })?;
                let caller = tokens.find(presented).await;
                caller.map(Some).ok_or_else(|| Problem::new(Kind::Unauthorized, "this token is not known"))
            }
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A request without a host comes from no browser.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn only_local_host_names_are_local() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "127.8.8.8", "[::1]:8080"] {
            assert!(is_local(&with(HOST, host)), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.evil.example", ""]
        {
            assert!(!is_local(&with(HOST, host)), "{host}");
        }
        assert!(is_local(&HeaderMap::new()));
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_schemes_case_and_nothing_else_is() {
        assert_eq!(bearer(&with(AUTHORIZATION, "bearer abc")), Some("abc"));
        assert_eq!(bearer(&with(AUTHORIZATION, "Basic abc")), None);
        assert_eq!(bearer(&with(AUTHORIZATION, "Bearer")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
