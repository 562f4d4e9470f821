//! `GET /api/v1/canaries/results`: a page of results, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use canary_domain::{Backend, Outcome};
use canary_store::{Filter, Ledger};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::cursor;
use super::query::{Given, Query};
use super::row::{ApiRow, Time};
use super::words;
use crate::openapi::{BadParameter, Denied};
use crate::problem::Problem;

const KNOWN: [&str; 7] = ["path", "backend", "outcome", "from", "to", "limit", "cursor"];
const LIMIT: i64 = 50;
const MOST: i64 = 500;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Results {
    results: Vec<ApiRow>,
    /// Asks for the next page; null on the last one.
    next_cursor: Option<String>,
}

/// What may be asked, for the document; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape is used")]
struct Asked {
    /// Results of this path.
    path: Option<String>,
    /// Results of this backend.
    #[param(value_type = Option<words::Backend>)]
    backend: Option<Backend>,
    /// Results of this outcome.
    #[param(value_type = Option<words::Outcome>)]
    outcome: Option<Outcome>,
    /// Registered at or after this moment.
    from: Option<Time>,
    /// Registered before this moment.
    to: Option<Time>,
    /// So many a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of results, newest first.
#[utoipa::path(get, path = "/results", params(Asked), responses((status = 200, body = Results), BadParameter, Denied))]
pub(crate) async fn results(
    State(ledger): State<Arc<dyn Ledger>>,
    Given(given): Given,
) -> Result<Json<Results>, Problem> {
    let query = Query::new(given, &KNOWN)?;
    let place = match query.text("cursor") {
        None => None,
        Some(text) => Some(cursor::decode(text).ok_or_else(|| {
            Problem::parameter("cursor", format!("cursor: `{text}` is no cursor of this API"))
        })?),
    };
    let page = ledger.results(&filter(&query)?, place, query.count("limit", MOST, LIMIT)?).await?;
    let results = page.rows.into_iter().map(ApiRow::from).collect();
    Ok(Json(Results { results, next_cursor: page.next.map(cursor::encode) }))
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    Ok(Filter {
        path: query.text("path").map(str::to_owned),
        backend: query.word("backend", Backend::ALL)?,
        outcome: query.word("outcome", Outcome::ALL)?,
        from: query.moment("from")?,
        to: query.moment("to")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(parameters: &[(&str, &str)]) -> Result<Filter, String> {
        let given =
            parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Query::new(given, &KNOWN).and_then(|query| filter(&query)).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn every_filter_is_understood_and_an_empty_one_is_none() {
        let filter = asked(&[
            ("path", "a-intra"),
            ("backend", "2pc"),
            ("outcome", "inconclusive"),
            ("from", "2026-11-21T01:00:00Z"),
            ("to", ""),
        ]);
        let filter = filter.unwrap();
        assert_eq!(filter.path.as_deref(), Some("a-intra"));
        assert_eq!((filter.backend, filter.outcome), (Some(Backend::TwoPc), Some(Outcome::Inconclusive)));
        assert_eq!(filter.from, canary_domain::parse_iso("2026-11-21T01:00:00Z"));
        assert_eq!(filter.to, None);
    }

    #[test]
    fn what_is_not_understood_is_named_with_what_would_be() {
        for (name, value, told) in [
            ("outcome", "broken", "`broken` is none of pending, passed, late"),
            ("backend", "saga", "`saga` is none of intra, async, 2pc"),
            ("from", "yesterday", "`yesterday` is no RFC 3339 time"),
            ("to", "2026-11-21T01:00:00 01:00", "%2B"),
            ("form", "1", "there is no parameter `form`"),
        ] {
            let problem = asked(&[(name, value)]).unwrap_err();
            assert!(problem.contains(told), "{problem}");
        }
        assert!(asked(&[("path", "a"), ("path", "b")]).unwrap_err().contains("`path` is given twice"));
    }
}
