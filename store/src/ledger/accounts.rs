//! The accounting, from counts of rows (I2).

use std::collections::BTreeMap;

use canary_domain::Outcome;
use sqlx::FromRow;

use super::values::Word;
use super::{Accounting, PathAccount};

/// How many scheduled rows of one path, period and outcome there are, and between which cycles.
#[derive(Debug, FromRow)]
pub(super) struct Count {
    pub(super) path: String,
    period_ms: i64,
    outcome: Word<Outcome>,
    rows: i64,
    first: i64,
    last: i64,
}

/// One scan, from the index alone: a snapshot, so the parts add up whatever is written meanwhile.
pub(super) const COUNTS: &str = "SELECT path, period_ms, outcome, count(*) AS rows, min(cycle) AS first, \
     max(cycle) AS last FROM canary_test_results WHERE canary = $1 AND origin = 'schedule' \
     GROUP BY path, period_ms, outcome";

/// As [`COUNTS`], of the cycles that begin at or after a moment: `$2` on the clock, `$3` in milliseconds. No slot is
/// registered before its cycle begins, so the newest rows have them all.
pub(super) const COUNTS_SINCE: &str = "SELECT path, period_ms, outcome, count(*) AS rows, min(cycle) AS first, \
     max(cycle) AS last FROM canary_test_results WHERE canary = $1 AND origin = 'schedule' \
     AND registered_at >= $2 AND cycle * period_ms >= $3 GROUP BY path, period_ms, outcome";

/// Sums up. The slots of a path are the spans of its periods together: a change of the period starts another
/// numbering, and would otherwise look like years of lost slots.
pub(super) fn accounting(counts: Vec<Count>) -> Accounting {
    let mut spans: BTreeMap<(String, i64), (i64, i64)> = BTreeMap::new();
    let mut paths: BTreeMap<String, PathAccount> = BTreeMap::new();
    for count in counts {
        let span = spans.entry((count.path.clone(), count.period_ms)).or_insert((count.first, count.last));
        *span = (span.0.min(count.first), span.1.max(count.last));
        let account = paths.entry(count.path.clone()).or_insert_with(|| empty(count.path));
        *place(account, count.outcome.0) += count.rows;
    }
    for ((path, _), (first, last)) in spans {
        if let Some(account) = paths.get_mut(&path) {
            account.slots += last - first + 1;
        }
    }
    let paths: Vec<PathAccount> = paths.into_values().map(settled).collect();
    Accounting { residual: paths.iter().map(|account| account.residual.abs()).sum(), paths }
}

fn empty(path: String) -> PathAccount {
    PathAccount {
        path,
        slots: 0,
        passed: 0,
        late: 0,
        failed: 0,
        inconclusive: 0,
        skipped: 0,
        missed: 0,
        pending: 0,
        residual: 0,
    }
}

fn place(account: &mut PathAccount, outcome: Outcome) -> &mut i64 {
    match outcome {
        Outcome::Pending => &mut account.pending,
        Outcome::Passed => &mut account.passed,
        Outcome::Late => &mut account.late,
        Outcome::Failed => &mut account.failed,
        Outcome::Inconclusive => &mut account.inconclusive,
        Outcome::Skipped => &mut account.skipped,
        Outcome::Missed => &mut account.missed,
    }
}

fn settled(account: PathAccount) -> PathAccount {
    let rows = account.passed
        + account.late
        + account.failed
        + account.inconclusive
        + account.skipped
        + account.missed
        + account.pending;
    PathAccount { residual: account.slots - rows, ..account }
}
