//! Hostile input for property tests: readable corpora, and generators that start from them.
//!
//! A corpus is a folder of files that people can read, `tests/corpus/<target>/` of the crate that reads such input. What a
//! property finds is added there as a file, and is tried every time, before anything is generated. A generator takes a file
//! and changes it, as bytes, as text or as JSON: what is nearly right gets further into a program than what is random.
//! `PROPTEST_CASES` (256 if not set) scales how many cases each property tries.
#![expect(clippy::unwrap_used, reason = "a corpus that can't be read is a test that has failed")]

mod edits;
mod json;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use edits::edit;
use json::{Json, Style};

/// Edits of one input, at most.
const EDITS: usize = 6;

/// The files of one target.
#[derive(Clone, Debug)]
pub struct Corpus(Vec<Entry>);

/// A file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it holds, without a closing newline.
    pub bytes: Vec<u8>,
}

impl Corpus {
    /// Reads `tests/corpus/<target>` of the crate whose `CARGO_MANIFEST_DIR` is given.
    ///
    /// # Panics
    /// If there is none, or nothing in it.
    #[must_use]
    pub fn read(manifest_dir: &str, target: &str) -> Self {
        let folder = Path::new(manifest_dir).join("tests/corpus").join(target);
        let mut entries: Vec<Entry> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|file| {
                let file = file.unwrap();
                let mut bytes = fs::read(file.path()).unwrap();
                bytes.pop_if(|byte| *byte == b'\n');
                Entry { name: file.file_name().into_string().unwrap(), bytes }
            })
            .collect();
        assert!(!entries.is_empty(), "{} is empty", folder.display());
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Self(entries)
    }

    /// All files as they are.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// Files with some of their bytes changed: no UTF-8 any more, perhaps.
    pub fn bytes(&self) -> impl Strategy<Value = Vec<u8>> + use<> {
        let files = self.0.clone();
        (any::<Index>(), any::<Index>(), vec(edit(), 0..EDITS)).prop_map(move |(one, other, edits)| {
            let (mut bytes, other) = (one.get(&files).bytes.clone(), &other.get(&files).bytes);
            edits.iter().for_each(|edit| edit.apply(&mut bytes, other));
            bytes
        })
    }

    /// The same, with U+FFFD for what is no UTF-8.
    pub fn texts(&self) -> impl Strategy<Value = String> + use<> {
        self.bytes().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The files that are JSON, changed in what they say and written in some layout: sound JSON, mostly. `values` are JSON
    /// texts that the target may take for its own, put in here and there.
    pub fn json(&self, values: &[&str], written: Written) -> impl Strategy<Value = String> + use<> {
        let files: Vec<Json> = self.0.iter().filter_map(|entry| Json::parse(&entry.bytes)).collect();
        assert!(!files.is_empty(), "no file of the corpus is JSON");
        let values: Vec<Json> = values.iter().map(|value| Json::parse(value.as_bytes()).unwrap()).collect();
        (any::<Index>(), vec(json::change(values, written), 0..EDITS), Style::any(written)).prop_map(
            move |(file, changes, style)| {
                let mut json = file.get(&files).clone();
                changes.iter().for_each(|change| change.apply(&mut json));
                json.written(&style)
            },
        )
    }
}

/// How far JSON may be written in ways that encoders don't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// In any way that an encoder writes it: spaced or not, texts with escapes or without, each key once and plain.
    AsEncodersDo,
    /// Also with a key twice, and keys with escapes.
    AsNobodyDoes,
}

/// Many cases, for a property that is cheap: so many times as many as a property has otherwise.
#[must_use]
pub fn times(factor: u32) -> ProptestConfig {
    let config = ProptestConfig::default();
    // What is found goes into the corpus, where people can read it.
    ProptestConfig { cases: config.cases.saturating_mul(factor), failure_persistence: None, ..config }
}
