//! Pages of results: what is asked, and where the next page begins.

use canary_domain::{Moment, Outcome, TestId};

use super::record::Record;
use super::{Filter, Page};

/// What a page is asked for.
pub(super) struct Question<'a> {
    pub(super) filter: &'a Filter,
    pub(super) cursor: Option<(Moment, TestId)>,
    pub(super) limit: i64,
}

impl Question<'_> {
    /// The row beyond the page tells whether there is a next one.
    pub(super) fn one_more(&self) -> i64 {
        self.limit.clamp(0, i64::MAX - 1) + 1
    }
}

/// The condition on the outcome. A literal, and with the words of the partial index beside it: both planners then see
/// that the index serves.
pub(super) fn of_outcome(outcome: Option<Outcome>) -> String {
    match outcome {
        None => String::new(),
        Some(Outcome::Passed) => " AND outcome = 'passed'".to_owned(),
        Some(outcome) => format!(" AND outcome = '{}' AND outcome <> 'passed'", outcome.as_str()),
    }
}

/// Cuts what was read to the page.
pub(super) fn page(mut records: Vec<Record>, question: &Question<'_>) -> Page {
    let limit = usize::try_from(question.limit).unwrap_or(0);
    let more = records.len() > limit;
    records.truncate(limit);
    let next = records.last().filter(|_| more).map(|last| (last.registered_at.into(), last.test_id.0));
    Page { rows: records.into_iter().map(Record::into_row).collect(), next }
}
