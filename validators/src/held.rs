//! Events that can't be decided yet (design §13).
//!
//! Two kinds, with room of their own, so that strangers can't push out what is ours. **Own**: sent by one of
//! our agents, of a test or a transfer that is not known yet. Coverage does not pass such an event before the board
//! was read after it: the announcement may have been lost. Once it was, the transfer id decides alone, if that is known;
//! otherwise the event is counted as nobody's after [`HOLD`], and still remembered for as long as a test is watched, since a
//! board that lost the test may get it back. **Contested**: with a known test's memo and other parties, while the
//! test's transfer id is unknown.
//!
//! Besides, the newest events of others with memos of unknown tests are remembered for a moment: one of them may have
//! overtaken its test's announcement, and contradict it. They are counted as nobody's at once, and strangers who write
//! many memos push each other out.

use std::collections::VecDeque;
use std::time::Duration;

use canary_domain::{EventType, TestId};
use tokio::time::Instant;

use crate::event::Seen;

/// How long an event is held before it is decided.
pub(crate) const HOLD: Duration = Duration::from_secs(30);
/// Own events held at once.
pub(crate) const MAX_OWN: usize = 4096;
/// Contested events held at once, of all tests and of one.
const MAX_CONTESTED: usize = 1024;
const MAX_CONTESTED_OF_ONE: usize = 64;
/// Others' events that are remembered at once.
const MAX_EARLY: usize = 1024;
/// How long an announcement may be on its way.
const EARLY: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Own {
    seen: Seen,
    /// Read the board after this before deciding.
    due: Instant,
    /// It was counted as nobody's.
    counted: bool,
}

impl Own {
    /// Whether the board was read after it, and did not know its test.
    fn settled(&self, board_read: Option<Instant>) -> bool {
        board_read.is_some_and(|read| read >= self.due)
    }
}

#[derive(Debug)]
struct Contested {
    seen: Seen,
    test_id: TestId,
}

/// Whether there was room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Held,
    Full,
}

/// The events that wait.
#[derive(Debug, Default)]
pub(crate) struct Held {
    own: Vec<Own>,
    contested: Vec<Contested>,
    early: VecDeque<Seen>,
    /// When the last reading of the board that succeeded was begun.
    board_read: Option<Instant>,
}

impl Held {
    /// Holds an event of one of our agents.
    pub fn hold_own(&mut self, seen: Seen) -> Room {
        if let Some(kept) = self.own.iter_mut().find(|own| same(&own.seen, &seen)) {
            if (seen.seen, seen.via) < (kept.seen.seen, kept.seen.via) {
                kept.seen = seen;
            }
            return Room::Held;
        }
        if self.own.len() >= MAX_OWN {
            let Some(oldest) = self.own.iter().position(|own| own.counted) else { return Room::Full };
            self.own.remove(oldest);
        }
        let due = if seen.event.memo.is_some() { seen.at } else { seen.at + HOLD };
        self.own.push(Own { seen, due, counted: false });
        Room::Held
    }

    /// Holds an event that bears a known test's memo, but not its parties.
    pub fn hold_contested(&mut self, test_id: TestId, seen: Seen) -> Room {
        let of_one = self.contested.iter().filter(|held| held.test_id == test_id);
        if self.contested.len() >= MAX_CONTESTED || of_one.count() >= MAX_CONTESTED_OF_ONE {
            return Room::Full;
        }
        self.contested.push(Contested { seen, test_id });
        Room::Held
    }

    /// Remembers an event of somebody else's that bears an unknown test's memo.
    pub fn remember_early(&mut self, seen: Seen) {
        if self.early.len() >= MAX_EARLY {
            self.early.pop_front();
        }
        self.early.push_back(seen);
    }

    /// Takes out what came before its test was known.
    pub fn release_early(&mut self, test_id: TestId) -> Vec<Seen> {
        let (its, others) = std::mem::take(&mut self.early)
            .into_iter()
            .partition::<Vec<_>, _>(|seen| seen.event.memo == Some(test_id));
        self.early = others.into();
        its
    }

    /// Takes out the own events that may be decided now: by memo or by transfer id.
    pub fn release_own(&mut self, decidable: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        self.own.extract_if(.., |own| decidable(&own.seen)).map(|own| own.seen).collect()
    }

    /// Takes out the own events of which the board has been read in vain, if they may be decided without their test.
    pub fn release_settled(&mut self, decidable: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let read = self.board_read;
        let over = self.own.extract_if(.., |own| own.settled(read) && decidable(&own.seen));
        over.map(|own| own.seen).collect()
    }

    /// Takes out what contests a test.
    pub fn release_contested(&mut self, test_id: TestId) -> Vec<Seen> {
        self.contested.extract_if(.., |held| held.test_id == test_id).map(|held| held.seen).collect()
    }

    /// The board was read, beginning at `began`: all tests that were registered before are known.
    pub fn board_read(&mut self, began: Instant) {
        self.board_read = self.board_read.max(Some(began));
    }

    /// Whether the board should be read because of an event that waited for its announcement for `patience`.
    pub fn wants_board(&self, now: Instant, patience: Duration) -> bool {
        self.own.iter().any(|own| !own.counted && !own.settled(self.board_read) && own.due + patience <= now)
    }

    /// When the first event of this type was seen that coverage must not pass yet.
    pub fn blocks(&self, event_type: EventType) -> Option<Instant> {
        let blocking = self.own.iter().filter(|own| !own.counted && !own.settled(self.board_read));
        blocking.filter(|own| own.seen.event.event_type == event_type).map(|own| own.seen.at).min()
    }

    /// The own events whose time is over, to be counted; they are remembered until `keep` is over too.
    pub fn expire_own(&mut self, now: Instant, keep: Duration) -> Vec<EventType> {
        let board_read = self.board_read;
        let mut over = Vec::new();
        self.own.retain_mut(|own| {
            if !own.counted && own.settled(board_read) && own.seen.at + HOLD <= now {
                own.counted = true;
                over.push(own.seen.event.event_type);
            }
            !own.counted || own.seen.at + keep > now
        });
        over
    }

    /// Takes out the contested events whose time is over: no transfer id has proved them the test's.
    pub fn expire_contested(&mut self, now: Instant) -> Vec<EventType> {
        self.early.retain(|seen| seen.at + EARLY > now);
        let over = self.contested.extract_if(.., |held| held.seen.at + HOLD <= now);
        over.map(|held| held.seen.event.event_type).collect()
    }
}

/// The same event, delivered again. Its position alone proves that of no platform: after a restoration from nothing
/// another event has it.
fn same(one: &Seen, other: &Seen) -> bool {
    one.event == other.event
}
