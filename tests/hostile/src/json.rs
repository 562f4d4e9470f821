//! JSON that can say what a parsed value can't: a key twice, numbers beyond every type, texts and keys with needless escapes.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::Written;

/// What a field may say instead.
const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "-0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1e308",
    "1e999",
    "1e-400",
    "123456789012345678901234567890",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud83d\\udcb8\"",
    "\"NaN\"",
    "\"1E-2\"",
    "\"0.010\"",
    "\"99999999999999999999999999999\"",
    "\"9999-12-31T23:59:59.999999Z\"",
    "\"0000-01-01T00:00:00Z\"",
    "\"2026-11-21T01:22:33+23:59\"",
    "\"canary-\"",
    "[]",
    "{}",
    "[1,\"x\"]",
    "{\"type\":\"heartbeat\",\"head\":9}",
];
/// Deeper than any parser goes.
const DEEP: usize = 300;

/// A JSON text, taken apart.
#[derive(Clone, Debug)]
pub enum Json {
    /// Written as it stands here.
    Raw(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub fn parse(text: &[u8]) -> Option<Self> {
        // Numbers that no value can hold are kept as they are written.
        match serde_json::from_slice::<Value>(text) {
            Ok(value) => Some(Self::of(&value)),
            Err(_) => std::str::from_utf8(text)
                .ok()
                .filter(|text| text.starts_with(char::is_numeric))
                .map(|text| Self::Raw(text.to_owned())),
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Raw(value.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::of).collect()),
            Value::Object(fields) => {
                Self::Object(fields.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
        }
    }

    fn count(&self, wanted: fn(&Self) -> bool) -> usize {
        let inside = match self {
            Self::Raw(_) | Self::Text(_) => 0,
            Self::List(list) => list.iter().map(|value| value.count(wanted)).sum(),
            Self::Object(fields) => fields.iter().map(|(_, value)| value.count(wanted)).sum(),
        };
        inside + usize::from(wanted(self))
    }

    /// The wanted node before which there are so many others, counted from the root down.
    fn find(&mut self, before: &mut usize, wanted: fn(&Self) -> bool) -> Option<&mut Self> {
        if wanted(self) {
            if *before == 0 {
                return Some(self);
            }
            *before -= 1;
        }
        match self {
            Self::Raw(_) | Self::Text(_) => None,
            Self::List(list) => list.iter_mut().find_map(|value| value.find(before, wanted)),
            Self::Object(fields) => fields.iter_mut().find_map(|(_, value)| value.find(before, wanted)),
        }
    }

    fn any(&mut self, at: &Index, wanted: fn(&Self) -> bool) -> Option<&mut Self> {
        let count = self.count(wanted);
        (count > 0).then(|| at.index(count)).and_then(|mut before| self.find(&mut before, wanted))
    }

    fn any_node(&mut self, at: &Index) -> &mut Self {
        self.any(at, |_| true).expect("there is the root")
    }

    /// An object somewhere in it that is not empty.
    fn any_object(&mut self, at: &Index) -> Option<&mut Vec<(String, Self)>> {
        match self.any(at, |json| matches!(json, Self::Object(fields) if !fields.is_empty())) {
            Some(Self::Object(fields)) => Some(fields),
            Some(_) | None => None,
        }
    }

    pub fn written(&self, style: &Style) -> String {
        let mut writer = Writer { style, text: String::new(), space: 0, letters: 0 };
        writer.value(self);
        writer.text
    }
}

/// One change of what it says.
#[derive(Clone, Debug)]
pub enum Change {
    Replace(Index, Json),
    Remove(Index, Index),
    Move(Index, Index, Index),
    Add(Index, &'static str, Json),
    /// A key once more, with another value, before or behind.
    Twice(Index, Index, Json),
    Wrap(Index, usize),
}

/// Keys that mean something somewhere.
const KEYS: &[&str] =
    &["type", "event_type", "position", "head", "data", "memo", "transfer_id", "x", "", "a/b", "ü"];

pub fn change(values: Vec<Json>, written: Written) -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let mut all: Vec<Json> = VALUES.iter().filter_map(|text| Json::parse(text.as_bytes())).collect();
    // The target's own words come as often as all others.
    let own = all.len().checked_div(values.len()).unwrap_or(0).max(1);
    all.extend(std::iter::repeat_n(values, own).flatten());
    let value = select(all);
    let twice = if written == Written::AsNobodyDoes { 2 } else { 0 };
    let mut changes = vec![
        (6, (at(), value.clone()).prop_map(|(at, value)| Change::Replace(at, value)).boxed()),
        (2, (at(), at()).prop_map(|(at, field)| Change::Remove(at, field)).boxed()),
        (2, (at(), at(), at()).prop_map(|(at, field, to)| Change::Move(at, field, to)).boxed()),
        (
            2,
            (at(), select(KEYS), value.clone())
                .prop_map(|(at, key, value)| Change::Add(at, key, value))
                .boxed(),
        ),
        (1, (at(), select(&[1, 3, DEEP][..])).prop_map(|(at, deep)| Change::Wrap(at, deep)).boxed()),
    ];
    if twice > 0 {
        changes.push((
            twice,
            (at(), at(), value).prop_map(|(at, field, value)| Change::Twice(at, field, value)).boxed(),
        ));
    }
    proptest::strategy::Union::new_weighted(changes)
}

impl Change {
    pub fn apply(&self, json: &mut Json) {
        match self {
            Self::Replace(at, value) => *json.any_node(at) = value.clone(),
            Self::Remove(at, field) => {
                if let Some(fields) = json.any_object(at) {
                    fields.remove(field.index(fields.len()));
                }
            }
            Self::Move(at, field, to) => {
                if let Some(fields) = json.any_object(at) {
                    let moved = fields.remove(field.index(fields.len()));
                    fields.insert(to.index(fields.len() + 1), moved);
                }
            }
            Self::Add(at, key, value) => {
                if let Some(fields) =
                    json.any_object(at).filter(|fields| fields.iter().all(|(name, _)| name != key))
                {
                    fields.push(((*key).to_owned(), value.clone()));
                }
            }
            Self::Twice(at, field, value) => {
                if let Some(fields) = json.any_object(at) {
                    let place = field.index(fields.len());
                    let key = fields[place].0.clone();
                    fields.insert(place, (key.clone(), value.clone()));
                    fields.push((key, value.clone()));
                }
            }
            Self::Wrap(at, deep) => {
                let node = json.any_node(at);
                for _ in 0..*deep {
                    *node = Json::List(vec![std::mem::replace(node, Json::Raw("0".into()))]);
                }
            }
        }
    }
}

/// How it is laid out.
#[derive(Clone, Debug)]
pub struct Style {
    /// What stands between two tokens, in turn.
    spaces: Vec<&'static str>,
    /// One in so many letters of a text is written as an escape; 0: none.
    escaped: usize,
    /// Any letter may be, and those of keys, too; else only those that some encoder escapes.
    needlessly: bool,
    slashes: bool,
}

impl Style {
    pub fn any(written: Written) -> impl Strategy<Value = Self> {
        let spaces = vec(select(&["", "", "", " ", "\n", "\t ", "\r\n"][..]), 1..4);
        let needlessly = if written == Written::AsNobodyDoes { 0.5 } else { 0.0 };
        (spaces, select(&[0, 0, 0, 1, 2, 7][..]), proptest::bool::weighted(needlessly), any::<bool>())
            .prop_map(|(spaces, escaped, needlessly, slashes)| Self { spaces, escaped, needlessly, slashes })
    }
}

/// What encoders escape that make JSON fit for a page.
const ESCAPED_BY_SOME: &str = "<>&'=+";

struct Writer<'a> {
    style: &'a Style,
    text: String,
    space: usize,
    letters: usize,
}

impl Writer<'_> {
    fn token(&mut self, token: &str) {
        self.text.push_str(token);
        self.text.push_str(self.style.spaces[self.space % self.style.spaces.len()]);
        self.space += 1;
    }

    fn value(&mut self, json: &Json) {
        match json {
            Json::Raw(text) => self.token(text),
            Json::Text(text) => self.string(text, self.style.escaped),
            Json::List(list) => {
                self.token("[");
                for (index, value) in list.iter().enumerate() {
                    if index > 0 {
                        self.token(",");
                    }
                    self.value(value);
                }
                self.token("]");
            }
            Json::Object(fields) => {
                self.token("{");
                for (index, (key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        self.token(",");
                    }
                    self.string(key, if self.style.needlessly { self.style.escaped } else { 0 });
                    self.token(":");
                    self.value(value);
                }
                self.token("}");
            }
        }
    }

    fn string(&mut self, text: &str, escaped: usize) {
        let mut quoted = String::from("\"");
        for letter in text.chars() {
            self.letters += 1;
            let escapable = self.style.needlessly || !letter.is_ascii() || ESCAPED_BY_SOME.contains(letter);
            let escape = escapable && escaped > 0 && self.letters.is_multiple_of(escaped);
            match letter {
                '"' | '\\' => quoted.extend(['\\', letter]),
                '/' if self.style.slashes => quoted.push_str("\\/"),
                _ if escape || letter.is_control() => {
                    let mut units = [0; 2];
                    letter
                        .encode_utf16(&mut units)
                        .iter()
                        .for_each(|unit| write!(quoted, "\\u{unit:04x}").unwrap());
                }
                _ => quoted.push(letter),
            }
        }
        quoted.push('"');
        self.token(&quoted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Corpus, Entry};

    fn corpus() -> Corpus {
        let text = r#"{"type":"event","data":{"memo":"a/b \"ü\" 💸","list":[1,{"x":null}]}}"#;
        Corpus(vec![Entry { name: "one".into(), bytes: text.into() }])
    }

    proptest! {
        #[test]
        fn whatever_the_layout_it_says_the_same(style in Style::any(Written::AsNobodyDoes)) {
            let entry = &corpus().0[0].bytes;
            let json = Json::parse(entry).unwrap();
            let value: Value = serde_json::from_slice(entry).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json.written(&style)).unwrap(), value);
        }

        #[test]
        fn a_changed_text_is_still_json_but_for_numbers_and_depths_that_no_parser_takes(
            text in corpus().json(&["\"own\""], Written::AsNobodyDoes)
        ) {
            if let Err(error) = serde_json::from_str::<Value>(&text) {
                let why = error.to_string();
                prop_assert!(why.contains("number out of range") || why.contains("recursion limit"), "{}: {}", why, text);
            }
        }
    }

    #[test]
    fn every_node_is_found() {
        let mut json = Json::parse(&corpus().0[0].bytes).unwrap();
        let count = json.count(|_| true);
        assert_eq!(count, 8);
        assert!((0..count).all(|mut before| json.find(&mut before, |_| true).is_some()));
        assert!(json.find(&mut 8, |_| true).is_none());
    }
}
