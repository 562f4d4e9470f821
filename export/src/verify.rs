//! Compares what a receiver has with what the ledger says it should have, sample by sample.
//!
//! The leader may export rows meanwhile that were not closed when the history was pushed: what the ledger knows of such a
//! row may be there or not, and anything else must not. A receiver shows what it took only after a moment: it is told
//! to, or left alone for as long, and a sample is missing once it stays away.

use std::collections::HashMap;
use std::time::Duration;

use canary_domain::Moment;
use canary_store::ExportRow;
use canary_telemetry::remote_write::{Point, Series};
use chrono::{DateTime, TimeDelta};
use tokio::time::{Instant, sleep};

use crate::backfill::{Backfill, BackfillError, BackfillReport, Progress, Span, after, before};
use crate::leading::PAGE;
use crate::readback::{ReadBack, ReadBackError, Stored};
use crate::samples::Samples;

/// How long a receiver may take to show what it took.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Rows compared at once, about.
const ROWS: i32 = 20_000;
/// Windows are read so much wider than any row's samples are known to lie from its registration.
const MARGIN: TimeDelta = TimeDelta::hours(1);
/// How many differences are told in words.
const EXAMPLES: usize = 10;

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Samples that are there exactly as they should be.
    pub exact: u64,
    /// Samples that are not there.
    pub missing: u64,
    /// Samples that are there with another value.
    pub different: u64,
    /// Samples that are there more than once.
    pub doubled: u64,
    /// Samples that the ledger knows nothing of.
    pub unknown: u64,
    /// The first differences, in words.
    pub examples: Vec<String>,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The rows could not be read.
    #[error(transparent)]
    Rows(#[from] BackfillError),
    /// The samples could not be read.
    #[error(transparent)]
    Samples(#[from] ReadBackError),
}

impl Verification {
    /// Whether there is no difference at all.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.missing + self.different + self.doubled + self.unknown == 0
    }

    fn add(&mut self, window: Self) {
        self.exact += window.exact;
        self.missing += window.missing;
        self.different += window.different;
        self.doubled += window.doubled;
        self.unknown += window.unknown;
        self.examples.extend(window.examples);
        self.examples.truncate(EXAMPLES);
    }

    fn example(&mut self, what: &str, series: &Series, (at, value): (i64, f64)) {
        if self.examples.len() < EXAMPLES {
            let at = DateTime::from_timestamp_millis(at).map(canary_domain::iso).unwrap_or_default();
            self.examples.push(format!("{what}: {series} {value} at {at}"));
        }
    }
}

impl Backfill {
    /// Compares all that [`Backfill::run`] pushed with what can be read back.
    ///
    /// # Errors
    /// When the ledger or the receiver can't be read.
    pub async fn verify(
        &self,
        report: &BackfillReport,
        from: &ReadBack,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Verification, VerifyError> {
        from.settle().await;
        let (begin, end) = (report.since - report.widest, report.as_of);
        let rows = i32::try_from(report.rows / ROWS.unsigned_abs() as u64).unwrap_or(i32::MAX);
        let width = ((end - begin) / rows.saturating_add(1)).max(TimeDelta::seconds(1));
        let mut verification = Verification::default();
        let mut span = Span::new(begin, end);
        let mut at = begin;
        while at < end {
            let window = Window { from: at, until: (at + width).min(end) };
            let found = self.verify_window(report, from, &window).await?;
            span.add(0, usize::try_from(found.exact).unwrap_or_default());
            verification.add(found);
            at = window.until;
            progress(span.progress(at, None));
        }
        Ok(verification)
    }

    async fn verify_window(
        &self,
        report: &BackfillReport,
        from: &ReadBack,
        window: &Window,
    ) -> Result<Verification, VerifyError> {
        let started = Instant::now();
        loop {
            let (first, last) = (window.from.timestamp_millis(), window.until.timestamp_millis());
            // Rows after samples: whatever was exported before has its row by then.
            let stored = from.read(&self.canary, first, last).await?;
            let wanted = self.wanted(report, window).await?;
            let found = wanted.compare(stored);
            if found.missing == 0 || started.elapsed() > PATIENCE {
                return Ok(found);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// The samples of all rows that may have some in the window.
    async fn wanted(&self, report: &BackfillReport, window: &Window) -> Result<Wanted, VerifyError> {
        let margin = report.widest + MARGIN;
        let mut wanted = Wanted::new(&self.canary);
        let mut at = before(window.from - margin);
        loop {
            let page = self.page(at, window.until + margin).await?;
            for row in &page {
                let pushed = row.registered_at >= report.since
                    && row.registered_at < report.as_of
                    && report.closed.is_closed(row);
                wanted.add(row, pushed, window);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => at = after(last),
                Some(_) | None => return Ok(wanted),
            }
        }
    }
}

/// A span of samples' moments, the end excluded.
struct Window {
    from: Moment,
    until: Moment,
}

/// What should be there, and what may be.
struct Wanted {
    samples: Samples,
    /// By place of the series in the table and milliseconds: the value, and whether it has to be there.
    points: HashMap<(usize, i64), (f64, bool)>,
    scratch: Vec<Point>,
}

impl Wanted {
    fn new(canary: &str) -> Self {
        Self { samples: Samples::new(canary), points: HashMap::new(), scratch: Vec::new() }
    }

    fn add(&mut self, row: &ExportRow, pushed: bool, window: &Window) {
        let span = window.from.timestamp_millis()..window.until.timestamp_millis();
        self.scratch.clear();
        self.samples.add(row, &mut self.scratch);
        for point in self.scratch.iter().filter(|point| span.contains(&point.at_ms)) {
            self.points.insert((point.series, point.at_ms), (point.value, pushed));
        }
    }

    fn compare(mut self, stored: Stored) -> Verification {
        let mut found = Verification::default();
        let places: HashMap<&Series, usize> =
            self.samples.table().iter().enumerate().map(|(place, series)| (series, place)).collect();
        for (series, mut samples) in stored {
            samples.sort_by_key(|(at, _)| *at);
            for (n, (at, value)) in samples.iter().copied().enumerate() {
                if n > 0 && samples[n - 1].0 == at {
                    found.doubled += 1;
                    found.example("doubled", &series, (at, value));
                    continue;
                }
                match places.get(&series).and_then(|place| self.points.remove(&(*place, at))) {
                    Some((wanted, _)) if wanted.to_bits() == value.to_bits() => found.exact += 1,
                    Some(_) => {
                        found.different += 1;
                        found.example("different", &series, (at, value));
                    }
                    None => {
                        found.unknown += 1;
                        found.example("unknown", &series, (at, value));
                    }
                }
            }
        }
        for ((place, at), (value, _)) in self.points.iter().filter(|(_, (_, pushed))| *pushed) {
            found.missing += 1;
            found.example("missing", &self.samples.table()[*place], (*at, *value));
        }
        found
    }
}
