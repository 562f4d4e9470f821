//! Which event is which test's (design §13, I7): a pure rule over the open tests and the events that wait.
//!
//! Announcement, answer and events of a test arrive in any order, on six connections. Whatever the order, the same
//! sightings and contradictions come out: what can't be decided yet is held with its moment of seeing.

use std::collections::HashSet;
use std::time::Duration;

use canary_domain::{EventType, Facts, Mismatch, Sighting, Test, TestId};
use canary_telemetry::RejectReason;
use tokio::time::Instant;

use crate::event::{Event, Seen};
use crate::held::{HOLD, Held, Room};
use crate::index::Index;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It was a test's.
    Matched(EventType),
    /// The board has to hear of a sighting; made at this instant, unless it is told again.
    Sighting(Sighting, Option<Instant>),
    /// The board has to hear of a contradiction.
    Mismatch(TestId, Mismatch),
    /// It was nobody's.
    Rejected(EventType, RejectReason),
    /// A transfer id became known.
    Transfer(String),
    /// Transfer ids were forgotten.
    TransfersForgotten,
}

enum Decision {
    Stamp(TestId),
    Mismatch(TestId, String),
    /// It bears the memo of this test and other parties, and the test's transfer id is unknown.
    Contested(TestId),
    /// One of our agents sent it.
    Own,
    /// Somebody else sent it, with the memo of a test that is not known, or not yet.
    Early,
    Reject(RejectReason),
    /// Users' traffic that only looked like ours.
    Foreign,
}

/// The rule, and what it has to remember.
#[derive(Debug)]
pub(crate) struct Correlator {
    senders: HashSet<String>,
    /// How long what nobody claimed is remembered.
    keep: Duration,
    index: Index,
    held: Held,
}

impl Correlator {
    pub fn new(senders: impl IntoIterator<Item = String>, watch: Duration) -> Self {
        Self {
            senders: senders.into_iter().collect(),
            keep: watch.max(HOLD),
            index: Index::default(),
            held: Held::default(),
        }
    }

    /// An event arrived.
    pub fn event(&mut self, seen: Seen, out: &mut Vec<Finding>) {
        self.decide_all(vec![seen], out);
    }

    /// A test was announced; if it is known already, the board had lost it, and gets all again.
    pub fn announced(&mut self, test: Test, now: Instant, out: &mut Vec<Finding>) {
        let test_id = test.test_id;
        out.extend(self.index.sightings(test_id).map(|sighting| Finding::Sighting(sighting, None)));
        out.extend(self.index.mismatch(test_id).map(|mismatch| Finding::Mismatch(test_id, mismatch.clone())));
        self.opened(test, now, out);
    }

    /// A transfer id was announced, or learned from the test's own event.
    pub fn transferred(&mut self, test_id: TestId, transfer_id: &str, now: Instant, out: &mut Vec<Finding>) {
        let waiting = self.learn(transfer_id, test_id, now, out);
        self.decide_all(waiting, out);
    }

    /// The board knows a test like this; what it lacks of our sightings it gets.
    pub fn read(&mut self, facts: &Facts, now: Instant, out: &mut Vec<Finding>) {
        let test_id = facts.test.test_id;
        out.extend(self.index.unknown_to(facts).map(|sighting| Finding::Sighting(sighting, None)));
        if facts.mismatch.is_none() {
            out.extend(self.index.mismatch(test_id).map(|m| Finding::Mismatch(test_id, m.clone())));
        }
        self.opened(facts.test.clone(), now, out);
        if let Some(transfer_id) = facts.transfer_id() {
            self.transferred(test_id, transfer_id, now, out);
        }
    }

    /// All open tests were read from the board, beginning at `began`.
    pub fn board_read(&mut self, began: Instant) {
        self.held.board_read(began);
    }

    /// Whether an event waits for a test whose announcement may be lost.
    pub fn wants_board(&self, now: Instant, patience: Duration) -> bool {
        self.held.wants_board(now, patience)
    }

    /// When the first event of this type was seen that coverage must not pass yet.
    pub fn blocks(&self, event_type: EventType) -> Option<Instant> {
        self.held.blocks(event_type)
    }

    /// Decides what was held long enough, and forgets the tests whose time is over.
    pub fn expire(&mut self, now: Instant, out: &mut Vec<Finding>) {
        let index = &self.index;
        for seen in self.held.release_settled(|seen| index.moved(&seen.event).is_some()) {
            if let Some(decision) = self.by_transfer(&seen.event) {
                let waiting = self.carry_out(decision, seen, out);
                self.decide_all(waiting, out);
            }
        }
        let nobodys =
            self.held.expire_own(now, self.keep).into_iter().map(|kind| (kind, RejectReason::UnknownTest));
        let strangers =
            self.held.expire_contested(now).into_iter().map(|kind| (kind, RejectReason::Stranger));
        out.extend(nobodys.chain(strangers).map(|(kind, reason)| Finding::Rejected(kind, reason)));
        if self.index.expire(now) {
            out.push(Finding::TransfersForgotten);
        }
    }

    pub fn transfer_ids(&self) -> impl Iterator<Item = &str> {
        self.index.transfer_ids()
    }

    fn opened(&mut self, test: Test, now: Instant, out: &mut Vec<Finding>) {
        let test_id = test.test_id;
        let early = if self.index.add(test, now) { self.held.release_early(test_id) } else { Vec::new() };
        let index = &self.index;
        let mut waiting = self.held.release_own(|seen| {
            let moved = index.moved(&seen.event).is_some_and(|test| test.test_id == test_id);
            seen.event.memo == Some(test_id) || moved && !index.lacks_named(&seen.event)
        });
        waiting.extend(early);
        self.decide_all(waiting, out);
    }

    /// Answers the events that can be decided now that the transfer is known.
    fn learn(
        &mut self,
        transfer_id: &str,
        test_id: TestId,
        now: Instant,
        out: &mut Vec<Finding>,
    ) -> Vec<Seen> {
        let until = self.index.until(test_id).unwrap_or(now + self.keep);
        if !self.index.learn(transfer_id, test_id, until) {
            return Vec::new();
        }
        out.push(Finding::Transfer(transfer_id.to_owned()));
        let mut waiting = self.held.release_contested(test_id);
        let index = &self.index;
        if index.test(test_id).is_some() {
            waiting.extend(self.held.release_own(|seen| {
                seen.event.transfer_id.as_deref() == Some(transfer_id) && !index.lacks_named(&seen.event)
            }));
        }
        waiting
    }

    fn decide_all(&mut self, mut waiting: Vec<Seen>, out: &mut Vec<Finding>) {
        while let Some(seen) = waiting.pop() {
            let decision = self.decide(&seen.event);
            waiting.extend(self.carry_out(decision, seen, out));
        }
    }

    /// Answers the events that can be decided now.
    fn carry_out(&mut self, decision: Decision, seen: Seen, out: &mut Vec<Finding>) -> Vec<Seen> {
        let kind = seen.event.event_type;
        match decision {
            Decision::Stamp(test_id) => return self.stamp(test_id, seen, out),
            Decision::Mismatch(test_id, what) => {
                let mismatch = Mismatch { at: seen.stamp().counted(), what };
                out.push(Finding::Rejected(kind, RejectReason::Mismatch));
                if self.index.contradict(test_id, mismatch.clone()) {
                    out.push(Finding::Mismatch(test_id, mismatch));
                }
            }
            Decision::Contested(test_id) => {
                let room = self.held.hold_contested(test_id, seen);
                out.extend((room == Room::Full).then_some(Finding::Rejected(kind, RejectReason::Stranger)));
            }
            Decision::Own => {
                let room = self.held.hold_own(seen);
                out.extend(
                    (room == Room::Full).then_some(Finding::Rejected(kind, RejectReason::HoldOverflow)),
                );
            }
            Decision::Early => {
                out.push(Finding::Rejected(kind, RejectReason::UnknownTest));
                self.held.remember_early(seen);
            }
            Decision::Reject(reason) => out.push(Finding::Rejected(kind, reason)),
            Decision::Foreign => {}
        }
        Vec::new()
    }

    fn stamp(&mut self, test_id: TestId, seen: Seen, out: &mut Vec<Finding>) -> Vec<Seen> {
        let (stage, stamp) = (seen.stage(), seen.stamp());
        out.push(Finding::Matched(seen.event.event_type));
        if self.index.stamp(test_id, stage, stamp.clone()) {
            out.push(Finding::Sighting(Sighting { test_id, stage, stamp }, Some(seen.at)));
        }
        match seen.event.transfer_id {
            Some(transfer_id) => self.learn(&transfer_id, test_id, seen.at, out),
            None => Vec::new(),
        }
    }

    fn decide(&self, event: &Event) -> Decision {
        let named = event.memo.and_then(|test_id| self.index.test(test_id));
        if let Some(test) = named
            && event.contradicts(test).is_none()
        {
            return Decision::Stamp(test.test_id);
        }
        // What has overtaken its own test's announcement is not another's, should the platform give both one transfer id.
        let overtook = self.index.lacks_named(event) && self.senders.contains(&event.sender);
        if !overtook && let Some(decision) = self.by_transfer(event) {
            return decision;
        }
        match named {
            Some(test) if event.transfer_id.is_none() || self.index.has_transfer(test.test_id) => {
                Decision::Reject(RejectReason::Stranger)
            }
            Some(test) => Decision::Contested(test.test_id),
            None => self.unknown(event),
        }
    }

    /// Whose it is by its transfer id, if that is known.
    fn by_transfer(&self, event: &Event) -> Option<Decision> {
        let test = self.index.moved(event)?;
        Some(match event.contradicts(test) {
            None => Decision::Stamp(test.test_id),
            Some(what) => Decision::Mismatch(test.test_id, what),
        })
    }

    /// Nothing of it is known. Only what one of our agents sent may be ours, so nobody else's memos cost more memory than a
    /// few events; one of those may still contradict a test whose announcement it has overtaken.
    fn unknown(&self, event: &Event) -> Decision {
        let nameless = event.memo.is_none() && event.transfer_id.is_none();
        match (self.senders.contains(&event.sender), event.memo) {
            (true, _) if nameless => Decision::Reject(RejectReason::UnknownTest),
            (true, _) => Decision::Own,
            (false, Some(_)) => Decision::Early,
            (false, None) => Decision::Foreign,
        }
    }
}
