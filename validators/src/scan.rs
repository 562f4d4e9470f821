//! Reading single values out of a JSON text by bytes, without parsing it.
//!
//! Sound because a quote inside of a JSON string is always written `\"`: the bytes of `"key"` followed by a colon
//! can only be a key. They may be the key of another, nested object: whoever scans takes the answer for a
//! hint to look closer, or to throw away what no answer could concern.

use memchr::memmem;

/// A value as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned<'a> {
    /// A string without escapes, or a number, word or bracket up to its end.
    Plain(&'a [u8]),
    /// A string with escapes: its bytes are not its value.
    Escaped,
}

/// The value of the key that ends at `end`; `None` if no colon follows, so that it was no key.
pub(crate) fn value_at(text: &[u8], end: usize) -> Option<Scanned<'_>> {
    let rest = text.get(end..)?;
    let rest = skip_space(skip_space(rest).strip_prefix(b":")?);
    if let Some(string) = rest.strip_prefix(b"\"") {
        return Some(string_until_quote(string));
    }
    let stop = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
    Some(Scanned::Plain(&rest[..stop.unwrap_or(rest.len())]))
}

fn string_until_quote(string: &[u8]) -> Scanned<'_> {
    let stop = memchr::memchr2(b'"', b'\\', string).unwrap_or(string.len());
    match string.get(stop) {
        Some(b'\\') => Scanned::Escaped,
        Some(_) | None => Scanned::Plain(&string[..stop]),
    }
}

/// A key in quotes, which remembers where it stood last: most events are laid out alike.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    finder: memmem::Finder<'static>,
    last: usize,
}

impl Key {
    pub fn new(quoted: &str) -> Self {
        Self { finder: memmem::Finder::new(quoted).into_owned(), last: 0 }
    }

    /// The text from its first value on, or from one that stands where the first one stood before.
    #[inline]
    pub fn at_value<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let key = self.finder.needle();
        if text.get(self.last..).is_some_and(|rest| begins_with(rest, key))
            && let Some(value) = from_value(text, self.last + key.len())
        {
            return Some(value);
        }
        self.look_for(text)
    }

    #[cold]
    fn look_for<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let length = self.finder.needle().len();
        let found = |at| Some((at, from_value(text, at + length)?));
        let (at, value) = self.finder.find_iter(text).find_map(found)?;
        self.last = at;
        Some(value)
    }

    /// The value that [`Key::at_value`] found.
    pub fn value<'a>(&mut self, text: &'a [u8]) -> Option<Scanned<'a>> {
        self.at_value(text)?;
        value_at(text, self.last + self.finder.needle().len())
    }

    /// Whether a letter of it stands somewhere as an escape, where no encoder would write one: then it can't be found by its
    /// bytes.
    #[cold]
    pub fn may_be_escaped(&self, text: &[u8]) -> bool {
        const ESCAPE: &[u8] = b"\\u00";
        memmem::find_iter(text, ESCAPE).any(|at| {
            let digits = text.get(at + ESCAPE.len()..).and_then(<[u8]>::first_chunk::<2>);
            let letter =
                digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
            letter.is_some_and(|letter| self.finder.needle().contains(&letter))
        })
    }

    /// All its values, of whatever objects.
    pub fn values<'a>(&self, text: &'a [u8]) -> impl Iterator<Item = Scanned<'a>> {
        let length = self.finder.needle().len();
        self.finder.find_iter(text).filter_map(move |at| value_at(text, at + length))
    }
}

/// As `starts_with`, which calls a function even for what fits into two words, as the usual keys do.
#[inline]
fn begins_with(text: &[u8], key: &[u8]) -> bool {
    const WORD: usize = 8;
    match (key.first_chunk::<WORD>(), key.last_chunk::<WORD>()) {
        (Some(first), Some(last)) if key.len() <= 2 * WORD => {
            text.first_chunk() == Some(first)
                && text.get(..key.len()).is_some_and(|text| text.last_chunk() == Some(last))
        }
        (_, _) => text.starts_with(key),
    }
}

/// The text from the first byte of the value on whose key ends at `end`, behind its quote if it has one.
#[inline]
fn from_value(text: &[u8], end: usize) -> Option<&[u8]> {
    let rest = text.get(end..)?;
    // As most serializers write it.
    if let Some(string) = rest.strip_prefix(b":\"") {
        return Some(string);
    }
    let rest = skip_space(skip_space(rest).strip_prefix(b":")?);
    Some(rest.strip_prefix(b"\"").unwrap_or(rest))
}

fn skip_space(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(text: &'a str, key: &str) -> Option<Scanned<'a>> {
        Key::new(key).value(text.as_bytes())
    }

    #[test]
    fn values_are_found_however_the_text_is_spaced() {
        for text in [r#"{"id":"x1","b":2}"#, "{\"id\" : \"x1\"}", "{ \"id\":\n\t\"x1\" }"] {
            assert_eq!(value(text, "\"id\""), Some(Scanned::Plain(b"x1")), "{text}");
        }
        assert_eq!(value(r#"{"id": 17}"#, "\"id\""), Some(Scanned::Plain(b"17")));
        assert_eq!(value(r#"{"id": 17"#, "\"id\""), Some(Scanned::Plain(b"17")));
    }

    #[test]
    fn a_key_inside_of_a_string_is_no_key() {
        let text = r#"{"memo":"\"id\":\"mine\"","tag":"id","id":"real"}"#;
        assert_eq!(value(text, "\"id\""), Some(Scanned::Plain(b"real")));
        assert_eq!(value(r#"{"a":"id"}"#, "\"id\""), None);
    }

    #[test]
    fn a_key_is_found_wherever_it_moves() {
        let mut key = Key::new("\"id\"");
        for text in [r#"{"id":"x"}"#, r#"{"a":1,"id":"x"}"#, r#"{"a":"id","id":"x"}"#, r#"{"id":"x"}"#] {
            assert_eq!(key.value(text.as_bytes()), Some(Scanned::Plain(b"x")), "{text}");
        }
        assert_eq!(key.value(b"{}"), None);
        let both: Vec<_> = key.values(br#"{"id":"x","data":{"id":"y"}}"#).collect();
        assert_eq!(both, [Scanned::Plain(b"x"), Scanned::Plain(b"y")]);
    }

    #[test]
    fn a_key_of_any_length_is_told_from_one_that_differs_in_a_letter() {
        for length in 1..=20 {
            let key = format!("\"{}\"", &"abcdefghijklmnopqrst"[..length]);
            let text = format!("{key}:1");
            assert!(begins_with(text.as_bytes(), key.as_bytes()));
            assert!(!begins_with(&key.as_bytes()[..length], key.as_bytes()), "{key} is cut off");
            for at in 0..key.len() {
                let mut other = text.clone().into_bytes();
                other[at] = b'_';
                assert!(!begins_with(&other, key.as_bytes()), "{key} at {at}");
            }
        }
    }

    #[test]
    fn a_key_that_is_written_with_escapes_may_stand_anywhere() {
        let key = Key::new("\"memo_id\"");
        for text in [r#"{"memo\u005fid":"x"}"#, r#"{"m":"\u006D"}"#] {
            assert!(key.may_be_escaped(text.as_bytes()), "{text}");
        }
        for text in [r#"{"memo_id":"\u00fc"}"#, r#"{"x":"\u003cb\u003e"}"#, r#"{"x":"\u00"#, r#"{"x":"\\"}"#]
        {
            assert!(!key.may_be_escaped(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_escaped_value_is_not_taken_by_its_bytes() {
        assert_eq!(value(r#"{"id":"a\/b"}"#, "\"id\""), Some(Scanned::Escaped));
    }
}
