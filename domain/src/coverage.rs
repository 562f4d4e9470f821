//! Coverage: the spans of time in which the reactors have certainly seen everything (design §1, §3.3).

use crate::{EventType, Moment};

/// A span of time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// Everything from here on was seen …
    pub from: Moment,
    /// … up to here.
    pub until: Moment,
}

/// What all reactors together have certainly seen, a list of separate spans an event type.
///
/// Every instance runs every reactor, so a span that any one of them covers is covered; what one
/// instance saw while another was down joins into one span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage([Vec<Interval>; 5]);

impl Coverage {
    /// Adds what one reactor has seen. An interval that ends before it begins adds nothing.
    pub fn add(&mut self, event_type: EventType, seen: Interval) {
        if seen.until < seen.from {
            return;
        }
        let spans = &mut self.0[event_type as usize];
        spans.push(seen);
        spans.sort_unstable();
        let mut joined: Vec<Interval> = Vec::with_capacity(spans.len());
        for span in spans.drain(..) {
            match joined.last_mut() {
                Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
                Some(_) | None => joined.push(span),
            }
        }
        *spans = joined;
    }

    /// Whether everything of this type between the two moments was seen.
    #[must_use]
    pub fn covers(&self, event_type: EventType, from: Moment, until: Moment) -> bool {
        self.0[event_type as usize].iter().any(|span| span.from <= from && until <= span.until)
    }

    /// The latest moment covered.
    #[must_use]
    pub fn until(&self, event_type: EventType) -> Option<Moment> {
        self.0[event_type as usize].last().map(|span| span.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(second: i64) -> Moment {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn span(from: i64, until: i64) -> Interval {
        Interval { from: at(from), until: at(until) }
    }

    #[test]
    fn spans_of_two_instances_join_and_a_hole_stays_a_hole() {
        let mut coverage = Coverage::default();
        let kind = EventType::TokensTransferred;
        coverage.add(kind, span(20, 30));
        coverage.add(kind, span(0, 10));
        assert!(!coverage.covers(kind, at(5), at(25)));
        coverage.add(kind, span(8, 21));
        assert!(coverage.covers(kind, at(0), at(30)));
        assert!(!coverage.covers(kind, at(0), at(31)));
        assert!(!coverage.covers(EventType::TransactionFeeCollected, at(1), at(2)));
        assert_eq!(coverage.until(kind), Some(at(30)));
    }

    #[test]
    fn a_span_that_runs_backwards_covers_nothing() {
        let mut coverage = Coverage::default();
        coverage.add(EventType::TokensTransferred, span(10, 5));
        assert_eq!(coverage, Coverage::default());
    }
}
