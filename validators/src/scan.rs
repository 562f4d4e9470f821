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
    let rest = skip_space(text.get(end..)?).strip_prefix(b":")?;
    let rest = skip_space(rest);
    if let Some(string) = rest.strip_prefix(b"\"") {
        let stop = memchr::memchr2(b'"', b'\\', string).unwrap_or(string.len());
        return Some(match string.get(stop) {
            Some(b'\\') => Scanned::Escaped,
            Some(_) | None => Scanned::Plain(&string[..stop]),
        });
    }
    let stop = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
    Some(Scanned::Plain(&rest[..stop.unwrap_or(rest.len())]))
}

/// The first value of a quoted key.
pub(crate) fn first_value<'a>(text: &'a [u8], key: &memmem::Finder<'_>) -> Option<Scanned<'a>> {
    key.find_iter(text).find_map(|at| value_at(text, at + key.needle().len()))
}

fn skip_space(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(text: &'a str, key: &str) -> Option<Scanned<'a>> {
        first_value(text.as_bytes(), &memmem::Finder::new(key))
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
    fn an_escaped_value_is_not_taken_by_its_bytes() {
        assert_eq!(value(r#"{"id":"a\/b"}"#, "\"id\""), Some(Scanned::Escaped));
    }
}
