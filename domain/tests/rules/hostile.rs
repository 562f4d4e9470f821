//! Whatever stands in a memo, an amount or a time, it is read exactly or not at all.

use canary_domain::{Amount, TestId, iso, parse_decimal, parse_iso};
use canary_test_hostile::{Corpus, times};
use proptest::prelude::*;

fn memos() -> Corpus {
    Corpus::read(env!("CARGO_MANIFEST_DIR"), "memos")
}

/// A memo names a test if it is, letter by letter, the one that a test's transfer carries.
fn check(memo: &str) -> Result<(), TestCaseError> {
    if let Some(test_id) = TestId::from_memo(memo) {
        let own = test_id.memo();
        prop_assert!(memo == own || memo == format!("cross_registry:{own}"), "{}", memo);
    }
    Ok(())
}

#[test]
fn of_the_corpus_two_memos_name_a_test() {
    let corpus = memos();
    let named = corpus.entries().filter(|entry| {
        let memo = std::str::from_utf8(&entry.bytes).unwrap();
        check(memo).unwrap();
        TestId::from_memo(memo).is_some()
    });
    assert_eq!(named.map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["plain", "wrapped"]);
}

proptest! {
    #![proptest_config(times(16))]

    #[test]
    fn whatever_a_memo_is_it_names_a_test_only_in_a_tests_own_words(memo in memos().texts()) {
        check(&memo)?;
    }

    #[test]
    fn what_is_read_as_a_moment_can_be_written_and_read_again(
        text in "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    ) {
        if let Some(moment) = parse_iso(&text) {
            prop_assert_eq!(parse_iso(&iso(moment)), Some(moment));
        }
    }

    #[test]
    fn what_is_read_as_an_amount_is_positive_and_exact(text in "[-+]?[0-9_.]{0,40}([eE][-+]?[0-9]{1,12})?") {
        prop_assert!(parse_decimal(&text).is_none_or(|read| parse_decimal(&read.to_string()) == Some(read)));
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert!(amount.matches(&amount.to_string()) && amount.value().is_sign_positive());
        }
    }
}
