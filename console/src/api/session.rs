//! `/api/v1/canaries/session`: who is signed in, signing in with a token, and signing out.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};
use utoipa::ToSchema;

use super::body::{Body, required};
use crate::access::{self, Access, Auth, Caller, Rule};
use crate::openapi::{BadBody, Denied};
use crate::origin::is_secure;
use crate::peer::Peer;
use crate::problem::Problem;
use crate::session::Cookie;
use crate::tokens::{Role, Token};

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    /// The name of the token.
    name: String,
    role: Role,
    auth: Auth,
}

/// What signs in. It is never shown: it has no `Debug`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// A token of the console's token file.
    #[schema(value_type = String)]
    token: Option<String>,
}

impl From<Caller> for Session {
    fn from(caller: Caller) -> Self {
        let auth = caller.auth();
        let Caller { name, role, pass: _ } = caller;
        Self { name, role, auth }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", responses((status = 200, body = Session), Denied))]
pub(crate) async fn session(caller: Caller) -> Json<Session> {
    Json(caller.into())
}

/// Signs in with a token; the answer sets the session's cookie.
#[utoipa::path(
    post,
    path = "/session",
    request_body = SignIn,
    responses(
        (status = 200, body = Session, headers(("Set-Cookie" = String, description = "The session."))),
        BadBody, Denied
    ),
    security(())
)]
pub(crate) async fn sign_in(
    State(access): State<Arc<Access>>,
    peer: Peer,
    headers: HeaderMap,
    Body(SignIn { token }): Body<SignIn>,
) -> Result<Response, Problem> {
    let presented = required("token", token)?;
    let (tokens, sessions) = match &access.rule {
        // Whoever is here is in already.
        Rule::Local => return Ok(Json(Session::from(access::local(&headers)?)).into_response()),
        Rule::Tokens(tokens, sessions) => (tokens, sessions),
    };
    let Some(token) = tokens.find(presented.trim()).await else {
        if access.limits.may_tell(peer) {
            warn!(remote = %peer, "a sign-in was refused: its token is not known");
        }
        return Err(access.limits.wrong_token(peer));
    };
    let cookie = if is_secure(&headers) { Cookie::Host } else { Cookie::Plain };
    let set = access.cookies.set(cookie, &sessions.begin(&token)?);
    let Token { name, role, digest: _ } = token;
    info!(name, role = role.as_str(), remote = %peer, "signed in");
    Ok(([(SET_COOKIE, set)], Json(Session { name, role, auth: Auth::Session })).into_response())
}

/// Signs out: takes the session's cookie from the browser. Whoever is not signed in is so afterwards, too.
#[utoipa::path(delete, path = "/session", responses((status = 204, description = "Signed out.")), security(()))]
pub(crate) async fn sign_out(State(access): State<Arc<Access>>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for cookie in [Cookie::Host, Cookie::Plain] {
        let clear = HeaderValue::try_from(access.cookies.clear(cookie))
            .expect("a cookie without a value is a header's value");
        response.headers_mut().append(SET_COOKIE, clear);
    }
    response
}
