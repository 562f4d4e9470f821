//! A query string, taken apart name by name, so that every complaint names the parameter and its value.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Query as Pairs};
use canary_domain::{Moment, parse_iso};
use http::request::Parts;

use crate::problem::{Kind, Problem};

/// The parameters as they were given, decoded.
#[derive(Debug)]
pub(crate) struct Given(pub(crate) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Given {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let given = Pairs::from_request_parts(parts, state).await;
        given
            .map(|Pairs(given)| Self(given))
            .map_err(|error| Problem::new(Kind::InvalidParameter, error.body_text()))
    }
}

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes parameters that are all among `known`, each at most once.
    pub(crate) fn new(given: Vec<(String, String)>, known: &[&str]) -> Result<Self, Problem> {
        for (index, (name, _)) in given.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                let detail = format!("there is no parameter `{name}`; there are {known}");
                return Err(Problem::parameter("query", detail));
            }
            if given[..index].iter().any(|(before, _)| before == name) {
                return Err(Problem::parameter("query", format!("`{name}` is given twice")));
            }
        }
        Ok(Self(given))
    }

    /// A parameter's text. Empty counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }

    /// One of a few words.
    pub(crate) fn word<T: FromStr + Display>(
        &self,
        name: &'static str,
        words: &[T],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let words = words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Problem::parameter(name, format!("{name}: `{text}` is none of {words}"))
        })
    }

    /// A moment.
    pub(crate) fn moment(&self, name: &'static str) -> Result<Option<Moment>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        parse_iso(text).map(Some).ok_or_else(|| {
            let hint = if text.contains(' ') { " (a `+` in a query is written %2B)" } else { "" };
            let detail = format!("{name}: `{text}` is no RFC 3339 time, like 2026-11-21T01:22:33Z{hint}");
            Problem::parameter(name, detail)
        })
    }

    /// A whole number from 1 to `most`.
    pub(crate) fn count(&self, name: &'static str, most: i64, otherwise: i64) -> Result<i64, Problem> {
        let Some(text) = self.text(name) else { return Ok(otherwise) };
        text.parse().ok().filter(|count| (1..=most).contains(count)).ok_or_else(|| {
            Problem::parameter(name, format!("{name}: `{text}` is no whole number from 1 to {most}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_test_hostile::{Corpus, times};
    use http::{Request, Uri};
    use proptest::prelude::*;

    /// What is made of a query string, as an operation would.
    fn read(text: &str) -> Result<(), TestCaseError> {
        let Ok(uri) = format!("/x?{text}").parse::<Uri>() else { return Ok(()) };
        let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
        let given =
            futures_util::FutureExt::now_or_never(Given::from_request_parts(&mut parts, &())).unwrap();
        let query =
            match given.and_then(|Given(given)| Query::new(given, &["path", "outcome", "from", "limit"])) {
                Ok(query) => query,
                Err(problem) => {
                    prop_assert!(!problem.detail().is_empty());
                    return Ok(());
                }
            };
        match query.moment("from") {
            Ok(moment) => prop_assert_eq!(moment.is_some(), query.text("from").is_some()),
            Err(problem) => prop_assert!(problem.detail().starts_with("from: "), "{}", problem.detail()),
        }
        match query.count("limit", 500, 50) {
            Ok(count) => prop_assert!((1..=500).contains(&count)),
            Err(problem) => prop_assert!(problem.detail().starts_with("limit: "), "{}", problem.detail()),
        }
        if let Err(problem) = query.word::<canary_domain::Outcome>("outcome", canary_domain::Outcome::ALL) {
            prop_assert!(problem.detail().starts_with("outcome: "), "{}", problem.detail());
        }
        Ok(())
    }

    #[test]
    fn every_query_of_the_corpus_is_read() {
        let corpus = Corpus::read(env!("CARGO_MANIFEST_DIR"), "queries");
        corpus.entries().for_each(|entry| read(&String::from_utf8_lossy(&entry.bytes)).unwrap());
    }

    proptest! {
        #![proptest_config(times(16))]

        #[test]
        fn whatever_is_asked_a_complaint_names_the_parameter(
            text in Corpus::read(env!("CARGO_MANIFEST_DIR"), "queries").texts()
        ) {
            read(&text)?;
        }
    }
}
