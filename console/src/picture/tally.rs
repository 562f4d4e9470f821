//! Counts of slots by outcome, and their latencies: what a window shows.

use canary_domain::{Histogram, Outcome};

/// Slots of some span, by outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    slots: [i64; Outcome::ALL.len()],
    latencies: Histogram,
}

impl Tally {
    pub(super) fn new(slots: [i64; Outcome::ALL.len()], latencies: Histogram) -> Self {
        Self { slots, latencies }
    }

    /// Counts one slot. The latencies are those of transfers that were done, as in the rollup.
    pub(crate) fn add(&mut self, outcome: Outcome, latency_ms: Option<f64>) {
        self.slots[outcome as usize] += 1;
        let done = match outcome {
            Outcome::Passed | Outcome::Late => true,
            Outcome::Pending
            | Outcome::Failed
            | Outcome::Inconclusive
            | Outcome::Skipped
            | Outcome::Missed => false,
        };
        if let (true, Some(ms)) = (done, latency_ms) {
            self.latencies.add(ms);
        }
    }

    /// Counts one slot less, of those without a latency.
    pub(super) fn take_back(&mut self, outcome: Outcome) {
        self.slots[outcome as usize] -= 1;
    }

    /// Counts all of another's.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (sum, more) in self.slots.iter_mut().zip(other.slots) {
            *sum += more;
        }
        self.latencies.merge(&other.latencies);
    }

    /// How many slots ended how, by their number.
    pub(super) fn slots(&self) -> [i64; Outcome::ALL.len()] {
        self.slots
    }

    pub(super) fn latencies(&self) -> &Histogram {
        &self.latencies
    }

    /// How many slots ended like this.
    pub(crate) fn of(&self, outcome: Outcome) -> i64 {
        self.slots[outcome as usize]
    }

    /// The share that passed of those that tell how the platform did; `None` if none does.
    pub(crate) fn pass_rate(&self) -> Option<f64> {
        pass_rate(|outcome| self.of(outcome))
    }

    /// A percentile of the latencies, in milliseconds.
    pub(crate) fn quantile(&self, q: f64) -> Option<f64> {
        self.latencies.quantile(q)
    }
}

/// The share that passed of those that tell how the platform did; `None` if none does.
#[expect(clippy::cast_precision_loss, reason = "counts of slots stay far below 2^52")]
pub(super) fn pass_rate(of: impl Fn(Outcome) -> i64) -> Option<f64> {
    let telling: i64 =
        Outcome::ALL.iter().filter(|outcome| outcome.tells()).map(|outcome| of(*outcome)).sum();
    (telling > 0).then(|| of(Outcome::Passed) as f64 / telling as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_tells_counts_towards_the_pass_rate_and_only_what_was_done_has_a_latency() {
        let mut tally = Tally::default();
        for outcome in Outcome::ALL {
            tally.add(*outcome, Some(if outcome.tells() { 100.0 } else { 9_000.0 }));
        }
        assert_eq!(tally.pass_rate(), Some(1.0 / 3.0));
        assert!(tally.quantile(1.0).unwrap() < 102.0);
        assert_eq!(tally.latencies.count(), 2);
        let mut twice = tally.clone();
        twice.merge(&tally);
        assert!(Outcome::ALL.iter().all(|outcome| twice.of(*outcome) == 2));
        assert_eq!(twice.latencies.count(), 4);
    }

    #[test]
    fn without_anything_that_tells_there_is_no_rate() {
        let mut tally = Tally::default();
        tally.add(Outcome::Skipped, None);
        tally.add(Outcome::Pending, None);
        assert_eq!((tally.pass_rate(), tally.quantile(0.5)), (None, None));
    }
}
