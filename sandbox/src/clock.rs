//! The platform's own wall clock: every moment it shows, and the only place that reads it.
//!
//! A moment is cut to microseconds when it is read, so that what an event says, what the record keeps and
//! what a comparison sees are one value.

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::Serializer;

/// The wall clock, in whole microseconds.
#[expect(clippy::disallowed_methods, reason = "the platform has a clock of its own, apart from the canary's")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// RFC 3339 in UTC with exactly six digits of a second.
pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// [`text`], for `#[serde(serialize_with)]`.
pub(crate) fn micros<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*at))
}

/// [`text`] of a moment that may be missing, for `#[serde(serialize_with)]`.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
pub(crate) fn micros_opt<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => micros(at, serializer),
        None => serializer.serialize_none(),
    }
}
