//! Who may use the admin API: whoever bears a token, or, without tokens, whoever is on this machine.
//!
//! Without tokens a page of any site could make a visitor's browser ask: its name can be pointed at
//! 127.0.0.1. So only requests to a local host name are answered then, of local pages. A proxy on this machine could let in anybody:
//! what says that it came by one is refused.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use canary_domain::Moment;
use http::header::{AUTHORIZATION, FORWARDED, HOST, HeaderName, HeaderValue, ORIGIN, VIA};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;
use tracing::{debug, info};
use utoipa::ToSchema;

use crate::limits::Limits;
use crate::peer::Peer;
use crate::problem::{Kind, Problem};
use crate::session::{Cookies, NoKey, Sessions};
use crate::tokens::{Role, Token, Tokens};

/// The admin API's door.
pub(crate) struct Access {
    pub(crate) rule: Rule,
    pub(crate) cookies: Cookies,
    pub(crate) limits: Limits,
}

/// Whom it lets in.
pub(crate) enum Rule {
    /// Whoever is on this machine: there are no tokens.
    Local,
    /// Known tokens, and sessions of them.
    Tokens(Tokens, Sessions),
}

/// How a request says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Auth {
    /// Not at all: there is no token file, and the console answers this machine alone.
    None,
    /// By a token.
    Bearer,
    /// By a session's cookie.
    Session,
}

/// Whose request it is; the door puts it down, on the request and on its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) pass: Pass,
}

/// What a caller was let in by. It is looked at again while an answer goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// There is no token file.
    Local,
    /// A token.
    Bearer(Token),
    /// A session of a token, until the moment.
    Session(Token, Moment),
}

impl Caller {
    pub(crate) fn of(pass: Pass) -> Self {
        let (name, role) = match &pass {
            Pass::Local => ("local".to_owned(), Role::Operator),
            Pass::Bearer(token) | Pass::Session(token, _) => (token.name.clone(), token.role),
        };
        Self { name, role, pass }
    }

    pub(crate) fn auth(&self) -> Auth {
        match self.pass {
            Pass::Local => Auth::None,
            Pass::Bearer(_) => Auth::Bearer,
            Pass::Session(..) => Auth::Session,
        }
    }
}

/// A caller that may act. A handler that takes one answers nobody else.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    pub(crate) caller: Caller,
    pub(crate) peer: Peer,
}

/// Lets a request in or answers why not.
pub(crate) async fn admit(
    State(access): State<Arc<Access>>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match access.caller(request.headers(), peer).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(caller);
    response
}

/// Writes down what was asked, by whom, and how it was answered.
pub(crate) async fn note(
    State(access): State<Arc<Access>>,
    peer: Peer,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let presented =
        bearer(request.headers()).is_some() || access.cookies.presented(request.headers()).next().is_some();
    let response = next.run(request).await;
    let caller = response.extensions().get::<Caller>();
    let (caller, role) = caller.map_or(("-", "-"), |caller| (caller.name.as_str(), caller.role.as_str()));
    let status = response.status().as_u16();
    let refused = match response.status() {
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => true,
        // Without a token or a session nothing was attempted: a page asks so whether it is signed in.
        status => status == StatusCode::UNAUTHORIZED && presented,
    };
    if refused && access.limits.may_tell(peer) {
        info!(%method, path, status, caller, role, remote = %peer, "refused");
    } else {
        debug!(%method, path, status, caller, role, remote = %peer, "answered");
    }
    response
}

impl Access {
    /// Whether it is open, to this machine alone.
    pub(crate) fn is_local(&self) -> bool {
        match self.rule {
            Rule::Local => true,
            Rule::Tokens(..) => false,
        }
    }

    /// Who asks.
    async fn caller(&self, headers: &HeaderMap, peer: Peer) -> Result<Caller, Problem> {
        match &self.rule {
            Rule::Local => local(headers),
            Rule::Tokens(tokens, sessions) => {
                if let Some(presented) = bearer(headers) {
                    let token = tokens.find(presented).await;
                    let token = token.ok_or_else(|| self.limits.wrong_token(peer))?;
                    return Ok(Caller::of(Pass::Bearer(token)));
                }
                let mut refusal = "sign in, or send the header `Authorization: Bearer <token>`";
                for presented in self.cookies.presented(headers) {
                    if let Some(session) = sessions.check(presented, tokens).await? {
                        return Ok(Caller::of(session));
                    }
                    refusal = "this session is over; sign in again";
                }
                Err(unauthorized(refusal))
            }
        }
    }

    /// Whether a caller that was let in would be let in now, with the same role.
    pub(crate) async fn still(&self, caller: &Caller) -> bool {
        let Rule::Tokens(tokens, sessions) = &self.rule else { return true };
        let (token, good) = match &caller.pass {
            Pass::Local => return false,
            Pass::Bearer(token) => (token, true),
            Pass::Session(token, until) => (token, sessions.is_before(*until)),
        };
        good && tokens.named(&token.name).await.as_ref() == Some(token)
    }
}

/// The caller of a door without tokens.
pub(crate) fn local(headers: &HeaderMap) -> Result<Caller, Problem> {
    let refused = if !is_local(headers) {
        "only requests to localhost or a loopback address are answered"
    } else if headers.get(ORIGIN).is_some_and(|origin| !is_local_origin(origin)) {
        "only pages of this machine are answered"
    } else if headers.keys().any(tells_of_a_proxy) {
        "requests that came by a proxy are not answered"
    } else {
        return Ok(Caller::of(Pass::Local));
    };
    Err(Problem::new(Kind::ForeignHost, format!("without console.admin_token_file {refused}")))
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Kind::Unauthorized, detail)
}

impl From<NoKey> for Problem {
    fn from(NoKey: NoKey) -> Self {
        Self::new(
            Kind::Starting,
            "sessions need the ledger's key, which was not read yet; a bearer token works",
        )
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthorized("it is not known who asks"))
    }
}

impl<S: Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.role {
            Role::Operator => Ok(Self { caller, peer: Peer::of(&parts.extensions) }),
            Role::Viewer => {
                let Caller { name, role, pass: _ } = caller;
                let detail = format!("this takes an operator; {name} is a {}", role.as_str());
                Err(Problem::new(Kind::Forbidden, detail))
            }
        }
    }
}

/// The token of the `Authorization` header, whether it is known or not.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A request without a host comes from no browser.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let authority = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| is_local_name(authority.host()))
}

/// An origin that names no host is that of a page from nowhere.
fn is_local_origin(origin: &HeaderValue) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    origin.is_some_and(|origin| origin.scheme().is_some() && origin.host().is_some_and(is_local_name))
}

fn is_local_name(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn tells_of_a_proxy(name: &HeaderName) -> bool {
    *name == FORWARDED || *name == VIA || name.as_str().starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
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
