//! Moments, and where they come from.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, SecondsFormat, SubsecRound, Utc};
use tokio::time::Instant;

/// A moment on the board's clock (design §3.2), UTC, of microsecond precision in every store.
pub type Moment = DateTime<Utc>;

/// The clock every instance shares: the board's (design §3.2).
///
/// Between two comparisons with the board it follows the machine's monotonic clock, so a step of the
/// machine's wall clock never reaches a moment.
pub trait Clock: Send + Sync {
    /// The board's moment now.
    fn now(&self) -> Moment {
        self.at(Instant::now())
    }

    /// The board's moment at an instant of this process: lets a hot loop read one cheap instant and
    /// name the moment later, if it turns out to matter.
    fn at(&self, instant: Instant) -> Moment;

    /// How far [`Clock::now`] may be from the board's clock, either way.
    fn error_bound(&self) -> Duration;

    /// How often the board's clock has stepped under this process. What was observed before a step
    /// can't be compared with what is observed after it.
    fn steps(&self) -> u64;
}

/// RFC 3339 in UTC with exactly six decimals: texts of this form sort like their moments.
#[must_use]
pub fn iso(moment: Moment) -> String {
    moment.trunc_subsecs(6).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads any RFC 3339 text as a moment, cut to microseconds. What is read can be written by [`iso`] and read again.
#[must_use]
pub fn parse_iso(text: &str) -> Option<Moment> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc).trunc_subsecs(6);
    // An offset may lead out of the years that RFC 3339 can write, and nobody could read it again.
    (0..=9_999).contains(&at.year()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_texts_sort_like_their_moments() {
        let early = parse_iso("2026-11-21T01:22:33Z").unwrap();
        let late = parse_iso("2026-11-21T03:22:33.1+02:00").unwrap();
        assert_eq!(iso(early), "2026-11-21T01:22:33.000000Z");
        assert_eq!(iso(late), "2026-11-21T01:22:33.100000Z");
        assert!(iso(early) < iso(late));
        assert_eq!(parse_iso("yesterday"), None);
        for beyond in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
            assert_eq!(parse_iso(beyond), None, "{beyond}");
        }
    }
}
