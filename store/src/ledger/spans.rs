//! Which cycles have rows: the same SQL for both databases.

use sqlx::FromRow;

use super::SlotSpan;

/// The first and last cycle of each path with period `$2`. It jumps along the index from path to path and asks
/// for each path's two ends, so its cost is that of the paths, not of the rows.
pub(super) const SPANS: &str = "WITH RECURSIVE paths(path) AS (
        SELECT min(path) FROM canary_test_results WHERE canary = $1 AND origin = 'schedule'
        UNION ALL
        SELECT (SELECT min(next.path) FROM canary_test_results AS next
                WHERE next.canary = $1 AND next.origin = 'schedule' AND next.path > paths.path)
        FROM paths WHERE paths.path IS NOT NULL
    ), spans AS (
        SELECT path,
            (SELECT min(cycle) FROM canary_test_results AS ends WHERE ends.canary = $1
                AND ends.origin = 'schedule' AND ends.path = paths.path AND ends.period_ms = $2) AS first,
            (SELECT max(cycle) FROM canary_test_results AS ends WHERE ends.canary = $1
                AND ends.origin = 'schedule' AND ends.path = paths.path AND ends.period_ms = $2) AS last
        FROM paths WHERE path IS NOT NULL
    )
    SELECT path, first, last FROM spans WHERE first IS NOT NULL";

/// A row of [`SPANS`].
#[derive(Debug, FromRow)]
pub(super) struct Span {
    path: String,
    first: i64,
    last: i64,
}

impl From<Span> for SlotSpan {
    fn from(span: Span) -> Self {
        Self { path: span.path, first: span.first, last: span.last }
    }
}

/// Cycles of one path, `first` and `last` included.
pub(super) struct Range<'a> {
    pub(super) path: &'a str,
    pub(super) period_ms: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    /// How many gaps to name at most.
    pub(super) limit: i64,
}
