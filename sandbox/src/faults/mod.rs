//! Which faults are on, and whether one strikes here and now.
//!
//! Faults change while requests, sagas and sockets are under way. Each asks at its own fixed moment: an event
//! when it is emitted (so that every subscriber meets the same fate), a call when it comes in, a saga when it is
//! initiated, a socket when it opens and at every change. `first` counts across all of them.

mod calls;
mod events;
mod kinds;
mod set;
mod sockets;

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

pub(crate) use self::{calls::guard, events::Delivery, sockets::SocketFate};
pub use self::{
    kinds::{
        Alteration, AnswerBody, Call, CallFault, Corruption, DelayAt, EventFault, SagaFault, SocketFault,
    },
    set::{Fault, FaultSet, Only, What},
};
use crate::words::{Backend, EventType};

/// The switchboard of faults, shared by everything in the platform.
#[derive(Debug)]
pub struct Faults {
    active: RwLock<Arc<Active>>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Active {
    set: FaultSet,
    strikes: Vec<AtomicU64>,
}

/// Where a fault might strike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub frame: &'a str,
    pub types: &'a [EventType],
    pub backend: Option<Backend>,
}

impl<'a> Place<'a> {
    pub fn frame(frame: &'a str) -> Self {
        Self { frame, types: &[], backend: None }
    }
}

impl Faults {
    pub(crate) fn none() -> Self {
        Self { active: RwLock::default(), changes: watch::Sender::new(0) }
    }

    /// Replaces all faults; counts of `first` begin anew.
    pub fn set(&self, set: FaultSet) {
        let strikes = set.rules.iter().map(|_| AtomicU64::new(0)).collect();
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Active { set, strikes });
        self.changes.send_modify(|version| *version += 1);
    }

    /// Back to a healthy platform.
    pub fn clear(&self) {
        self.set(FaultSet::default());
    }

    /// The faults as they were set.
    pub fn current(&self) -> FaultSet {
        self.active().set.clone()
    }

    /// Tells of every change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The first rule that `pick` wants and that strikes at this place.
    pub(crate) fn draw<T>(&self, place: Place<'_>, pick: impl Fn(&What) -> Option<T>) -> Option<T> {
        let active = self.active();
        let struck = active.wanted(&pick).find(|(rule, _)| active.strikes_at(*rule, place));
        struck.map(|(_, picked)| picked)
    }

    /// Every rule that `pick` wants and that strikes at this place.
    pub(crate) fn draw_all<T>(&self, place: Place<'_>, pick: impl Fn(&What) -> Option<T>) -> Vec<T> {
        let active = self.active();
        let struck = active.wanted(&pick).filter(|(rule, _)| active.strikes_at(*rule, place));
        struck.map(|(_, picked)| picked).collect()
    }

    fn active(&self) -> Arc<Active> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Active {
    fn wanted<T>(&self, pick: &impl Fn(&What) -> Option<T>) -> impl Iterator<Item = (usize, T)> {
        self.set.rules.iter().enumerate().filter_map(move |(rule, fault)| Some((rule, pick(&fault.what)?)))
    }

    fn strikes_at(&self, rule: usize, place: Place<'_>) -> bool {
        let only = &self.set.rules[rule].only;
        fits(only, place) && by_chance(only.probability) && self.counts(rule, only.first)
    }

    fn counts(&self, rule: usize, first: Option<u64>) -> bool {
        let Some(first) = first else { return true };
        let next = |struck: u64| (struck < first).then_some(struck + 1);
        self.strikes[rule].fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

fn fits(only: &Only, place: Place<'_>) -> bool {
    only.frame.as_deref().is_none_or(|frame| frame == place.frame)
        && only.event_type.is_none_or(|event_type| place.types.contains(&event_type))
        && only.backend.is_none_or(|backend| place.backend == Some(backend))
}

fn by_chance(probability: Option<f64>) -> bool {
    match probability {
        Some(p) => rand::random::<f64>() < p,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(what: &What) -> Option<()> {
        matches!(what, What::Event(EventFault::Lost)).then_some(())
    }

    #[test]
    fn a_rule_strikes_only_where_all_of_its_conditions_fit() {
        let faults = Faults::none();
        let types = [EventType::TokensTransferred];
        let here = Place { frame: "a", types: &types, backend: Some(Backend::Async) };
        assert_eq!(faults.draw(here, lost), None);
        let rule = Fault::from(EventFault::Lost).on("a").of_type(types[0]).by(Backend::Async);
        faults.set(FaultSet::of([rule]));
        assert_eq!(faults.draw(here, lost), Some(()));
        assert_eq!(faults.draw(Place { frame: "b", ..here }, lost), None);
        assert_eq!(faults.draw(Place { types: &[], ..here }, lost), None);
        assert_eq!(faults.draw(Place { backend: None, ..here }, lost), None);
        faults.clear();
        assert_eq!(faults.draw(here, lost), None);
    }

    #[test]
    fn first_counts_strikes_and_probability_bounds_them() {
        let faults = Faults::none();
        let here = Place::frame("a");
        faults.set(FaultSet::of([Fault::from(EventFault::Lost).first(2)]));
        let struck = (0..10).filter(|_| faults.draw(here, lost).is_some()).count();
        assert_eq!(struck, 2);
        faults.set(FaultSet::of([Fault::from(EventFault::Lost).chance(0.5)]));
        let struck = (0..1_000).filter(|_| faults.draw(here, lost).is_some()).count();
        assert!((300..700).contains(&struck), "{struck} of 1000");
    }

    #[test]
    fn a_fault_set_reads_as_the_documentation_shows_it_and_refuses_unknown_words() {
        let text = r#"{"rules": [
            {"what": {"event": "lost"}, "only": {"event_type": "CrossFrameTransferSettled", "backend": "async", "first": 3}},
            {"what": {"event": {"delayed": {"by_ms": 1500}}}, "only": {"frame": "a", "probability": 0.2}},
            {"what": {"call": {"answers": {"call": "transfer", "status": 503, "lands": true}}}}
        ]}"#;
        let set: FaultSet = serde_json::from_str(text).unwrap();
        assert_eq!(set.rules.len(), 3);
        let delayed = EventFault::Delayed { by_ms: 1500, waits: DelayAt::Store };
        assert_eq!(set.rules[1].what, What::Event(delayed));
        let again: FaultSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
        assert_eq!(again, set);
        for wrong in [
            r#"{"rule": []}"#,
            r#"{"rules": [{"what": {"event": "gone"}}]}"#,
            r#"{"rules": [{"what": {"event": "lost"}, "only": {"agent": "x"}}]}"#,
            r#"{"rules": [{"what": {"event": {"delayed": {"by_ms": 1, "by_s": 2}}}}]}"#,
        ] {
            assert!(serde_json::from_str::<FaultSet>(wrong).is_err(), "{wrong}");
        }
    }
}
