//! The rounds of one leadership.

use canary_domain::Moment;
use canary_store::{ExportMark, ExportRow, Leadership, NotLeading, StoreError};
use canary_telemetry::Exported;
use tracing::{debug, info};

use crate::closed::Closed;
use crate::course::Course;
use crate::delivery::{Delivery, Right, Undelivered};
use crate::exporter::Exporter;
use crate::points;
use crate::receiver::Absence;
use crate::samples::Samples;

/// Rows read, and pushed, at once.
pub(crate) const PAGE: usize = 5_000;

/// Why a round ended early. What it had not finished is sent by the next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Board(StoreError),
    #[error(transparent)]
    Ledger(StoreError),
    #[error(transparent)]
    Away(#[from] Absence),
}

impl From<Undelivered> for RoundError {
    fn from(why: Undelivered) -> Self {
        match why {
            Undelivered::NotLeading(ended) => Self::NotLeading(ended),
            Undelivered::Away(absence) => Self::Away(absence),
        }
    }
}

/// A leadership, and what it has done.
pub(crate) struct Leading<'a> {
    exporter: &'a Exporter,
    lead: &'a Leadership,
    samples: Samples,
    /// `None` until the mark was read.
    course: Option<Course>,
    began: Moment,
}

impl<'a> Leading<'a> {
    pub fn new(exporter: &'a Exporter, lead: &'a Leadership) -> Self {
        let samples = Samples::new(&exporter.settings.canary);
        Self { exporter, lead, samples, course: None, began: exporter.parts.clock.now() }
    }

    /// Pushes all that is closed beyond the mark, then moves the mark past what was accepted long enough ago.
    pub async fn round(&mut self) -> Result<(), RoundError> {
        let parts = &self.exporter.parts;
        let mut course = match self.course.take() {
            Some(course) => course,
            None => self.begin().await?,
        };
        let pushed = match Closed::ask(&*parts.board, parts.clock.now()).await {
            Ok(closed) => self.push(&mut course, &closed).await,
            Err(cause) => Err(RoundError::Board(cause)),
        };
        self.course = Some(course);
        pushed
    }

    /// How long the oldest closed row has waited, to the metrics.
    pub fn tell_lag(&self) {
        let now = self.exporter.parts.clock.now();
        let unknown = || (now - self.began).to_std().unwrap_or_default();
        self.exporter.parts.metrics.lag(self.course.as_ref().map_or_else(unknown, |course| course.lag(now)));
    }

    async fn push(&mut self, course: &mut Course, closed: &Closed) -> Result<(), RoundError> {
        let mut after = course.mark();
        loop {
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let page = self.exporter.parts.ledger.export_changes(after, limit).await;
            let page = page.map_err(RoundError::Ledger)?;
            let until = page.iter().position(|row| !closed.is_closed(row)).unwrap_or(page.len());
            let (rows, rest) = page.split_at(until);
            if let Some(end) = rows.last().and_then(end) {
                points::PAGE_READ.reached();
                self.push_page(course, closed, rows).await?;
                points::PAGE_PUSHED.reached();
                course.accept(end);
                after = end.change;
            }
            self.move_mark(course).await?;
            if until < PAGE {
                course.waits(rest.first(), closed.now);
                return Ok(());
            }
        }
    }

    async fn push_page(
        &mut self,
        course: &mut Course,
        closed: &Closed,
        rows: &[ExportRow],
    ) -> Result<(), RoundError> {
        let parts = &self.exporter.parts;
        let front = course.front();
        let repeated_rows = rows.partition_point(|row| row.change.is_some_and(|change| change <= front));
        let mut points = Vec::with_capacity(rows.len() * 3);
        let (again, new_rows) = rows.split_at(repeated_rows);
        let wanted = |row: &&ExportRow| !course.passes_over(row);
        again.iter().filter(wanted).for_each(|row| self.samples.add(row, &mut points));
        let repeated = points.len();
        new_rows.iter().filter(wanted).for_each(|row| self.samples.add(row, &mut points));
        let new = points.len() - repeated;
        if let Some(row) = new_rows.first() {
            course.waits(Some(row), closed.now);
        }
        let mut delivery = Delivery {
            receiver: &parts.receiver,
            table: self.samples.table(),
            right: Right::Leading(self.lead),
            aside: &mut course.aside,
            page: rows.last().and_then(|row| row.change).unwrap_or(front),
        };
        let set_aside = delivery.deliver(&mut points).await?;
        debug!(rows = rows.len(), new, repeated, set_aside, "pushed");
        parts.metrics.samples(Exported::Accepted, new.saturating_sub(set_aside));
        parts.metrics.samples(Exported::Repeated, repeated);
        parts.metrics.samples(Exported::SetAside, set_aside);
        Ok(())
    }

    /// Where this leadership begins.
    async fn begin(&self) -> Result<Course, RoundError> {
        let parts = &self.exporter.parts;
        let mark = parts.ledger.export_mark(parts.receiver.name()).await.map_err(RoundError::Ledger)?;
        if let Some(mark) = mark {
            return Ok(Course::marked(mark, self.began));
        }
        let latest = parts.ledger.latest_change().await.map_err(RoundError::Ledger)?;
        info!(receiver = parts.receiver.name(), "nothing was exported there before: it gets the last month");
        Ok(Course::unmarked(latest, self.began))
    }

    async fn move_mark(&self, course: &mut Course) -> Result<(), RoundError> {
        let parts = &self.exporter.parts;
        let overlap = points::OVERLAP.or(self.exporter.settings.overlap);
        let Some(mark) = course.ripe(overlap) else { return Ok(()) };
        self.lead.check()?;
        points::MARK_DUE.reached();
        let saved = parts.ledger.save_export_mark(parts.receiver.name(), mark, parts.clock.now()).await;
        if !saved.map_err(RoundError::Ledger)? {
            debug!(change = mark.change, "the mark is there already, or beyond");
        }
        points::MARK_MOVED.reached();
        course.moved(mark);
        Ok(())
    }
}

/// The place after this row.
fn end(row: &ExportRow) -> Option<ExportMark> {
    Some(ExportMark { change: row.change?, registered_at: row.registered_at, test_id: row.test_id })
}
