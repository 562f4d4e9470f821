//! The contrast of two colours (WCAG 2.2), for tests: text has to have 4.5.

pub(crate) fn ratio(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Of a colour like `#1a7431`.
fn luminance(colour: &str) -> f64 {
    let part = |from: usize| {
        let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/// Every colour of text in the style stands on the one of its own line, in both schemes.
#[test]
fn every_word_of_the_page_can_be_read() {
    let style = include_str!("status.css");
    let mut pairs = 0;
    for line in style.lines() {
        let colours: Vec<&str> =
            line.match_indices('#').map(|(at, _)| &line[at..at + 7]).filter(|text| text.len() == 7).collect();
        if let [ink, ground] = colours[..] {
            assert!(ratio(ink, ground) >= 4.5, "{line}: {}", ratio(ink, ground));
            pairs += 1;
        }
    }
    assert_eq!(pairs, 2 * 13, "thirteen in each scheme");
    assert!((ratio("#000000", "#ffffff") - 21.0).abs() < 0.01);
}
