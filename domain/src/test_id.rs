//! Test ids that nobody outside can guess and that two leaders agree on (design §1).

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use sha2::Sha256;
use uuid::Uuid;

/// What the platform writes before the memo of a cross-registry transfer (contract §5).
const WRAP: &str = "cross_registry:";
const MEMO: &str = "canary-";

/// The name of one test; its idempotency key, and the tail of its memo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, SerializeDisplay, DeserializeFromStr)]
pub struct TestId(Uuid);

impl TestId {
    /// The id of a slot: HMAC-SHA-256 over canary, path and cycle, cut to a UUID of version 8 (RFC 9562
    /// §5.8). The same slot always has the same id, so two leaders that fire it send the same bytes (I1).
    #[must_use]
    pub fn of_slot(key: &SlotKey, canary: &str, path: &str, cycle: i64) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes a key of any length");
        for part in [canary.as_bytes(), path.as_bytes(), &cycle.to_be_bytes()] {
            // Each part's length goes first, so that no two slots hash the same bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// A random id, for a test without a slot.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The memo that the transfer carries.
    #[must_use]
    pub fn memo(self) -> String {
        format!("{MEMO}{self}")
    }

    /// Reads a memo, wrapped or not; `None` if it has not exactly the form of a test's memo.
    #[must_use]
    pub fn from_memo(memo: &str) -> Option<Self> {
        let id = memo.strip_prefix(WRAP).unwrap_or(memo).strip_prefix(MEMO)?;
        // A UUID can be spelt in many ways; a test's memo has one.
        id.parse().ok().filter(|parsed: &Self| parsed.to_string() == id)
    }

    /// As the ledger keeps it.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for TestId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for TestId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self)
    }
}

/// The secret behind the ids of slots; the same in all instances of a deployment.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotKey(Vec<u8>);

/// Why bytes are no slot key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a slot key needs at least {min} bytes, this one has {0}", min = SlotKey::MIN_BYTES)]
pub struct SlotKeyError(usize);

impl SlotKey {
    /// Fewer bytes than this are refused: guessing has to stay hopeless.
    pub const MIN_BYTES: usize = 16;

    /// Takes the key's bytes.
    ///
    /// # Errors
    /// With fewer than [`SlotKey::MIN_BYTES`] bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SlotKeyError> {
        if bytes.len() < Self::MIN_BYTES { Err(SlotKeyError(bytes.len())) } else { Ok(Self(bytes)) }
    }

    /// A fresh random key of 32 bytes.
    #[must_use]
    pub fn random() -> Self {
        Self([Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat())
    }

    /// The bytes, for the ledger alone.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SlotKey {
        SlotKey::new(vec![byte; 32]).unwrap()
    }

    #[test]
    fn the_id_of_a_slot_depends_on_key_canary_path_and_cycle_and_nothing_else() {
        let id = TestId::of_slot(&key(1), "prod", "a-intra", 7);
        assert_eq!(id, TestId::of_slot(&key(1), "prod", "a-intra", 7));
        for other in [
            TestId::of_slot(&key(2), "prod", "a-intra", 7),
            TestId::of_slot(&key(1), "test", "a-intra", 7),
            TestId::of_slot(&key(1), "prod", "a-2pc", 7),
            TestId::of_slot(&key(1), "prod", "a-intra", 8),
            TestId::of_slot(&key(1), "proda", "-intra", 7),
        ] {
            assert_ne!(id, other);
        }
        assert_eq!(id.uuid().get_version_num(), 8);
    }

    #[test]
    fn memos_are_read_with_and_without_the_wrap_and_nothing_else_is() {
        let id = TestId::random();
        assert_eq!(TestId::from_memo(&id.memo()), Some(id));
        assert_eq!(TestId::from_memo(&format!("cross_registry:{}", id.memo())), Some(id));
        let simple = format!("canary-{}", id.uuid().simple());
        let braced = format!("canary-{}", id.uuid().braced());
        let upper = id.memo().replace(&id.to_string(), &id.to_string().to_uppercase());
        for memo in [
            "",
            "canary-",
            "canary-7",
            "thanks canary-",
            &format!("x{}", id.memo()),
            &simple,
            &braced,
            &upper,
        ] {
            assert_eq!(TestId::from_memo(memo), None, "{memo}");
        }
    }

    #[test]
    fn a_slot_key_never_shows_itself() {
        assert_eq!(format!("{:?}", key(65)), "SlotKey(…)");
        assert_eq!(SlotKey::new(vec![1; 15]), Err(SlotKeyError(15)));
    }
}
