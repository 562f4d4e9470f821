//! A path's state as a picture, in the manner of the badges that READMEs bear.

use canary_domain::PathState;
use maud::{Markup, html};

/// Widths in pixels of 11-pixel type, generously: no font is known here.
const CHAR: usize = 7;
const PAD: usize = 12;

pub(super) fn badge(path: &str, state: PathState) -> Markup {
    let word = state.as_str();
    let (left, right) = (width(path), width(word));
    let label = format!("{path}: {word}");
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(left + right) height="20" role="img" aria-label=(label) {
            title { (label) }
            rect width=(left) height="20" fill="#444d56" {}
            rect x=(left) width=(right) height="20" fill=(colour(state)) {}
            g fill="#ffffff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" {
                text x=(left / 2) y="14" { (path) }
                text x=(left + right / 2) y="14" { (word) }
            }
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count() * CHAR + PAD
}

/// White on each of these has a contrast of at least 4.5.
fn colour(state: PathState) -> &'static str {
    match state {
        PathState::Passing => "#1a7431",
        PathState::Degraded => "#8a5a00",
        PathState::Failing => "#b3211a",
        PathState::Unknown => "#5c6670",
        PathState::Paused => "#0b5cad",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::public::status::contrast;

    #[test]
    fn a_path_may_have_any_name_and_the_picture_grows_with_it() {
        let badge = badge("<a>&b", PathState::Passing).into_string();
        assert!(badge.contains("&lt;a&gt;&amp;b") && !badge.contains("<a>"), "{badge}");
        assert!(badge.contains("width=\"108\""), "{badge}");
    }

    #[test]
    fn every_word_can_be_read() {
        for colour in PathState::ALL.iter().map(|state| colour(*state)).chain(["#444d56"]) {
            assert!(
                contrast::ratio("#ffffff", colour) >= 4.5,
                "{colour}: {}",
                contrast::ratio("#ffffff", colour)
            );
        }
    }
}
