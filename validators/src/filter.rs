//! Throwing other people's events away by a byte search, before anything is parsed (design §12).
//!
//! A frame matters if it bears a canary's memo, one of our senders, or the transfer id of a test in flight. The
//! search may let too much through, never too little: what it lets through is parsed and decided exactly.
//! Which transfer ids are in flight changes while five reactors search: each works on its own copy and takes
//! a new one when the version has moved on. An event that overtakes that is ours by its sender anyway.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, BuildError, PatternID};

use crate::Mapping;
use crate::mapping::key_in_text;
use crate::scan::{Scanned, value_at};

/// What every memo of a test contains.
const MEMO: &str = "canary-";
/// A DID is searched for by so many of its last bytes: they differ most.
const TAIL: usize = 16;

/// Fingerprints are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = fingerprint(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Fingerprints = HashSet<u64, BuildHasherDefault<AsIs>>;

/// The transfer ids of tests in flight, shared by the one who learns them and the five who search.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    version: AtomicU64,
    transfers: Mutex<Fingerprints>,
}

impl InFlight {
    pub fn insert(&self, transfer_id: &str) {
        self.change(|transfers| {
            transfers.insert(fingerprint(transfer_id.as_bytes()));
        });
    }

    pub fn replace<'a>(&self, transfer_ids: impl Iterator<Item = &'a str>) {
        self.change(|transfers| *transfers = transfer_ids.map(|id| fingerprint(id.as_bytes())).collect());
    }

    fn change(&self, change: impl FnOnce(&mut Fingerprints)) {
        let mut transfers = self.transfers.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut transfers);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// The search of one reactor.
#[derive(Debug)]
pub(crate) struct Filter {
    search: AhoCorasick,
    /// Which of the patterns is the key of the transfer id; `None`: it can't be searched for, and every
    /// event has to be parsed.
    key: Option<PatternID>,
    in_flight: Arc<InFlight>,
    version: u64,
    transfers: Fingerprints,
}

impl Filter {
    pub fn new(mapping: &Mapping, senders: &[String], in_flight: Arc<InFlight>) -> Result<Self, BuildError> {
        let mut patterns = vec![MEMO.to_owned()];
        patterns.extend(senders.iter().map(|did| tail(did)));
        let key = key_in_text(&mapping.transfer_id).map(|key| {
            patterns.push(key);
            PatternID::must(patterns.len() - 1)
        });
        let search = AhoCorasick::new(&patterns)?;
        Ok(Self { search, key, in_flight, version: 0, transfers: Fingerprints::default() })
    }

    /// Whether a frame may concern a test.
    pub fn matters(&mut self, text: &[u8]) -> bool {
        let Some(key) = self.key else { return true };
        self.refresh();
        self.search.find_iter(text).any(|found| {
            found.pattern() != key
                || match value_at(text, found.end()) {
                    Some(Scanned::Plain(value)) => self.transfers.contains(&fingerprint(value)),
                    Some(Scanned::Escaped) => true,
                    None => false,
                }
        })
    }

    fn refresh(&mut self) {
        let version = self.in_flight.version.load(Ordering::Acquire);
        if version != self.version {
            self.transfers = self.in_flight.transfers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.version = version;
        }
    }
}

/// The end of a DID's spelling in JSON, closing quote included, from behind whatever might be escaped there.
fn tail(did: &str) -> String {
    let escapable = |c: char| !c.is_ascii_graphic() || matches!(c, '/' | '"' | '\\');
    let plain = did.rsplit(escapable).next().unwrap_or(did);
    let start = plain.len().saturating_sub(TAIL);
    format!("{}\"", &plain[start..])
}

/// A hash that is quick on ids of some thirty bytes. Whoever makes two ids collide gains that one more frame
/// is parsed.
fn fingerprint(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut hash = bytes.len() as u64;
    for word in words.iter().chain([&last]) {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(MIX);
        hash ^= hash >> 29;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "did:avt:a/agents/alpha";

    fn filter(in_flight: &Arc<InFlight>) -> Filter {
        Filter::new(&Mapping::default(), &[OURS.to_owned()], Arc::clone(in_flight)).unwrap()
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
        let mut filter = Filter::new(&mapping, &[], Arc::default()).unwrap();
        assert!(filter.matters(b"{}"));
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
