//! What becomes of one event in one frame, decided once, when it is emitted.

use std::time::Duration;

use super::{Alteration, Corruption, DelayAt, EventFault, Faults, Place, What};
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
        let struck = self.draw_all(place, |what| {
            let What::Event(fault) = what else { return None };
            Some(fault.clone())
        });
        for fault in struck {
            fate.add(fault, &mut event.data);
        }
        fate
    }
}

impl EventFate {
    fn add(&mut self, fault: EventFault, data: &mut EventData) {
        let delivery = &mut self.delivery;
        match fault {
            EventFault::Lost => self.lost = true,
            EventFault::Dropped { replay_too } => {
                delivery.dropped_live = true;
                delivery.dropped_in_replay |= replay_too;
            }
            EventFault::Delayed { by_ms, waits } => {
                let late_by = Some(Duration::from_millis(by_ms));
                match waits {
                    DelayAt::Store => self.late_by = late_by,
                    DelayAt::Stream => delivery.late_by = late_by,
                }
            }
            EventFault::Repeated { times } => delivery.repeats = times,
            EventFault::Reordered { within_ms } => {
                delivery.swapped_within = Some(Duration::from_millis(within_ms));
            }
            EventFault::Corrupted { how } => delivery.corrupted = Some(how),
            EventFault::Altered(alteration) => alteration.apply(data),
        }
    }
}

impl Alteration {
    fn apply(self, data: &mut EventData) {
        replace(&mut data.from_agent_id, self.from_agent_id);
        replace(&mut data.to_agent_id, self.to_agent_id);
        replace(&mut data.amount, self.amount);
        replace(&mut data.memo, self.memo);
        if let Some(id) = self.transfer_id {
            data.transfer_id = id;
        }
    }
}

/// A field that the event hasn't got stays missing.
fn replace<T>(field: &mut Option<T>, with: Option<T>) {
    if field.is_some() && with.is_some() {
        *field = with;
    }
}
