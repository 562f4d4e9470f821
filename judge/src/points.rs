//! Where tests let a judge die (see `canary_failpoints`).

use canary_failpoints::Wait;

canary_failpoints::points! {
    /// tests that are due were read | not judged
    DUE_READ = "judge.due.read";
    /// they were judged | the ledger has no verdict
    VERDICTS_MADE = "judge.verdicts.made";
    /// the ledger has the verdicts | the board was not told
    VERDICTS_WRITTEN = "judge.verdicts.written";
    /// the board knows when to look again | what is over is still open
    LOOKS_SET = "judge.looks.set";
    /// what is over is closed on the board | the next page not read
    TESTS_CLOSED = "judge.tests.closed";
    /// tests that the board lost were read from the ledger | not put back
    LOST_FOUND = "judge.lost.found";
    /// what the ledger waits for was read | not offered to the board
    REFILL_READ = "judge.refill.read";
    /// it was offered | what is decided and still watched was not
    REFILL_OFFERED = "judge.refill.offered";
    /// hours are to be rolled up | nothing written
    HOURS_DUE = "judge.hours.due";
    /// the rollup is in the ledger | not remembered
    HOURS_WRITTEN = "judge.hours.written";
    /// old rows are to be pruned | nothing deleted
    PRUNE_DUE = "judge.prune.due";
    /// old rows are gone | old hours are not
    ROWS_PRUNED = "judge.rows.pruned";
}

/// How long a new leader waits before it prunes.
pub(crate) const FIRST_PRUNE: Wait = Wait { name: "judge.prune.first" };
/// The times that tests shorten.
pub const WAITS: &[Wait] = &[FIRST_PRUNE];
