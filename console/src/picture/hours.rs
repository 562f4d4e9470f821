//! The rollup's hours of the last 30 days, kept small: 30 paths are some 20,000 of them.

use std::collections::BTreeMap;
use std::iter;
use std::ops::Range;

use canary_domain::{Moment, Outcome};
use canary_store::PathHour;
use chrono::TimeDelta;

use super::tally::{Tally, pass_rate};

/// The hours that are kept.
pub(crate) const KEPT: i64 = 30 * 24;
/// The windows that are made of hours, in hours: a day, a week, 30 days.
pub(crate) const WINDOWS: [i64; 3] = [24, 7 * 24, KEPT];

const HOUR_S: i64 = 3_600;

/// The number of the hour that a moment lies in, since the epoch.
pub(crate) fn hour_of(moment: Moment) -> i64 {
    moment.timestamp().div_euclid(HOUR_S)
}

/// The same of milliseconds since the epoch.
pub(super) fn hour_of_ms(ms: i64) -> i64 {
    ms.div_euclid(HOUR_S * 1_000)
}

/// When an hour begins.
pub(crate) fn begin(hour: i64) -> Moment {
    Moment::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// A bucket of a histogram, in eleven bits, and in five how many latencies it counted: one that counted more has several.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted(u16);

impl Counted {
    const BITS: u32 = 5;
    const MOST: u16 = (1 << Self::BITS) - 1;

    fn several(bucket: u16, count: u64) -> impl Iterator<Item = Self> {
        let most = u64::from(Self::MOST);
        let full = usize::try_from(count / most).unwrap_or(usize::MAX);
        let rest = u16::try_from(count % most).unwrap_or(Self::MOST);
        let counts = iter::repeat_n(Self::MOST, full).chain((rest > 0).then_some(rest));
        counts.map(move |count| Self(bucket << Self::BITS | count))
    }

    fn bucket(self) -> usize {
        usize::from(self.0 >> Self::BITS)
    }

    fn count(self) -> u64 {
        (self.0 & Self::MOST).into()
    }
}

/// One hour of one path. An hour holds at most 3,600 slots, since no period is below a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    slots: [u16; Outcome::ALL.len()],
    latencies: Box<[Counted]>,
    /// Below 0: unknown.
    percentiles: [f32; 3],
}

impl Cell {
    pub(super) fn of_tally(tally: &Tally) -> Self {
        let small = |count: i64| u16::try_from(count).unwrap_or(u16::MAX);
        let latencies =
            tally.latencies().buckets().flat_map(|(bucket, count)| Counted::several(bucket, count));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a percentile is within 1 %, and f32 is far finer"
        )]
        let percentiles = [0.5, 0.95, 0.99].map(|q| tally.quantile(q).map_or(-1.0, |ms| ms as f32));
        Self { slots: tally.slots().map(small), latencies: latencies.collect(), percentiles }
    }

    pub(crate) fn of(&self, outcome: Outcome) -> i64 {
        self.slots[outcome as usize].into()
    }

    pub(crate) fn slots(&self) -> i64 {
        self.slots.iter().map(|count| i64::from(*count)).sum()
    }

    /// Slots that tell how the platform did.
    pub(crate) fn told(&self) -> i64 {
        Outcome::ALL.iter().filter(|outcome| outcome.tells()).map(|outcome| self.of(*outcome)).sum()
    }

    pub(crate) fn pass_rate(&self) -> Option<f64> {
        pass_rate(|outcome| self.of(outcome))
    }

    /// p50, p95 and p99 of the latencies, in milliseconds.
    pub(crate) fn percentiles(&self) -> [Option<f32>; 3] {
        self.percentiles.map(|ms| (ms >= 0.0).then_some(ms))
    }
}

/// The hours of one path with their numbers, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hours(Vec<(i64, Cell)>);

impl Hours {
    pub(crate) fn get(&self, hour: i64) -> Option<&Cell> {
        self.cells(hour..hour + 1).next()
    }

    /// Where these hours are kept.
    fn places(&self, span: Range<i64>) -> Range<usize> {
        let place = |end: i64| self.0.partition_point(|(hour, _)| *hour < end);
        let first = place(span.start);
        first..place(span.end).max(first)
    }

    fn cells(&self, span: Range<i64>) -> impl Iterator<Item = &Cell> {
        self.0[self.places(span)].iter().map(|(_, cell)| cell)
    }

    /// Whether a span of these is the same in those.
    pub(super) fn has(&self, span: Range<i64>, hours: &BTreeMap<i64, Cell>) -> bool {
        let those = hours.iter().filter(|(hour, _)| span.contains(hour));
        self.0[self.places(span.clone())].iter().map(|(hour, cell)| (hour, cell)).eq(those)
    }

    /// The last hour before `end` in which any slot passed.
    pub(super) fn last_pass(&self, end: i64) -> Option<i64> {
        let before = &self.0[self.places(i64::MIN..end)];
        before.iter().rfind(|(_, cell)| cell.of(Outcome::Passed) > 0).map(|(hour, _)| *hour)
    }

    /// Late and failed slots of the hours from `first` on and before `end`.
    pub(super) fn wrong(&self, first: i64, end: i64) -> i64 {
        self.cells(first..end).map(|cell| cell.of(Outcome::Late) + cell.of(Outcome::Failed)).sum()
    }

    /// For each of [`WINDOWS`], what lies in its hours before `end`, as seen in the hour `now`.
    pub(super) fn windows(&self, now: i64, end: i64) -> [Tally; WINDOWS.len()] {
        let mut sum = Sum::default();
        let mut end = end;
        // Each window holds the one before: from the newest hours backwards every hour is looked at once.
        WINDOWS.map(|hours| {
            let first = now - hours;
            self.cells(first..end).for_each(|cell| sum.add(cell));
            end = end.min(first);
            sum.tally()
        })
    }

    /// Puts these in the place of what is kept of a span of hours.
    pub(super) fn replace(&mut self, span: Range<i64>, hours: BTreeMap<i64, Cell>) {
        drop(self.0.splice(self.places(span), hours));
        self.0.shrink_to_fit();
    }

    /// Lets go of the hours before `first`.
    pub(super) fn forget(&mut self, first: i64) {
        self.0.drain(self.places(i64::MIN..first));
    }
}

/// A sum of many hours, with a place for each of a histogram's buckets.
#[derive(Default)]
struct Sum {
    slots: [i64; Outcome::ALL.len()],
    latencies: Vec<u64>,
}

impl Sum {
    fn add(&mut self, cell: &Cell) {
        for (sum, more) in self.slots.iter_mut().zip(cell.slots) {
            *sum += i64::from(more);
        }
        for counted in &cell.latencies {
            let bucket = counted.bucket();
            if bucket >= self.latencies.len() {
                self.latencies.resize(bucket + 1, 0);
            }
            self.latencies[bucket] += counted.count();
        }
    }

    fn tally(&self) -> Tally {
        let buckets = (0..).zip(&self.latencies).filter(|(_, count)| **count > 0);
        Tally::new(self.slots, buckets.map(|(bucket, count)| (bucket, *count)).collect())
    }
}

/// The hours of each path, by their numbers.
pub(super) type ByPath = BTreeMap<String, BTreeMap<i64, Cell>>;

/// Sorts rows of the rollup by path and hour; it has one for each backend that a path had in an hour.
pub(super) fn by_path(rows: Vec<PathHour>) -> ByPath {
    let mut tallies: BTreeMap<String, BTreeMap<i64, Tally>> = BTreeMap::new();
    for row in rows {
        let tally = tally(&row);
        tallies.entry(row.path).or_default().entry(hour_of(row.hour)).or_default().merge(&tally);
    }
    let cells = |hours: BTreeMap<i64, Tally>| {
        hours.into_iter().map(|(hour, tally)| (hour, Cell::of_tally(&tally))).collect()
    };
    tallies.into_iter().map(|(path, hours)| (path, cells(hours))).collect()
}

fn tally(row: &PathHour) -> Tally {
    let mut slots = [0; Outcome::ALL.len()];
    for (outcome, count) in [
        (Outcome::Pending, row.pending),
        (Outcome::Passed, row.passed),
        (Outcome::Late, row.late),
        (Outcome::Failed, row.failed),
        (Outcome::Inconclusive, row.inconclusive),
        (Outcome::Skipped, row.skipped),
        (Outcome::Missed, row.missed),
    ] {
        slots[outcome as usize] = count;
    }
    Tally::new(slots, row.latencies.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Backend, Histogram};

    fn row(hour: i64, backend: Backend, passed: i64, ms: f64) -> PathHour {
        let mut latencies = Histogram::default();
        (0..passed).for_each(|_| latencies.add(ms));
        PathHour {
            path: "p".into(),
            backend,
            hour: begin(hour),
            passed,
            late: 0,
            failed: 1,
            inconclusive: 0,
            skipped: 0,
            missed: 0,
            pending: 0,
            latencies,
        }
    }

    fn hours(rows: Vec<PathHour>) -> Hours {
        let mut hours = Hours::default();
        hours.replace(0..i64::MAX, by_path(rows).remove("p").unwrap_or_default());
        hours
    }

    #[test]
    fn windows_begin_at_a_full_hour_end_where_asked_and_hold_one_another() {
        let now = 1_000;
        let kept = hours((0..=now).map(|hour| row(hour, Backend::Intra, 59, 100.0)).collect());
        let passed = kept.windows(now, now - 2).map(|tally| tally.of(Outcome::Passed) / 59);
        assert_eq!(passed, [22, 7 * 24 - 2, 30 * 24 - 2]);
        let [day, ..] = kept.windows(now, now - 2);
        assert!((day.quantile(0.5).unwrap() / 100.0 - 1.0).abs() < 0.01);
        assert_eq!(kept.windows(now, now - 500)[0], Tally::default(), "all of the day lies after the end");
    }

    #[test]
    fn many_latencies_of_one_bucket_are_all_counted() {
        let passed = [0, 1, 31, 32, 62, 3_600];
        for (hour, passed) in (0..).zip(passed) {
            let kept = hours(vec![row(hour, Backend::Intra, passed, 85_000_000.0)]);
            let [day, ..] = kept.windows(hour, hour + 1);
            assert_eq!(i64::try_from(day.latencies().count()).unwrap(), passed);
            assert_eq!(kept.get(hour).unwrap().percentiles()[0].is_some(), passed > 0);
            assert!(day.quantile(0.5).is_none_or(|ms| (ms / 85_000_000.0 - 1.0).abs() < 0.01));
        }
        assert_eq!(size_of::<(i64, Cell)>(), 56, "30 days of 30 paths are 21,600");
    }

    #[test]
    fn a_path_that_changed_its_backend_within_an_hour_has_both_in_it() {
        let kept = hours(vec![row(7, Backend::Intra, 30, 10.0), row(7, Backend::Async, 30, 1_000.0)]);
        let cell = kept.get(7).unwrap();
        assert_eq!((cell.of(Outcome::Passed), cell.slots()), (60, 62));
        let [p50, p95, _] = cell.percentiles().map(Option::unwrap);
        assert!(p50 < 11.0 && p95 > 980.0);
    }

    #[test]
    fn what_is_read_again_takes_the_place_of_what_was_there() {
        let mut kept = hours(vec![row(5, Backend::Intra, 1, 1.0), row(6, Backend::Intra, 1, 1.0)]);
        let again = by_path(vec![row(6, Backend::Intra, 7, 1.0), row(7, Backend::Intra, 8, 1.0)]);
        kept.replace(6..8, again.into_values().next().unwrap());
        let passed = |hour| kept.get(hour).map(|cell| cell.of(Outcome::Passed));
        assert_eq!([passed(5), passed(6), passed(7)], [Some(1), Some(7), Some(8)]);
        assert_eq!((kept.wrong(6, 8), kept.wrong(8, 6)), (2, 0));
        kept.replace(6..7, BTreeMap::new());
        kept.forget(6);
        assert_eq!([5, 6, 7].map(|hour| kept.get(hour).is_some()), [false, false, true]);
    }
}
