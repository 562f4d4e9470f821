//! The pending rows, which the feed of changes does not tell of: read page by page, a few each turn, so that even an hour
//! without a judge at a slot a second on 30 paths is no large question.

use std::collections::BTreeSet;
use std::ops::Bound;

use canary_domain::{Moment, Outcome, TestId};
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

    /// Notes those of some rows, however they came, that are pending.
    pub(super) fn note(&mut self, rows: &[Brief]) {
        self.seen.extend(rows.iter().filter(|row| row.outcome == Outcome::Pending).map(place_of));
    }

    /// A row has a verdict.
    pub(super) fn decided(&mut self, brief: &Brief) {
        self.seen.remove(&place_of(brief));
    }

    /// Tests that were pending, are not in this page, and would be. A page that is not full goes to the end.
    ///
    /// A row that got its verdict has a change, unless an instance of an older version judged it (a rolling upgrade).
    pub(super) fn gone(&self, after: Place, page: &[Brief], is_full: bool) -> Vec<TestId> {
        let there: BTreeSet<Place> = page.iter().map(place_of).collect();
        let known = self.seen.range((Bound::Excluded(after), end(page, is_full)));
        known.filter(|place| !there.contains(place)).map(|(_, test)| *test).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Backend, Origin};
    use chrono::TimeDelta;

    fn rows(minutes: impl IntoIterator<Item = i64>) -> Vec<Brief> {
        let row = |minute| Brief {
            test_id: TestId::random(),
            path: "p".into(),
            backend: Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(minute),
            period_ms: Some(60_000),
            registered_at: Moment::UNIX_EPOCH + TimeDelta::minutes(minute),
            judged_at: None,
            outcome: Outcome::Pending,
            reason: None,
            missing: Vec::new(),
            latency_ms: None,
            revision: 0,
            change: None,
        };
        minutes.into_iter().map(row).collect()
    }

    /// One page; answers what left without a word.
    fn page(pending: &mut Pending, page: &[Brief], is_full: bool) -> Vec<TestId> {
        let after = pending.next(Moment::UNIX_EPOCH);
        let gone = pending.gone(after, page, is_full);
        pending.put(after, page, is_full);
        gone
    }

    #[test]
    fn who_leaves_the_list_without_a_verdict_that_was_told_is_noticed_page_by_page() {
        let (mut pending, all) = (Pending::default(), rows(0..6));
        let ids: Vec<TestId> = all.iter().map(|row| row.test_id).collect();
        assert_eq!(page(&mut pending, &all[..3], true), []);
        assert!(!pending.is_at_the_start());
        assert_eq!(page(&mut pending, &all[3..], false), []);
        assert!(pending.is_at_the_start());
        pending.decided(&all[1]);
        let left = [all[0].clone(), all[3].clone()];
        assert_eq!(
            page(&mut pending, &left, true),
            [ids[2]],
            "one had a change; of others this page says nothing"
        );
        assert_eq!(page(&mut pending, &[], false), ids[4..]);
        assert_eq!(page(&mut pending, &left, false), [], "once");
        pending.next(all[3].registered_at);
        assert_eq!(page(&mut pending, &[], false), ids[3..4], "what is old is kept no more");
    }
}
