//! The public page: no script, and what a colour says is said by a mark and in words, too.

use chrono::TimeDelta;
use maud::{DOCTYPE, Markup, html};

use super::rollup::{Part, Status};
use crate::api::Time;

/// How five minutes went: the worst of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// Its class in the style.
    class: &'static str,
    sign: &'static str,
    words: &'static str,
}

const NOTHING: Mark = Mark { class: "nothing", sign: "·", words: "nothing" };
const PASSED: Mark = Mark { class: "passed", sign: "✓", words: "passed" };
const NOT_FIRED: Mark = Mark { class: "not-fired", sign: "–", words: "not fired" };
const INCONCLUSIVE: Mark = Mark { class: "inconclusive", sign: "?", words: "inconclusive" };
const LATE: Mark = Mark { class: "late", sign: "!", words: "late" };
const FAILED: Mark = Mark { class: "failed", sign: "✕", words: "failed" };
const LEGEND: [Mark; 6] = [PASSED, LATE, FAILED, INCONCLUSIVE, NOT_FIRED, NOTHING];

pub(super) fn page(status: &Status) -> Markup {
    let state = status.state;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Canary: " (state) }
                link rel="stylesheet" href="/status.css";
            }
            body {
                main {
                    h1 { "Canary: " span class={ "state " (state) } { (state) } }
                    p { (state.meaning()) " As of " time datetime=(iso(status.at)) { (clock(status.at)) } " UTC." }
                    div class="scrolls" role="region" aria-label="The past hour" tabindex="0" { (table(status)) }
                    p class="legend" {
                        @for mark in LEGEND {
                            span class="entry" {
                                span class={ "mark " (mark.class) } aria-hidden="true" { (mark.sign) } " " (mark.words)
                            }
                        }
                    }
                }
            }
        }
    }
}

fn table(status: &Status) -> Markup {
    let begins = status.paths.first().map(|path| path.hour.as_slice()).unwrap_or_default();
    html! {
        table {
            caption { "The past hour of each path, in parts of five minutes. The times are UTC." }
            thead {
                tr {
                    th scope="col" { "path" }
                    th scope="col" { "state" }
                    @for part in begins {
                        th scope="col" { time datetime=(iso(part.from)) { (clock(part.from)) } }
                    }
                }
            }
            tbody {
                @for path in &status.paths {
                    tr {
                        th scope="row" { (path.path) }
                        td class={ "state " (path.state) } { (path.state) }
                        @for part in &path.hour { (cell(part)) }
                    }
                }
            }
        }
    }
}

fn cell(part: &Part) -> Markup {
    let mark = mark(part);
    html! {
        td class={ "mark " (mark.class) } title=(words(part)) {
            span aria-hidden="true" { (mark.sign) }
            span class="spoken" { (words(part)) }
        }
    }
}

fn mark(part: &Part) -> Mark {
    let worst = counts(part).into_iter().find(|(_, count)| *count > 0);
    worst.map_or(NOTHING, |(mark, _)| mark)
}

/// The worst first.
fn counts(part: &Part) -> [(Mark, i64); 5] {
    [
        (FAILED, part.failed),
        (LATE, part.late),
        (INCONCLUSIVE, part.inconclusive),
        (NOT_FIRED, part.not_fired),
        (PASSED, part.passed),
    ]
}

fn words(part: &Part) -> String {
    let told = counts(part).into_iter().filter(|(_, count)| *count > 0);
    let told: Vec<String> = told.map(|(mark, count)| format!("{count} {}", mark.words)).collect();
    let span = format!("{} to {}", clock(part.from), clock(Time(part.from.0 + TimeDelta::minutes(5))));
    match told.is_empty() {
        true => format!("{span}: {}", NOTHING.words),
        false => format!("{span}: {}", told.join(", ")),
    }
}

fn iso(at: Time) -> String {
    canary_domain::iso(at.0)
}

fn clock(at: Time) -> String {
    at.0.format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{PathState, parse_iso};

    use crate::public::status::rollup::PathStatus;

    fn part(failed: i64, passed: i64) -> Part {
        let from = Time(parse_iso("2026-11-21T01:20:00Z").unwrap());
        Part { from, passed, late: 0, failed, inconclusive: 0, not_fired: 0 }
    }

    #[test]
    fn five_minutes_are_marked_by_the_worst_of_them_and_told_whole() {
        assert_eq!(mark(&part(1, 4)), FAILED);
        assert_eq!(words(&part(1, 4)), "01:20 to 01:25: 1 failed, 4 passed");
        assert_eq!(mark(&part(0, 5)), PASSED);
        assert_eq!(mark(&part(0, 0)), NOTHING);
        assert_eq!(words(&part(0, 0)), "01:20 to 01:25: nothing");
    }

    #[test]
    fn a_path_may_have_any_name() {
        let path = PathStatus { path: "<b>&\"".into(), state: PathState::Failing, hour: vec![part(1, 0)] };
        let at = Time(parse_iso("2026-11-21T01:22:30Z").unwrap());
        let page = page(&Status { state: PathState::Failing, at, paths: vec![path] }).into_string();
        assert!(page.contains("<th scope=\"row\">&lt;b&gt;&amp;&quot;</th>"), "{page}");
        assert!(!page.contains("<script") && !page.contains("style="), "{page}");
    }
}
