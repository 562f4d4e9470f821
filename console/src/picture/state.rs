//! The picture itself: every path of the plan, the marks on the time line, and the feed of changes.

use std::ops::Range;
use std::sync::Arc;

use canary_domain::Moment;
use canary_store::{Annotation, Brief};

use super::feed::Feed;
use super::hours::ByPath;
use super::path::{Before, Lookback, PathKept};
use super::span::Span;
use crate::plan::Plan;

/// The ledger as it was read last.
#[derive(Debug)]
pub(crate) struct State {
    /// When that was.
    pub(crate) as_of: Moment,
    /// In the plan's order.
    pub(crate) paths: Vec<Arc<PathKept>>,
    /// Marks of the last 30 days, oldest first.
    pub(crate) marks: Arc<Vec<Annotation>>,
    /// The newest changes.
    pub(crate) feed: Feed,
    /// Grows whenever slots, hours or marks changed.
    pub(crate) version: u64,
    span: Span,
}

/// What a long answer is made from, while the picture goes on.
#[derive(Clone, Debug)]
pub(crate) struct Glance {
    pub(crate) as_of: Moment,
    pub(crate) paths: Vec<Arc<PathKept>>,
    pub(crate) marks: Arc<Vec<Annotation>>,
    pub(crate) version: u64,
}

/// Something that was read of the ledger.
#[derive(Debug)]
pub(super) enum Piece {
    /// Rows, however they came.
    Rows(Vec<Brief>),
    /// A span of the rollup's hours.
    Hours(Range<i64>, ByPath),
    /// How a path stood before its kept slots.
    Before(usize, Before),
    /// All marks.
    Marks(Vec<Annotation>),
}

impl State {
    /// A picture without anything in it, begun at `now`.
    pub(super) fn begin(plan: &Plan, now: Moment, feed: Feed) -> Self {
        let span = Span::new(now, plan.cadence);
        let paths = plan.paths.iter().map(|_| Arc::new(PathKept::new(span))).collect();
        Self { as_of: now, paths, marks: Arc::default(), feed, version: 0, span }
    }

    /// Takes everything along but the feed.
    pub(crate) fn glance(&self) -> Glance {
        let (paths, marks) = (self.paths.clone(), Arc::clone(&self.marks));
        Glance { as_of: self.as_of, paths, marks, version: self.version }
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    pub(super) fn lookback(&self, path: usize) -> Lookback {
        self.paths[path].lookback()
    }

    /// Takes a row, if it is a slot of a path of the plan and not too old; what was fired outside any slot has no cycle.
    pub(super) fn take(&mut self, plan: &Plan, brief: &Arc<Brief>) {
        if let Some(index) = plan.paths.iter().position(|path| path.name == brief.path) {
            self.version += u64::from(Arc::make_mut(&mut self.paths[index]).take(brief));
        }
    }

    /// Takes what was read, in the place of what is there of it.
    pub(super) fn put(&mut self, plan: &Plan, piece: Piece) {
        match piece {
            Piece::Rows(rows) => rows.into_iter().for_each(|row| self.take(plan, &Arc::new(row))),
            Piece::Hours(span, mut hours) => {
                for (path, kept) in plan.paths.iter().zip(&mut self.paths) {
                    let hours = hours.remove(&path.name).unwrap_or_default();
                    self.version += u64::from(Arc::make_mut(kept).take_hours(span.clone(), hours));
                }
            }
            Piece::Before(path, before) => {
                Arc::make_mut(&mut self.paths[path]).set_before(before);
                self.version += 1;
            }
            Piece::Marks(marks) => {
                if *self.marks != marks {
                    self.marks = Arc::new(marks);
                    self.version += 1;
                }
            }
        }
    }

    /// Goes on to `now`: what has become old leaves.
    pub(super) fn go_on(&mut self, plan: &Plan, now: Moment) {
        let span = Span::new(now, plan.cadence);
        if span.hour < self.span.hour {
            return;
        }
        for kept in self.paths.iter_mut().filter(|kept| kept.is_behind(span)) {
            Arc::make_mut(kept).go_on(span);
        }
        self.version += u64::from(span.hour != self.span.hour);
        self.span = span;
    }
}
