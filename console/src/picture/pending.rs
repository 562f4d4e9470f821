//! The pending rows, which the feed of changes does not tell of: read page by page, a few each turn, so that even an hour
//! without a judge at a slot a second on 30 paths is no large question.

use std::collections::BTreeSet;
use std::ops::Bound;

use canary_domain::{Moment, TestId};
use canary_store::Brief;

use super::load::place;

/// A row's place among all.
type Place = (Moment, TestId);

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Pending {
    seen: BTreeSet<Place>,
    /// Where the next page begins, if that is not where all do.
    after: Option<Place>,
}

fn place_of(brief: &Brief) -> Place {
    (brief.registered_at, brief.test_id)
}

impl Pending {
    /// Where the next page begins; rows registered before `since` are kept no more.
    pub(super) fn next(&mut self, since: Moment) -> Place {
        let first = place(since);
        self.seen = self.seen.split_off(&first);
        self.after.map_or(first, |after| after.max(first))
    }

    /// Whether a turn has gone through all of them.
    pub(super) fn is_at_the_start(&self) -> bool {
        self.after.is_none()
    }

    /// A row has a verdict.
    pub(super) fn decided(&mut self, brief: &Brief) {
        self.seen.remove(&place_of(brief));
    }

    /// Notes a page, once all was done that it asks for.
    pub(super) fn put(&mut self, after: Place, page: &[Brief], is_full: bool) {
        let old: Vec<Place> =
            self.seen.range((Bound::Excluded(after), end(page, is_full))).copied().collect();
        for place in &old {
            self.seen.remove(place);
        }
        self.seen.extend(page.iter().map(place_of));
        self.after = page.last().filter(|_| is_full).map(place_of);
    }
}

/// The end of what a page tells of.
fn end(page: &[Brief], is_full: bool) -> Bound<Place> {
    match page.last() {
        Some(last) if is_full => Bound::Included(place_of(last)),
        Some(_) | None => Bound::Unbounded,
    }
}
