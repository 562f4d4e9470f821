//! What the board still has to be told.
//!
//! Only the last word on each thing waits: the earliest sighting of a stage, the first contradiction of a test, the
//! latest state of a reactor. So memory is bounded by the open tests however long the board is away, nothing is
//! ever dropped, and a state never overtakes the sightings that it vouches for: both are taken at once, and
//! sightings are written first.

use std::collections::BTreeMap;

use canary_domain::{EventType, Mismatch, Sighting, Stage, Stamp, TestId};
use canary_store::ReactorState;
use tokio::time::Instant;

/// A stamp, and the instant it was made at unless it was told before.
type Waiting = (Stamp, Option<Instant>);

/// Everything that waited at one moment.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    sightings: BTreeMap<(TestId, Stage), Waiting>,
    mismatches: BTreeMap<TestId, Mismatch>,
    states: BTreeMap<EventType, ReactorState>,
}

impl Outbox {
    pub fn sighting(&mut self, sighting: Sighting, at: Option<Instant>) {
        let key = (sighting.test_id, sighting.stage);
        if self.sightings.get(&key).is_none_or(|(kept, _)| sighting.stamp < *kept) {
            self.sightings.insert(key, (sighting.stamp, at));
        }
    }

    pub fn mismatch(&mut self, test_id: TestId, mismatch: Mismatch) {
        if self.mismatches.get(&test_id).is_none_or(|kept| mismatch < *kept) {
            self.mismatches.insert(test_id, mismatch);
        }
    }

    pub fn state(&mut self, state: ReactorState) {
        self.states.insert(state.event_type, state);
    }

    pub fn is_empty(&self) -> bool {
        self.sightings.is_empty() && self.mismatches.is_empty() && self.states.is_empty()
    }

    /// Takes out everything, or leaves the states where they are.
    pub fn take(&mut self, with_states: bool) -> Self {
        let states = if with_states { std::mem::take(&mut self.states) } else { BTreeMap::new() };
        Self {
            sightings: std::mem::take(&mut self.sightings),
            mismatches: std::mem::take(&mut self.mismatches),
            states,
        }
    }

    /// Puts back what could not be written; what has come since is newer.
    pub fn put_back(&mut self, unwritten: Self) {
        for ((test_id, stage), (stamp, at)) in unwritten.sightings {
            self.sighting(Sighting { test_id, stage, stamp }, at);
        }
        for (test_id, mismatch) in unwritten.mismatches {
            self.mismatch(test_id, mismatch);
        }
        for (event_type, state) in unwritten.states {
            self.states.entry(event_type).or_insert(state);
        }
    }

    pub fn sightings(&self) -> impl Iterator<Item = Sighting> {
        let sighting = |(&(test_id, stage), (stamp, _)): (&(TestId, Stage), &Waiting)| Sighting {
            test_id,
            stage,
            stamp: stamp.clone(),
        };
        self.sightings.iter().map(sighting)
    }

    /// When the sightings were made that are told for the first time.
    pub fn made_at(&self) -> impl Iterator<Item = Instant> {
        self.sightings.values().filter_map(|(_, at)| *at)
    }

    pub fn mismatches(&self) -> impl Iterator<Item = (TestId, &Mismatch)> {
        self.mismatches.iter().map(|(test_id, mismatch)| (*test_id, mismatch))
    }

    pub fn states(&self) -> impl Iterator<Item = &ReactorState> {
        self.states.values()
    }
}
