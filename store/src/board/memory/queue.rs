//! When each open test has to be looked at next: what a sorted set is on Redis.

use std::collections::{BTreeSet, HashMap};

use canary_domain::{Moment, TestId};

/// Tests ordered by their next look. Finding the due ones costs nothing for those that are not.
#[derive(Debug, Default)]
pub(super) struct Queue {
    looks: HashMap<TestId, Moment>,
    order: BTreeSet<(Moment, TestId)>,
}

impl Queue {
    /// Opens a test, or moves it if it is open.
    pub(super) fn open(&mut self, test: TestId, look: Moment) {
        if let Some(before) = self.looks.insert(test, look) {
            self.order.remove(&(before, test));
        }
        self.order.insert((look, test));
    }

    /// Moves a test that is open; a closed one stays closed.
    pub(super) fn reschedule(&mut self, test: TestId, look: Moment) {
        if self.looks.contains_key(&test) {
            self.open(test, look);
        }
    }

    /// As [`Queue::reschedule`], but never to a later moment.
    pub(super) fn hasten(&mut self, test: TestId, look: Moment) {
        if self.looks.get(&test).is_some_and(|before| look < *before) {
            self.open(test, look);
        }
    }

    /// Closes a test.
    pub(super) fn close(&mut self, test: TestId) {
        if let Some(look) = self.looks.remove(&test) {
            self.order.remove(&(look, test));
        }
    }

    /// Those whose look is due, the longest due first.
    pub(super) fn due(&self, now: Moment, limit: usize) -> Vec<TestId> {
        self.order.iter().take_while(|(look, _)| *look <= now).take(limit).map(|(_, test)| *test).collect()
    }

    /// All that are open, in the order of their looks.
    pub(super) fn all(&self) -> impl Iterator<Item = TestId> {
        self.order.iter().map(|(_, test)| *test)
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.looks.len()
    }
}
