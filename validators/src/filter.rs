//! Throwing other people's events away by a byte search, before anything is parsed (design §12).
//!
//! A frame matters if it bears a canary's memo, one of our senders, or the transfer id of a test in flight. The memo
//! is searched for wherever it may be. Senders and transfer ids are looked up behind their keys, and what the
//! search lets through is parsed and decided exactly. Events of one type look alike: if a key stands in several
//! places of an event, which one event in some shows, all of them are looked at from then on.
//!
//! Which transfer ids are in flight changes while five reactors search: each works on its own copy and takes
//! a new one when the version has moved on. An event that overtakes that is ours by its sender anyway.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use canary_domain::EventType;
use memchr::memmem;

use crate::Mapping;
use crate::mapping::key_in_text;
use crate::scan::Key;
use crate::wanted::Wanted;

/// What every memo of a test contains.
const MEMO: &str = "canary-";
/// One in so many events is looked at closely.
const LOOK_CLOSELY: u32 = 256;

/// The transfer ids of tests in flight, shared by the one who learns them and the five who search.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    version: AtomicU64,
    transfers: Mutex<Wanted>,
}

impl InFlight {
    pub fn insert(&self, transfer_id: &str) {
        self.change(|transfers| transfers.insert(transfer_id));
    }

    pub fn replace<'a>(&self, transfer_ids: impl Iterator<Item = &'a str>) {
        self.change(|transfers| {
            *transfers = Wanted::default();
            transfer_ids.for_each(|transfer_id| transfers.insert(transfer_id));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Wanted)) {
        let mut transfers = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut transfers);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// A field that is searched for by its key.
#[derive(Debug)]
struct Field {
    /// `None`: it can't be found by its key, and every event has to be parsed.
    key: Option<Key>,
    /// Its key has been seen in several places of one event.
    ambiguous: bool,
}

impl Field {
    fn new(pointer: &str) -> Self {
        Self { key: key_in_text(pointer).map(|key| Key::new(&key)), ambiguous: false }
    }

    /// Whether its value, or what may be its value, is one of these.
    #[inline]
    fn is_one_of(&mut self, wanted: &Wanted, text: &[u8], closely: bool) -> bool {
        if closely || self.ambiguous {
            return self.look_closely(wanted, text);
        }
        let Some(key) = &mut self.key else { return true };
        match key.at_value(text) {
            Some(value) if !wanted.may_begin(value) => false,
            Some(_) => key.value(text).is_some_and(|value| wanted.contains(value)),
            None => key.may_be_escaped(text),
        }
    }

    #[cold]
    fn look_closely(&mut self, wanted: &Wanted, text: &[u8]) -> bool {
        let Some(key) = &self.key else { return true };
        self.ambiguous |= key.values(text).nth(1).is_some();
        key.values(text).any(|value| wanted.contains(value)) || key.may_be_escaped(text)
    }
}

/// The search of one reactor.
#[derive(Debug)]
pub(crate) struct Filter {
    memo: memmem::Finder<'static>,
    transfer: Field,
    /// The sender; of a fee event, who paid, by either name.
    sender: Vec<Field>,
    senders: Wanted,
    transfers: Wanted,
    in_flight: Arc<InFlight>,
    version: u64,
    searched: u32,
}

impl Filter {
    pub fn new(
        event_type: EventType,
        mapping: &Mapping,
        senders: &[String],
        in_flight: Arc<InFlight>,
    ) -> Self {
        let pointers = match event_type {
            EventType::TransactionFeeCollected => vec![&mapping.payer_agent_id, &mapping.from_agent_id],
            EventType::TokensTransferred
            | EventType::CrossFrameTransferInitiated
            | EventType::CrossFrameTransferSettled
            | EventType::CrossFrameTransferRefunded => vec![&mapping.from_agent_id],
        };
        Self {
            memo: memmem::Finder::new(MEMO),
            transfer: Field::new(&mapping.transfer_id),
            sender: pointers.into_iter().map(|pointer| Field::new(pointer)).collect(),
            senders: Wanted::alike(senders),
            transfers: Wanted::default(),
            in_flight,
            version: 0,
            searched: 0,
        }
    }

    /// Whether a frame may concern a test.
    #[inline]
    pub fn matters(&mut self, text: &[u8]) -> bool {
        self.refresh();
        let closely = self.searched.is_multiple_of(LOOK_CLOSELY);
        self.searched = self.searched.wrapping_add(1);
        self.memo.find(text).is_some()
            || self.transfer.is_one_of(&self.transfers, text, closely)
            || self.sender.iter_mut().any(|field| field.is_one_of(&self.senders, text, closely))
    }

    fn refresh(&mut self) {
        let version = self.in_flight.version.load(Ordering::Acquire);
        if version != self.version {
            self.transfers = self.in_flight.transfers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.version = version;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "did:avt:a/agents/alpha";

    fn filter(in_flight: &Arc<InFlight>) -> Filter {
        let kind = EventType::TokensTransferred;
        Filter::new(kind, &Mapping::default(), &[OURS.to_owned()], Arc::clone(in_flight))
    }

    fn event(transfer: &str, from: &str, memo: &str) -> String {
        let data = serde_json::json!({"transfer_id": transfer, "from_agent_id": from, "to_agent_id": "did:x", "memo": memo});
        serde_json::json!({"type": "event", "position": 1, "data": data}).to_string()
    }

    #[test]
    fn user_traffic_is_thrown_away_and_a_tests_event_is_kept() {
        let in_flight = Arc::new(InFlight::default());
        let mut filter = filter(&in_flight);
        assert!(!filter.matters(event("t1", "did:avt:a:mallory", "rent").as_bytes()));
        assert!(filter.matters(event("t1", "did:avt:a:mallory", "cross_registry:canary-1").as_bytes()));
        assert!(filter.matters(event("t1", OURS, "rent").as_bytes()));
        assert!(
            filter.matters(event("t1", OURS, "rent").replace('/', "\\/").as_bytes()),
            "slashes may be escaped"
        );
        in_flight.insert("t1");
        assert!(filter.matters(event("t1", "did:avt:a:mallory", "rent").as_bytes()));
        assert!(!filter.matters(event("t2", "did:avt:a:mallory", "rent").as_bytes()));
        in_flight.replace(std::iter::empty());
        assert!(!filter.matters(event("t1", "did:avt:a:mallory", "rent").as_bytes()));
    }

    #[test]
    fn a_transfer_id_that_cannot_be_searched_for_lets_every_event_through() {
        let mapping = Mapping { transfer_id: "/ids/0".into(), ..Mapping::default() };
        let mut filter = Filter::new(EventType::TokensTransferred, &mapping, &[], Arc::default());
        assert!(filter.matters(b"{}"));
    }

    #[test]
    fn a_key_that_stands_in_several_places_is_looked_up_in_all_of_them() {
        let mapping = Mapping {
            from_agent_id: "/data/from/did".into(),
            to_agent_id: "/data/to/did".into(),
            ..Mapping::default()
        };
        let mut filter =
            Filter::new(EventType::TokensTransferred, &mapping, &[OURS.to_owned()], Arc::default());
        let event =
            |from: &str| format!(r#"{{"data":{{"to":{{"did":"did:y"}},"from":{{"did":"{from}"}}}}}}"#);
        for _ in 0..2 * LOOK_CLOSELY {
            assert!(!filter.matters(event("did:x").as_bytes()));
            assert!(filter.matters(event(OURS).as_bytes()));
        }
    }

    #[test]
    fn a_fee_event_matters_by_who_paid() {
        let kind = EventType::TransactionFeeCollected;
        let mut filter = Filter::new(kind, &Mapping::default(), &[OURS.to_owned()], Arc::default());
        for _ in 0..2 * LOOK_CLOSELY {
            assert!(filter.matters(format!(r#"{{"data":{{"payer_agent_id":"{OURS}"}}}}"#).as_bytes()));
            assert!(filter.matters(format!(r#"{{"data":{{"from_agent_id":"{OURS}"}}}}"#).as_bytes()));
            assert!(!filter.matters(br#"{"data":{"payer_agent_id":"did:x"}}"#));
        }
    }

    proptest! {
        #[test]
        fn nothing_that_bears_a_transfer_id_in_flight_is_thrown_away(id in "\\PC{1,40}", memo in "\\PC{0,40}") {
            let in_flight = Arc::new(InFlight::default());
            in_flight.insert(&id);
            prop_assert!(filter(&in_flight).matters(event(&id, "did:y", &memo).as_bytes()));
        }
    }
}
