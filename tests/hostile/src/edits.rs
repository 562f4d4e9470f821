//! Changes of bytes.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What has broken programs before.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\u",
    b"\\u0000",
    b"\\ud800",
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"[[[[[[[[",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"123456789012345678901234567890",
    b"NaN",
    b"null",
    b"true",
    b"canary-",
    b"cross_registry:",
    b"%",
    b"+",
    b"=",
    b".",
    b"-",
    b"#",
    b"\xe2\x80\xae",
    b"\xf0\x9f\x92\xb8",
    b"\"event\"",
    b"\"type\":",
    b"'''",
    b"\"\"\"",
];
/// A run is repeated so often, at most.
const OFTEN: usize = 300;
/// The longest run.
const RUN: usize = 40;

/// One change.
#[derive(Clone, Debug)]
pub enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Remove(Index, usize),
    Cut(Index),
    Repeat(Index, usize, usize),
    Insert(Index, &'static [u8]),
    /// Takes a run out of another file.
    Splice(Index, Index, usize),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (at(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        2 => (at(), 1..RUN).prop_map(|(at, length)| Edit::Remove(at, length)),
        1 => at().prop_map(Edit::Cut),
        1 => (at(), 1..RUN, 1..OFTEN).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        4 => (at(), select(TOKENS)).prop_map(|(at, token)| Edit::Insert(at, token)),
        2 => (at(), at(), 1..RUN).prop_map(|(at, from, length)| Edit::Splice(at, from, length)),
    ]
}

impl Edit {
    pub fn apply(&self, bytes: &mut Vec<u8>, other: &[u8]) {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at);
                bytes.splice(at..(at + 1).min(bytes.len()), [*byte]);
            }
            Self::Flip(at, bit) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Repeat(at, length, times) => {
                let at = place(at);
                let run = bytes[at..(at + length).min(bytes.len())].repeat(*times);
                bytes.splice(at..at, run);
            }
            Self::Insert(at, token) => {
                let at = place(at);
                bytes.splice(at..at, token.iter().copied());
            }
            Self::Splice(at, from, length) => {
                let (at, from) = (place(at), from.index(other.len() + 1));
                let run = other[from..(from + length).min(other.len())].to_vec();
                bytes.splice(at..at, run);
            }
        }
    }
}
