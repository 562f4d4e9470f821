//! What becomes of one event in one frame, decided once, when it is emitted.

use std::time::Duration;

use super::{Corruption, DelayAt, Faults, Place, What};
use crate::event::{Event, EventData};

/// Everything the faults do to an event on its way into a store and out of it.
#[derive(Debug, Default)]
pub(crate) struct EventFate {
    /// It never gets there.
    pub lost: bool,
    /// It gets there late.
    pub late_by: Option<Duration>,
    /// What each stream does with it.
    pub delivery: Delivery,
}

/// How a stream hands an event on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    pub dropped_live: bool,
    pub dropped_in_replay: bool,
    pub late_by: Option<Duration>,
    pub repeats: u32,
    /// Goes after the next one, or alone after this long.
    pub swapped_within: Option<Duration>,
    pub corrupted: Option<Corruption>,
}

impl Faults {
    /// Decides about an event that is about to enter a frame's store, and alters it if it is to lie.
    pub(crate) fn event_fate(&self, frame: &str, event: &mut Event) -> EventFate {
        let mut fate = EventFate::default();
        if event.backend.is_none() {
            return fate;
        }
        let types = [event.event_type];
        let place = Place { frame, types: &types, backend: event.backend };
        for what in self.draw_all(place, |what| concerns_events(what).then(|| what.clone())) {
            fate.add(&what);
            alter(&what, &mut event.data);
        }
        fate
    }
}

fn concerns_events(what: &What) -> bool {
    matches!(
        what,
        What::EventLost
            | What::EventDropped { .. }
            | What::EventDelayed { .. }
            | What::EventRepeated { .. }
            | What::EventReordered { .. }
            | What::EventCorrupted { .. }
            | What::EventAltered { .. }
    )
}

impl EventFate {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other faults don't concern events")]
    fn add(&mut self, what: &What) {
        match what {
            What::EventLost => self.lost = true,
            What::EventDropped { replay_too } => {
                self.delivery.dropped_live = true;
                self.delivery.dropped_in_replay |= replay_too;
            }
            What::EventDelayed { by_ms, waits: DelayAt::Store } => {
                self.late_by = Some(Duration::from_millis(*by_ms));
            }
            What::EventDelayed { by_ms, waits: DelayAt::Stream } => {
                self.delivery.late_by = Some(Duration::from_millis(*by_ms));
            }
            What::EventRepeated { times } => self.delivery.repeats = *times,
            What::EventReordered { within_ms } => {
                self.delivery.swapped_within = Some(Duration::from_millis(*within_ms));
            }
            What::EventCorrupted { how } => self.delivery.corrupted = Some(*how),
            _ => {}
        }
    }
}

fn alter(what: &What, data: &mut EventData) {
    let What::EventAltered { from_agent_id, to_agent_id, amount, memo, transfer_id } = what else { return };
    replace(&mut data.from_agent_id, from_agent_id);
    replace(&mut data.to_agent_id, to_agent_id);
    replace(&mut data.amount, amount);
    replace(&mut data.memo, memo);
    if let Some(id) = transfer_id {
        data.transfer_id.clone_from(id);
    }
}

/// A field that the event hasn't got stays missing.
fn replace<T: Clone>(field: &mut Option<T>, with: &Option<T>) {
    if field.is_some() && with.is_some() {
        field.clone_from(with);
    }
}
