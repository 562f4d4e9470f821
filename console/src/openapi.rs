//! The OpenAPI document: made from the routes, so that it can't tell of others than those that are served.

use std::collections::BTreeMap;

use axum::Router;
use axum::routing::get;
use http::header::{CONTENT_TYPE, HeaderValue};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::info::InfoBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Schema, SecurityRequirement};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::problem::Document;
use crate::session::{Cookie, Cookies};

const WHAT: &str = "Reads the canary's results and acts on its paths. Errors are problem documents (RFC 9457). \
    A viewer's token or session may read; to act takes an operator's. Requests other than GET have to come from \
    the console's own page, or to bear a token.";

/// The document before any route is in it.
pub(crate) fn base(cookies: &Cookies) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the console's token file."))
        .build();
    let cookie = |cookie: Cookie, what| {
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(cookies.name(cookie), what)))
    };
    let components = ComponentsBuilder::new()
        .schema(Document::name(), Document::schema())
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("session", cookie(Cookie::Host, "The session of a page that was reached by TLS. Its name ends with a hash of the deployment's."))
        .security_scheme("plain_session", cookie(Cookie::Plain, "The session of a page without TLS. Its name ends like that of the other."))
        .build();
    let schemes = ["bearer", "session", "plain_session"];
    let any = schemes.map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
    let info = InfoBuilder::new()
        .title("canary reactor")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(WHAT))
        .build();
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(any)).build()
}

/// `GET /api/openapi.json`, for everybody: it holds no secret.
pub(crate) fn router(document: &OpenApi) -> Router {
    let document = complete(document.clone());
    let text = document.to_pretty_json().expect("a document is written from texts and numbers alone") + "\n";
    let json = HeaderValue::from_static("application/json");
    Router::new().route("/api/openapi.json", get(move || async move { ([(CONTENT_TYPE, json)], text) }))
}

/// Says what the types don't: an answer's fields are all there, null or not, and what an answer is.
fn complete(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten();
        for operation in operations {
            let what = operation.summary.clone().unwrap_or_default();
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description.clone_from(&what);
                }
            }
        }
    }
    let schemas = document.components.iter_mut().flat_map(|components| components.schemas.iter_mut());
    for (_, schema) in schemas.filter(|(name, _)| **name != Document::name()) {
        match schema {
            RefOr::T(Schema::Object(object)) => fill(object),
            RefOr::T(Schema::AllOf(whole)) => {
                for part in &mut whole.items {
                    if let RefOr::T(Schema::Object(object)) = part {
                        fill(object);
                    }
                }
            }
            RefOr::T(_) | RefOr::Ref(_) => {}
        }
    }
    document
}

/// What a request carries refuses unknown fields, and may leave some out; an answer does neither.
fn fill(object: &mut Object) {
    if object.additional_properties.is_none() {
        object.required = object.properties.keys().cloned().collect();
    }
}

/// Answers of a kind that several operations give, each a problem document.
macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident { $($status:literal: $what:literal,)* })*) => { $(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), problem($status, $what))),*])
            }
        }
    )* };
}

refusals! {
    /// What any operation behind the door may answer.
    Denied {
        "401": "No known token, and no session that is still good.",
        "403": "The caller may not do this, or asks from a foreign page or host.",
        "429": "Too many wrong tokens, or too many tests; `Retry-After` says when to ask again.",
        "500": "A store answered with an error.",
        "503": "A store is unavailable, or the console is still starting.",
        "504": "The answer took too long.",
    }
    /// What a page for everybody may answer.
    Unread {
        "503": "The ledger was not read yet.",
        "504": "The answer took too long.",
    }
    /// A parameter that can't be understood.
    BadParameter {
        "422": "A parameter can't be understood; `parameter` names it.",
    }
    /// A path or a test that is not there.
    Missing {
        "404": "There is no such thing.",
    }
    /// A body that can't be used.
    BadBody {
        "400": "The body is no JSON.",
        "413": "The body is too large.",
        "415": "The body is not application/json.",
        "422": "The body can't be understood; `field` names where.",
    }
}

fn problem(status: &str, what: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Document::name()))).build();
    let response = ResponseBuilder::new().description(what).content("application/problem+json", content);
    let seconds = HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::Integer)))
        .description(Some("After how many seconds to ask again."))
        .build();
    let waits = matches!(status, "429" | "503" | "504");
    let response = if waits { response.header("Retry-After", seconds) } else { response };
    response.build().into()
}
