//! The newest changes of the ledger, for the streams: one ring for all of them.
//!
//! A stream is a place in the ledger's numbers, nothing more, so however slow its client is, it costs no memory. What
//! has left the ring is read from the ledger again.

use std::collections::VecDeque;
use std::sync::Arc;

use canary_domain::TestId;
use canary_store::Brief;

/// The changes that the ring holds.
pub(crate) const RING: usize = 1_024;

/// The newest changes, and where they stand.
#[derive(Debug)]
pub(crate) struct Feed {
    /// How often the ledger began anew: numbers of different generations can't be compared.
    generation: u64,
    /// All changes above this number are in the ring.
    floor: i64,
    /// The newest number that was read.
    head: i64,
    /// The row that bears it, by which a ledger is known again.
    anchor: Option<TestId>,
    ring: VecDeque<(i64, Arc<Brief>)>,
}

/// Where a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The generation of the feed.
    pub(crate) generation: u64,
    /// The last change that was sent.
    pub(crate) at: i64,
}

/// What there is for a stream.
#[derive(Debug)]
pub(crate) enum News {
    /// These, in order; none if it has seen all.
    Changes(Vec<(i64, Arc<Brief>)>),
    /// It is further behind than the ring reaches: the ledger has them.
    Behind,
    /// The ledger began anew: a snapshot is due.
    Anew,
}

impl Feed {
    /// A feed that goes on after the change `head`, which the row `anchor` bears.
    pub(super) fn new(generation: u64, head: i64, anchor: Option<TestId>) -> Self {
        Self { generation, floor: head, head, anchor, ring: VecDeque::new() }
    }

    pub(crate) fn place(&self) -> Place {
        Place { generation: self.generation, at: self.head }
    }

    pub(super) fn anchor(&self) -> Option<TestId> {
        self.anchor
    }

    /// Takes a change; answers whether it is a new one.
    pub(super) fn push(&mut self, brief: &Arc<Brief>) -> bool {
        let Some(change) = brief.change.filter(|change| *change > self.head) else { return false };
        if self.ring.len() == RING
            && let Some((left, _)) = self.ring.pop_front()
        {
            self.floor = left;
        }
        self.ring.push_back((change, Arc::clone(brief)));
        self.head = change;
        self.anchor = Some(brief.test_id);
        true
    }

    /// What comes after a place, at most `limit` changes.
    pub(crate) fn after(&self, place: Place, limit: usize) -> News {
        if place.generation != self.generation {
            return News::Anew;
        }
        if place.at < self.floor {
            return News::Behind;
        }
        let first = self.ring.partition_point(|(change, _)| *change <= place.at);
        News::Changes(self.ring.iter().skip(first).take(limit).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Backend, Moment, Origin, Outcome};

    fn change(number: i64) -> Arc<Brief> {
        Arc::new(Brief {
            test_id: TestId::random(),
            path: "p".into(),
            backend: Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(number),
            period_ms: Some(60_000),
            registered_at: Moment::UNIX_EPOCH,
            judged_at: None,
            outcome: Outcome::Passed,
            reason: None,
            missing: Vec::new(),
            latency_ms: None,
            revision: 1,
            change: Some(number),
        })
    }

    fn after(feed: &Feed, at: i64) -> Option<Vec<i64>> {
        match feed.after(Place { generation: 0, at }, 3) {
            News::Changes(changes) => Some(changes.into_iter().map(|(number, _)| number).collect()),
            News::Behind => None,
            News::Anew => panic!("the same generation"),
        }
    }

    #[test]
    fn a_place_gets_what_comes_after_it_in_order_and_once() {
        let mut feed = Feed::new(0, 10, None);
        for number in [11, 13, 14, 15] {
            assert!(feed.push(&change(number)));
            assert!(!feed.push(&change(number)), "{number} was there");
        }
        assert_eq!(after(&feed, 10), Some(vec![11, 13, 14]));
        assert_eq!(after(&feed, 14), Some(vec![15]));
        assert_eq!(after(&feed, 15), Some(vec![]));
        assert_eq!(after(&feed, 99), Some(vec![]), "another console read further");
        assert_eq!(after(&feed, 9), None, "what was before the feed is in the ledger");
        assert!(matches!(feed.after(Place { generation: 1, at: 15 }, 3), News::Anew));
    }

    #[test]
    fn a_full_ring_lets_go_of_the_oldest_and_says_so() {
        let mut feed = Feed::new(0, 0, None);
        (1..=2_000).for_each(|number| assert!(feed.push(&change(number))));
        assert_eq!(feed.ring.len(), RING);
        assert_eq!(after(&feed, 975), None);
        assert_eq!(after(&feed, 976), Some(vec![977, 978, 979]));
    }
}
