//! The open tests that events are matched against, with all that was seen of them.
//!
//! What was seen is kept as long as the test is: a board that comes back empty gets it again. A transfer id may
//! be learned before its test is, from an answer that overtook the announcement.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use canary_domain::{Facts, Mismatch, Sighting, Stage, Stamp, Stamps, Test, TestId};
use tokio::time::Instant;

use crate::event::Event;

/// How much longer than its watch a test is known here: between registering and firing time passes, and an
/// event may be held.
const GRACE: Duration = Duration::from_secs(60);

/// One test, and what was seen of it here.
#[derive(Debug)]
struct Watched {
    test: Test,
    stamps: Stamps,
    mismatch: Option<Mismatch>,
    until: Instant,
}

#[derive(Debug)]
struct Transfer {
    test_id: TestId,
    until: Instant,
}

/// The open tests, by id and by transfer id.
#[derive(Debug, Default)]
pub(crate) struct Index {
    tests: HashMap<TestId, Watched>,
    transfers: HashMap<String, Transfer>,
    /// The tests that have a transfer id.
    with_transfer: HashSet<TestId>,
}

impl Index {
    /// Adds a test, or notes that it is still open; answers whether it is new.
    pub fn add(&mut self, test: Test, now: Instant) -> bool {
        let until = now + test.watch + GRACE;
        let new = !self.tests.contains_key(&test.test_id);
        self.tests
            .entry(test.test_id)
            .and_modify(|watched| watched.until = until)
            .or_insert_with(|| Watched { test, stamps: Stamps::default(), mismatch: None, until });
        new
    }

    /// Notes whose transfer it is; answers whether that is new. The first to claim an id keeps it. A test may
    /// have several: then the platform has moved its money more than once.
    pub fn learn(&mut self, transfer_id: &str, test_id: TestId, until: Instant) -> bool {
        if self.transfers.contains_key(transfer_id) {
            return false;
        }
        self.transfers.insert(transfer_id.to_owned(), Transfer { test_id, until });
        self.with_transfer.insert(test_id);
        true
    }

    pub fn test(&self, test_id: TestId) -> Option<&Test> {
        self.tests.get(&test_id).map(|watched| &watched.test)
    }

    /// The known test that an event's transfer belongs to.
    pub fn moved(&self, event: &Event) -> Option<&Test> {
        self.test(self.transfers.get(event.transfer_id.as_deref()?)?.test_id)
    }

    /// Whether an event's memo names a test that is not known, or not yet.
    pub fn lacks_named(&self, event: &Event) -> bool {
        event.memo.is_some_and(|test_id| self.test(test_id).is_none())
    }

    /// Whether any transfer id of the test is known.
    pub fn has_transfer(&self, test_id: TestId) -> bool {
        self.with_transfer.contains(&test_id)
    }

    pub fn transfer_ids(&self) -> impl Iterator<Item = &str> {
        self.transfers.keys().map(String::as_str)
    }

    /// Until when what concerns the test is remembered.
    pub fn until(&self, test_id: TestId) -> Option<Instant> {
        self.tests.get(&test_id).map(|watched| watched.until)
    }

    /// Adds what was seen; answers whether the board has to hear of it.
    pub fn stamp(&mut self, test_id: TestId, stage: Stage, stamp: Stamp) -> bool {
        self.tests.get_mut(&test_id).is_some_and(|watched| watched.stamps.add(stage, stamp))
    }

    /// Notes a contradiction; answers whether the board has to hear of it. The earliest stays.
    pub fn contradict(&mut self, test_id: TestId, mismatch: Mismatch) -> bool {
        let Some(watched) = self.tests.get_mut(&test_id) else { return false };
        let first = watched.mismatch.as_ref().is_none_or(|kept| mismatch < *kept);
        if first {
            watched.mismatch = Some(mismatch);
        }
        first
    }

    /// All that was seen of a test.
    pub fn sightings(&self, test_id: TestId) -> impl Iterator<Item = Sighting> {
        let stamps = self.tests.get(&test_id).map(|watched| watched.stamps.iter());
        stamps.into_iter().flatten().map(move |(stage, stamp)| Sighting {
            test_id,
            stage,
            stamp: stamp.clone(),
        })
    }

    pub fn mismatch(&self, test_id: TestId) -> Option<&Mismatch> {
        self.tests.get(&test_id)?.mismatch.as_ref()
    }

    /// What was seen of a test and the board does not have, or has later.
    pub fn unknown_to<'a>(&'a self, board: &'a Facts) -> impl Iterator<Item = Sighting> + 'a {
        let lacks = |found: &Sighting| board.stamps.get(found.stage).is_none_or(|kept| found.stamp < *kept);
        self.sightings(board.test.test_id).filter(lacks)
    }

    /// Forgets the tests whose time is over; answers whether transfer ids went with them.
    pub fn expire(&mut self, now: Instant) -> bool {
        self.tests.retain(|_, watched| watched.until > now);
        let before = self.transfers.len();
        self.transfers
            .retain(|_, transfer| transfer.until > now || self.tests.contains_key(&transfer.test_id));
        let forgotten = self.transfers.len() < before;
        if forgotten {
            self.with_transfer = self.transfers.values().map(|transfer| transfer.test_id).collect();
        }
        forgotten
    }
}
