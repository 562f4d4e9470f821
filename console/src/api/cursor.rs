//! Where a page of results begins: opaque to clients, so that it may change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canary_domain::{Moment, TestId};
use chrono::DateTime;

/// As the client gets it.
pub(crate) fn encode((registered_at, test_id): (Moment, TestId)) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}.{test_id}", registered_at.timestamp_micros()))
}

/// As the ledger takes it; `None` if it is none of ours.
pub(crate) fn decode(cursor: &str) -> Option<(Moment, TestId)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (micros, test_id) = text.split_once('.')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, test_id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_test_hostile::{Corpus, times};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(times(16))]

        #[test]
        fn whatever_is_given_as_a_cursor_is_a_place_or_none(
            text in Corpus::read(env!("CARGO_MANIFEST_DIR"), "cursors").texts(),
            inner in "-?[0-9]{0,20}[.]?7d3f0c52-2f3c-4a8e-9a53-[0-9a-f]{0,14}"
        ) {
            for cursor in [text, URL_SAFE_NO_PAD.encode(inner)] {
                if let Some(place) = decode(&cursor) {
                    prop_assert_eq!(decode(&encode(place)), Some(place));
                }
            }
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_given() {
        let place = (canary_domain::parse_iso("2026-11-21T01:22:33.123456Z").unwrap(), TestId::random());
        assert_eq!(decode(&encode(place)), Some(place));
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        for text in ["", "%%%", "AAAA", &URL_SAFE_NO_PAD.encode("1.x"), &URL_SAFE_NO_PAD.encode("x.y")] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
