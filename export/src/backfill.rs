//! Pushes history on order (`canary export --since`): the same samples that the leader pushes, so that both may do so at
//! once, and it may be done again.
//!
//! It reads by registration, not by change, and keeps no mark: it also finds the rows that were judged before there was
//! a change feed. What is not closed yet is left to the leader.

use std::sync::Arc;

use canary_domain::{Clock, Moment, TestId, backoff};
use canary_store::{Board, ExportRow, Ledger, StoreError};
use canary_telemetry::remote_write::Point;
use chrono::TimeDelta;
use tokio::time::sleep;
use uuid::Uuid;

use crate::Receiver;
use crate::closed::Closed;
use crate::delivery::{Aside, Delivery, Right};
use crate::leading::PAGE;
use crate::samples::{Samples, stamped_at};

/// An order to push history.
pub struct Backfill {
    /// The deployment's name: the label `canary`.
    pub canary: String,
    /// The rows.
    pub ledger: Arc<dyn Ledger>,
    /// Which tests are open; an empty board where it is another process's memory.
    pub board: Arc<dyn Board>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// Where samples go.
    pub receiver: Receiver,
}

/// How far a long work has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Rows dealt with.
    pub rows: u64,
    /// Their samples.
    pub samples: u64,
    /// The share of the time span that is done, 0 to 1.
    pub share: f64,
    /// Why it stands still, while the receiver is waited for.
    pub waiting: Option<String>,
}

/// What was pushed.
#[derive(Debug)]
pub struct BackfillReport {
    /// From when on rows were read, by registration.
    pub since: Moment,
    /// As of when they were closed.
    pub as_of: Moment,
    /// Rows pushed.
    pub rows: u64,
    /// Samples the receiver took.
    pub samples: u64,
    /// Samples that the receiver refuses, each named in the log up to ten a page.
    pub set_aside: u64,
    /// Rows with a verdict that are not closed yet: the leader exports them.
    pub not_closed: u64,
    /// What was closed then.
    pub(crate) closed: Closed,
    /// The farthest that a row's samples lie from its registration.
    pub(crate) widest: TimeDelta,
}

/// Why history could not be pushed; what was pushed may be pushed again.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The rows could not be read.
    #[error(transparent)]
    Ledger(StoreError),
    /// The open tests could not be read.
    #[error(transparent)]
    Board(StoreError),
}

/// Where a work of so many rows by registration stands.
pub(crate) struct Span {
    from: Moment,
    until: Moment,
    rows: u64,
    samples: u64,
}

impl Span {
    pub fn new(from: Moment, until: Moment) -> Self {
        Self { from, until, rows: 0, samples: 0 }
    }

    pub fn add(&mut self, rows: usize, samples: usize) {
        self.rows += rows as u64;
        self.samples += samples as u64;
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of a progress bar")]
    pub fn progress(&self, reached: Moment, waiting: Option<String>) -> Progress {
        let ms = |moment: Moment| (moment - self.from).num_milliseconds() as f64;
        let share = (ms(reached) / ms(self.until).max(1.0)).clamp(0.0, 1.0);
        Progress { rows: self.rows, samples: self.samples, share, waiting }
    }
}

/// Before all rows that are registered at this moment.
pub(crate) fn before(at: Moment) -> (Moment, TestId) {
    (at, TestId::from(Uuid::nil()))
}

/// After this row.
pub(crate) fn after(row: &ExportRow) -> (Moment, TestId) {
    (row.registered_at, row.test_id)
}

impl Backfill {
    /// Pushes all closed rows registered at or after `since`, oldest first. A receiver that is away is waited for, for as
    /// long as the caller lets this run; `progress` tells why it waits.
    ///
    /// # Errors
    /// When the ledger or the board fails.
    pub async fn run(
        &self,
        since: Moment,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<BackfillReport, BackfillError> {
        let as_of = self.clock.now();
        let closed = Closed::ask(&*self.board, as_of).await.map_err(BackfillError::Board)?;
        let mut work = Work {
            order: self,
            samples: Samples::new(&self.canary),
            span: Span::new(since, as_of),
            aside: Aside::default(),
            progress: &mut progress,
            report: BackfillReport {
                since,
                as_of,
                rows: 0,
                samples: 0,
                set_aside: 0,
                not_closed: 0,
                closed,
                widest: TimeDelta::zero(),
            },
        };
        let mut at = before(since);
        loop {
            let page = self.page(at, as_of).await?;
            work.push(&page).await;
            match page.last() {
                Some(last) if page.len() == PAGE => at = after(last),
                Some(_) | None => break,
            }
        }
        let Work { span, report, .. } = work;
        progress(span.progress(as_of, None));
        Ok(report)
    }

    /// The rows that follow, with a verdict, closed or not.
    pub(crate) async fn page(
        &self,
        at: (Moment, TestId),
        until: Moment,
    ) -> Result<Vec<ExportRow>, BackfillError> {
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        self.ledger.export_span(at, until, limit).await.map_err(BackfillError::Ledger)
    }
}

/// A backfill on its way.
struct Work<'a> {
    order: &'a Backfill,
    samples: Samples,
    span: Span,
    aside: Aside,
    progress: &'a mut (dyn FnMut(Progress) + Send),
    report: BackfillReport,
}

impl Work<'_> {
    /// Pushes what is closed of a page, however long that takes.
    async fn push(&mut self, page: &[ExportRow]) {
        let Some(last) = page.last() else { return };
        let mut points = Vec::with_capacity(page.len() * 3);
        let mut rows = 0;
        for row in page.iter().filter(|row| self.report.closed.is_closed(row)) {
            self.samples.add(row, &mut points);
            self.report.widest = self.report.widest.max((stamped_at(row) - row.registered_at).abs());
            rows += 1;
        }
        let samples = points.len();
        let set_aside = self.deliver(&mut points, last.registered_at).await;
        self.report.rows += rows as u64;
        self.report.not_closed += (page.len() - rows) as u64;
        self.report.samples += (samples - set_aside) as u64;
        self.report.set_aside += set_aside as u64;
        self.span.add(rows, samples);
        (self.progress)(self.span.progress(last.registered_at, None));
    }

    async fn deliver(&mut self, points: &mut Vec<Point>, reached: Moment) -> usize {
        let mut delays = backoff();
        loop {
            let mut delivery = Delivery {
                receiver: &self.order.receiver,
                table: self.samples.table(),
                right: Right::Ordered,
                aside: &mut self.aside,
                page: 0,
            };
            match delivery.deliver(points).await {
                Ok(set_aside) => return set_aside,
                Err(why) => {
                    let patience = why.wait().max(delays.next()).unwrap_or_default();
                    (self.progress)(self.span.progress(reached, Some(why.to_string())));
                    sleep(patience).await;
                }
            }
        }
    }
}
