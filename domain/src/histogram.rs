//! A mergeable histogram of latencies, for percentiles over any span of hours (design §5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Each bucket is this much wider than the one before, so a percentile is off by at most 1 %.
const GROWTH: f64 = 1.02;
/// Latencies below this many milliseconds share the first bucket.
const FLOOR_MS: f64 = 0.1;
/// The last bucket lies beyond 24 hours.
const LAST: u16 = 1_039;

/// Counts of latencies in milliseconds, in buckets of equal ratio; kept sparse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(BTreeMap<u16, u64>);

impl Histogram {
    /// Counts one latency in milliseconds.
    pub fn add(&mut self, ms: f64) {
        *self.0.entry(bucket(ms)).or_default() += 1;
    }

    /// Counts all of another's.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// The buckets that counted something, ascending, each with its count: to be kept elsewhere, and collected again.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.0.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The latency in milliseconds that a share `q` (0 to 1) of all counted ones do not exceed, within
    /// 1 %; `None` when nothing was counted.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^52, and a rank is between 1 and the count"
    )]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = ((self.count() as f64 * q).ceil() as u64).max(1);
        let mut passed = 0;
        self.0.iter().find_map(|(bucket, count)| {
            passed += count;
            (passed >= rank).then(|| FLOOR_MS * GROWTH.powf(f64::from(*bucket) - 0.5))
        })
    }
}

impl FromIterator<(u16, u64)> for Histogram {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(buckets: I) -> Self {
        let mut histogram = Self::default();
        for (bucket, count) in buckets {
            *histogram.0.entry(bucket.min(LAST)).or_default() += count;
        }
        histogram
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=LAST before the cast"
)]
fn bucket(ms: f64) -> u16 {
    let index = (ms.max(FLOOR_MS) / FLOOR_MS).log(GROWTH).ceil();
    index.clamp(0.0, f64::from(LAST)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_one_percent_and_do_not_depend_on_how_counts_were_merged() {
        let mut whole = Histogram::default();
        let mut halves = [Histogram::default(), Histogram::default()];
        for n in 1..=10_000_u32 {
            whole.add(f64::from(n));
            halves[(n % 2) as usize].add(f64::from(n));
        }
        let [mut merged, other] = halves;
        merged.merge(&other);
        assert_eq!(merged, whole);
        for (q, exact) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.99, 9_900.0)] {
            let ratio = whole.quantile(q).unwrap() / exact;
            assert!((0.99..=1.01).contains(&ratio), "{q}: {ratio}");
        }
    }

    #[test]
    fn buckets_that_are_collected_again_are_the_same_histogram() {
        let mut histogram = Histogram::default();
        [3.0, 3.0, 250.0, 70_000.0].into_iter().for_each(|ms| histogram.add(ms));
        assert_eq!(histogram.buckets().collect::<Histogram>(), histogram);
        let twice: Histogram = histogram.buckets().chain(histogram.buckets()).collect();
        assert_eq!(twice.count(), 8);
    }

    #[test]
    fn nothing_counted_has_no_percentile_and_extremes_stay_in_range() {
        assert_eq!(Histogram::default().quantile(0.5), None);
        let mut extremes = Histogram::default();
        extremes.add(-5.0);
        extremes.add(0.0);
        extremes.add(f64::MAX);
        assert_eq!(extremes.count(), 3);
    }
}
