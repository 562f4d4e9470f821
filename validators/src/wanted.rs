//! The values that a filter looks for in one field: our senders, or the transfer ids in flight.
//!
//! Nearly every event has another value, which is told by eight bytes of it without looking for its end. What
//! passes that is compared by a hash of the whole. Both may take another value for one of these, never
//! the other way round.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::scan::Scanned;

const HEAD: usize = 8;
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// What is kept are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(MIX));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Hashes = HashSet<u64, BuildHasherDefault<AsIs>>;

/// A set of values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The eight bytes begin after so many.
    skip: usize,
    /// The [`bit`] of each head: of a few values it tells nearly all others without a look at the set.
    bits: u64,
    heads: Hashes,
    whole: Hashes,
    /// Some value is too short for the eight bytes, or might be spelt with escapes.
    odd: bool,
}

impl Wanted {
    /// Values that may all begin alike: the eight bytes are taken from where they differ.
    pub fn alike(values: &[String]) -> Self {
        let shortest = values.iter().map(String::len).min().unwrap_or(0);
        let first = values.first().map_or(&[][..], |first| first.as_bytes());
        let common = |value: &String| {
            first.iter().zip(value.as_bytes()).take_while(|(one, other)| one == other).count()
        };
        let differ = values.iter().map(common).min().unwrap_or(0);
        let mut wanted = Self { skip: differ.min(shortest.saturating_sub(HEAD)), ..Self::default() };
        values.iter().for_each(|value| wanted.insert(value));
        wanted
    }

    pub fn insert(&mut self, value: &str) {
        self.whole.insert(whole(value.as_bytes()));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:#%@".contains(&byte);
        match value.as_bytes().get(self.skip..).and_then(<[u8]>::first_chunk) {
            Some(bytes) if value.bytes().all(plain) => {
                let head = head(*bytes);
                self.bits |= bit(head);
                self.heads.insert(head);
            }
            Some(_) | None => self.odd = true,
        }
    }

    /// Whether the value that begins here may be one of these.
    #[inline]
    pub fn may_begin(&self, text: &[u8]) -> bool {
        let head = text.get(self.skip..).and_then(<[u8]>::first_chunk).map(|bytes| head(*bytes));
        self.odd || head.is_some_and(|head| self.bits & bit(head) != 0 && self.heads.contains(&head))
    }

    /// Whether a value is one of these, as far as a hash can tell.
    pub fn contains(&self, value: Scanned<'_>) -> bool {
        match value {
            Scanned::Plain(value) => self.whole.contains(&whole(value)),
            Scanned::Escaped => true,
        }
    }
}

#[inline]
fn head(bytes: [u8; HEAD]) -> u64 {
    let hash = u64::from_le_bytes(bytes).wrapping_mul(MIX);
    hash ^ (hash >> 32)
}

/// Of 64 bits the one that a hash's first six choose.
#[inline]
fn bit(hash: u64) -> u64 {
    1 << (hash >> 58)
}

fn whole(value: &[u8]) -> u64 {
    let (words, rest) = value.as_chunks();
    let mut last = [0; HEAD];
    last[..rest.len()].copy_from_slice(rest);
    words
        .iter()
        .chain([&last])
        .fold(value.len() as u64, |hash, word| head((hash ^ head(*word)).to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &Wanted, value: &str) -> bool {
        let text = format!("{value}\",\"more\":1}}");
        wanted.may_begin(text.as_bytes()) && wanted.contains(Scanned::Plain(value.as_bytes()))
    }

    #[test]
    fn every_value_is_found_whatever_they_have_in_common() {
        for values in [
            vec!["did:avt:a:alpha"],
            vec!["did:avt:a:alpha", "did:avt:a:bravo", "did:avt:a:alpha2"],
            vec!["did:avt:a:alpha", "x"],
            vec!["did:web:host/alpha", "did:web:host/bravo"],
            vec!["", "12345678", "123456789"],
            vec!["überweisung-1", "überweisung-2"],
        ] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            let wanted = Wanted::alike(&values);
            for value in &values {
                assert!(found(&wanted, value), "{value} of {values:?}");
            }
            assert!(!found(&wanted, "did:avt:a:mallory"), "{values:?}");
        }
    }

    #[test]
    fn values_that_begin_alike_are_told_from_others_by_where_they_differ() {
        let values = ["did:avt:a:1111:alpha", "did:avt:a:1111:bravo"].map(str::to_owned);
        let wanted = Wanted::alike(&values);
        assert!(!wanted.may_begin(b"did:avt:a:2222:customer\""));
        assert!(!Wanted::default().may_begin(b"anything at all"));
    }
}
