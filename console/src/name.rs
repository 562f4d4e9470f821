//! A name in a request's path. One that is not even text names nothing that is there.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::problem::{Kind, Problem};

/// The only name in the path of an operation, decoded.
#[derive(Clone, Debug)]
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::from_request_parts(parts, state).await;
        let nothing = "there is nothing here: the name in the path is not written in UTF-8";
        name.map(|Path(name)| Self(name)).map_err(|_| Problem::new(Kind::NotFound, nothing))
    }
}
