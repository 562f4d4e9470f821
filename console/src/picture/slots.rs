//! The slots of one path that are counted one by one, without their words: at a slot a second they are thousands.
//!
//! Each hour is counted as its slots come, so that nobody who looks has to walk them all.

use std::collections::{BTreeMap, VecDeque};

use canary_domain::{Moment, Outcome};
use canary_store::Brief;
use chrono::TimeDelta;

use super::hours::hour_of_ms;
use super::tally::Tally;

/// When a slot's cycle began and its period, both in milliseconds: with another period, another cycle may begin then.
pub(super) type Key = (i64, u32);

/// The key of a slot; `None` for a test without a slot.
pub(super) fn key(brief: &Brief) -> Option<Key> {
    let (cycle, period_ms) = brief.cycle.zip(brief.period_ms)?;
    Some((cycle.saturating_mul(period_ms), small(period_ms)))
}

/// The key of a cycle's slot.
pub(super) fn key_of(cycle: i64, period_ms: i64) -> Key {
    (cycle.saturating_mul(period_ms), small(period_ms))
}

fn small(value: i64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// One slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    begin_ms: i64,
    period_ms: u32,
    /// How long after its cycle began it was registered.
    registered_us: u32,
    /// Below 0: unknown.
    latency_ms: f32,
    outcome: Outcome,
}

impl Slot {
    pub(super) fn of(brief: &Brief) -> Option<Self> {
        let (begin_ms, period_ms) = key(brief)?;
        let registered_us = small(brief.registered_at.timestamp_micros() - begin_ms.saturating_mul(1_000));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a histogram is within 1 %, and f32 is far finer"
        )]
        let latency_ms = brief.latency_ms.map_or(-1.0, |ms| ms as f32);
        Some(Self { begin_ms, period_ms, registered_us, latency_ms, outcome: brief.outcome })
    }

    fn key(&self) -> Key {
        (self.begin_ms, self.period_ms)
    }

    /// When its cycle began, in milliseconds since the epoch.
    pub(crate) fn begin_ms(&self) -> i64 {
        self.begin_ms
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    pub(super) fn registered_at(&self) -> Moment {
        let after =
            TimeDelta::milliseconds(self.begin_ms) + TimeDelta::microseconds(self.registered_us.into());
        Moment::UNIX_EPOCH + after
    }

    fn latency_ms(&self) -> Option<f64> {
        (self.latency_ms >= 0.0).then(|| self.latency_ms.into())
    }
}

/// The slots, oldest first, and their hours.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    slots: VecDeque<Slot>,
    running: BTreeMap<i64, Tally>,
}

impl Slots {
    /// Takes a slot, in the place of what is there of it; answers whether that changed anything.
    pub(super) fn take(&mut self, slot: Slot) -> bool {
        let hour = hour_of_ms(slot.begin_ms);
        let at = self.slots.partition_point(|kept| kept.key() < slot.key());
        match self.slots.get_mut(at).filter(|kept| kept.key() == slot.key()) {
            Some(kept) if *kept == slot => return false,
            Some(kept) => {
                let was = std::mem::replace(kept, slot);
                self.replaced(hour, was, slot);
            }
            None => {
                self.slots.insert(at, slot);
                self.running.entry(hour).or_default().add(slot.outcome, slot.latency_ms());
            }
        }
        true
    }

    fn replaced(&mut self, hour: i64, was: Slot, slot: Slot) {
        let mut tally = self.running.remove(&hour).unwrap_or_default();
        if was.latency_ms().is_none() {
            tally.take_back(was.outcome);
            tally.add(slot.outcome, slot.latency_ms());
        } else {
            // An amendment; a histogram only grows.
            tally = Tally::default();
            let first = self.slots.partition_point(|kept| hour_of_ms(kept.begin_ms) < hour);
            let within = self.slots.range(first..).take_while(|kept| hour_of_ms(kept.begin_ms) == hour);
            within.for_each(|kept| tally.add(kept.outcome, kept.latency_ms()));
        }
        self.running.insert(hour, tally);
    }

    /// Lets go of the hours before `first`; answers their slots, oldest first.
    pub(super) fn forget(&mut self, first: i64) -> Vec<Slot> {
        self.running = self.running.split_off(&first);
        let old = self.slots.partition_point(|slot| hour_of_ms(slot.begin_ms) < first);
        self.slots.drain(..old).collect()
    }

    /// Each hour's count.
    pub(super) fn running(&self) -> &BTreeMap<i64, Tally> {
        &self.running
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().rev()
    }

    /// Slots whose cycle began after `since`, oldest first.
    pub(super) fn after(&self, since: Moment) -> impl Iterator<Item = &Slot> {
        let since = since.timestamp_millis();
        self.slots.range(self.slots.partition_point(|slot| slot.begin_ms <= since)..)
    }

    /// The count of those.
    pub(super) fn tally_after(&self, since: Moment) -> Tally {
        let first = hour_of_ms(since.timestamp_millis());
        let mut tally = Tally::default();
        let begun = self.after(since).take_while(|slot| hour_of_ms(slot.begin_ms) == first);
        begun.for_each(|slot| tally.add(slot.outcome, slot.latency_ms()));
        self.running.range(first + 1..).for_each(|(_, hour)| tally.merge(hour));
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, Late, Passed, Pending};

    fn slot(minute: i64, outcome: Outcome, ms: f32) -> Slot {
        Slot { begin_ms: minute * 60_000, period_ms: 60_000, registered_us: 7, latency_ms: ms, outcome }
    }

    /// Counted one by one.
    fn counted(slots: &Slots) -> Tally {
        let mut tally = Tally::default();
        slots.slots.iter().for_each(|slot| tally.add(slot.outcome, slot.latency_ms()));
        tally
    }

    #[test]
    fn hours_are_counted_as_their_slots_come_change_and_go() {
        let mut slots = Slots::default();
        for minute in [61, 0, 59, 60, 130] {
            assert!(slots.take(slot(minute, Pending, -1.0)));
            assert!(!slots.take(slot(minute, Pending, -1.0)), "it is the same");
        }
        assert!(slots.slots.iter().is_sorted_by_key(Slot::key));
        assert!(slots.take(slot(59, Passed, 100.0)) && slots.take(slot(61, Late, 900.0)));
        assert!(slots.take(slot(61, Failed, -1.0)), "an amendment");
        let at = |minute| Moment::UNIX_EPOCH + TimeDelta::minutes(minute);
        assert_eq!(slots.tally_after(at(-1)), counted(&slots));
        let later = slots.tally_after(at(59));
        assert_eq!((later.of(Passed), later.of(Pending), later.quantile(0.5)), (0, 2, None));
        assert_eq!(slots.after(at(60)).count(), 2);
        assert_eq!(slots.forget(1).len(), 2);
        assert_eq!(slots.tally_after(at(-1)), counted(&slots));
        assert_eq!((slots.running.len(), slots.slots.len()), (2, 3));
        assert_eq!(slots.slots[0].registered_at(), at(60) + TimeDelta::microseconds(7));
    }

    #[test]
    fn a_slot_is_small() {
        assert_eq!(size_of::<Slot>(), 24, "at a slot a second on 30 paths two hours are 216,000");
    }
}
