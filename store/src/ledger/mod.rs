//! The ledger: the durable history, a row a slot (design §5).
//!
//! A row once written is never lost: it only moves from pending to a verdict, and from one revision to a
//! higher one (I6). The unique slot is what makes "one slot, one transfer" safe whoever leads (I1).

mod access;
mod accounts;
mod amend;
mod briefs;
mod columns;
mod evidence;
mod export;
mod failure;
mod hours;
mod kept;
mod migrator;
mod notes;
mod outbox;
mod pages;
mod postgres;
mod record;
mod spans;
mod sqlite;
mod values;
mod verdicts;

use async_trait::async_trait;
use canary_domain::{Backend, Facts, Hold, Moment, Outcome, Reason, SlotKey, Term, Test, TestId, Verdict};
use serde::{Deserialize, Serialize};

pub use briefs::Brief;
pub use evidence::{Evidence, LogSearch, Observation, Unsearched, Watcher};
pub use export::{ExportMark, ExportRow, Route};
pub use hours::PathHour;
pub use kept::KeptRow;
pub use notes::PlacedHold;
pub use outbox::{Ending, Notice, Outbox, Step, Telling, Told, ToldState};
pub use postgres::PostgresLedger;
pub use sqlite::SqliteLedger;

use crate::Result;

/// How a claim went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The pending row is ours.
    Claimed,
    /// The slot has a row already.
    Taken,
}

/// A slot that was not fired: skipped or missed, by its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfired {
    /// The test that would have been; `registered_at` is the moment the slot was due.
    pub test: Test,
    /// Why not.
    pub reason: Reason,
    /// When that was certain.
    pub at: Moment,
}

/// What the judge writes of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct FactsRow {
    /// All that is known.
    pub facts: Facts,
    /// What was decided; `None` leaves the row pending and only adds the facts.
    pub verdict: Option<Verdict>,
    /// When.
    pub judged_at: Moment,
    /// The judge's term. A row judged in a higher term is left alone, so that a judge that lost its lease
    /// while it was writing can't undo what its successor knew better.
    pub judge_term: Term,
}

/// A row that got its first verdict, or changed its verdict or its facts after one. What happens to a row while it
/// is pending is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row.
    pub test_id: TestId,
    /// Its outcome before; `None` if it had no row.
    pub before: Option<Outcome>,
    /// The reason for that.
    pub reason_before: Option<Reason>,
    /// Its outcome now.
    pub after: Outcome,
    /// Its revision now.
    pub revision: i32,
}

/// The cycles of a path that have rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotSpan {
    /// The path.
    pub path: String,
    /// The first cycle with a row.
    pub first: i64,
    /// The last cycle with a row.
    pub last: i64,
}

/// Which rows to read. All that is given has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Rows of this path.
    pub path: Option<String>,
    /// Rows of this backend.
    pub backend: Option<Backend>,
    /// Rows of this outcome.
    pub outcome: Option<Outcome>,
    /// Registered at or after this moment.
    pub from: Option<Moment>,
    /// Registered before this moment.
    pub to: Option<Moment>,
}

/// A page of rows, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<ResultRow>,
    /// Where the next page begins, if there is one: registration and id of this page's last row. Rows that
    /// arrive later never shift it.
    pub next: Option<(Moment, TestId)>,
}

/// One row as it stands in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultRow {
    /// The facts it holds. `Facts::restored` is false: the ledger forgets nothing.
    pub facts: Facts,
    /// The moment by which it had to be done.
    pub deadline_at: Option<Moment>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// Names of the groups not met.
    pub missing: Vec<String>,
    /// When the done rule became true.
    pub completed_at: Option<Moment>,
    /// The moment the verdict is about.
    pub decided_as_of: Option<Moment>,
    /// When it was judged.
    pub judged_at: Option<Moment>,
    /// Milliseconds from firing to completion.
    pub latency_ms: Option<f64>,
    /// The words of [`canary_domain::LatencyBasis`].
    pub latency_basis: Option<canary_domain::LatencyBasis>,
    /// Bound of the latency's error from the clocks, in milliseconds.
    pub clock_error_ms: Option<f64>,
    /// Of a call without a good answer: whether it landed all the same.
    pub landed: Option<bool>,
    /// 0 while pending, 1 with the first verdict, one more with each change after that.
    pub revision: i32,
    /// The term of the judge that wrote it last; 0: none did.
    pub judge_term: Term,
}

/// The slots of one path, by outcome (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathAccount {
    /// The path.
    pub path: String,
    /// Slots that time has made: from the first cycle with a row to the last.
    pub slots: i64,
    /// Rows by outcome.
    pub passed: i64,
    /// Rows by outcome.
    pub late: i64,
    /// Rows by outcome.
    pub failed: i64,
    /// Rows by outcome.
    pub inconclusive: i64,
    /// Rows by outcome.
    pub skipped: i64,
    /// Rows by outcome.
    pub missed: i64,
    /// Rows by outcome.
    pub pending: i64,
    /// `slots` less all the others: 0, or the canary has lost a slot.
    pub residual: i64,
}

/// The accounting of all paths (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// A row a path, by name.
    pub paths: Vec<PathAccount>,
    /// The sum of the paths' absolute residuals.
    pub residual: i64,
}

/// Who did what (design §13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Moment,
    /// Who, by the name of the token.
    pub actor: String,
    /// The role of the token.
    pub role: String,
    /// The word for what was done: `pause`, `resume`, `fire`, `maintenance`.
    pub action: String,
    /// The path it was done to.
    pub path: Option<String>,
    /// What else there is to say.
    pub detail: Option<String>,
    /// The address it came from.
    pub remote: Option<String>,
}

/// A mark on the time line: a process start, a leader change, a maintenance window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// When.
    pub at: Moment,
    /// `process_start`, `leader_change`, `maintenance`.
    pub kind: String,
    /// One line.
    pub text: String,
    /// The instance it is about.
    pub node: Option<String>,
}

/// The durable history of one deployment. Each function is one question or one bounded write; each
/// fails with [`StoreError`](crate::StoreError) within a few seconds when the ledger is away.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The ledger's name for messages: its make, host and port or path, never a password.
    fn describe(&self) -> String;

    /// Whether it answers, with a schema this program can use.
    async fn ping(&self) -> Result<()>;

    /// Brings the schema up to date; safe when several instances do it at once.
    async fn migrate(&self) -> Result<()>;

    /// The slot key of the deployment: the one that is kept, or `fresh` if there was none.
    async fn slot_key(&self, fresh: &SlotKey) -> Result<SlotKey>;

    /// Claims a slot by inserting its pending row (I1). Tests without a slot are just written.
    async fn claim(&self, test: &Test) -> Result<Claim>;

    /// Writes rows of slots that were not fired; slots that have a row are left alone. Answers those written.
    async fn write_unfired(&self, rows: &[Unfired]) -> Result<Vec<TestId>>;

    /// The cycles of each path that have rows with this period.
    async fn slot_spans(&self, period_ms: i64) -> Result<Vec<SlotSpan>>;

    /// The cycles between `first` and `last` (both included) that have no row, ascending, at most `limit`.
    #[expect(clippy::too_many_arguments, reason = "the five say one thing: which slots of which path")]
    async fn gaps(&self, path: &str, period_ms: i64, first: i64, last: i64, limit: i64) -> Result<Vec<i64>>;

    /// Writes what the judge knows, in one transaction: inserts rows that are not there, and changes rows only when
    /// the content differs, from pending or to the next revision (I6). Never takes a verdict back to
    /// pending, and leaves rows of a higher `judge_term` alone. Answers what changed, not what was the same.
    ///
    /// `judged_at` and `judge_term` alone are no difference. What named the slot when the row was written stays: path,
    /// cycle, period, origin, `registered_at`. A test that was fired takes the place of a row that says its slot was
    /// not, never the other way round. A record whose slot has the row of another test id is left out and logged.
    async fn record(&self, rows: &[FactsRow]) -> Result<Vec<Change>> {
        self.record_observed(rows, None).await
    }

    /// As [`Ledger::record`], and keeps with each row that changed how the observers were, if its verdict asks for that:
    /// it failed, or they were blind. What was kept with a row once stays, whatever becomes of it.
    async fn record_observed(&self, rows: &[FactsRow], observed: Option<&Observation>)
    -> Result<Vec<Change>>;

    /// What is kept of a failure beside its row.
    async fn evidence(&self, test: TestId) -> Result<Option<Evidence>>;

    /// Pending rows registered before this moment, slots and ordered tests alike, oldest first, at most `limit`.
    async fn pending(&self, before: Moment, limit: i64) -> Result<Vec<Facts>>;

    /// The rows of these tests, in any order; those that are not there are left out.
    async fn rows(&self, tests: &[TestId]) -> Result<Vec<ResultRow>>;

    /// A page of rows, newest registration first, at most `limit`, after `cursor`.
    async fn results(&self, filter: &Filter, cursor: Option<(Moment, TestId)>, limit: i64) -> Result<Page>;

    /// The number of the latest change; 0: there was none yet. All changes up to it can be read.
    async fn latest_change(&self) -> Result<i64>;

    /// Rows of all origins whose last change has a number above `after`, ascending by it, at most `limit`.
    ///
    /// Whoever asks again with the last number it got misses none: no number appears after a higher one has. There are
    /// gaps between them. A row that is changed again moves to its new number, so a reader that comes late finds it
    /// there alone, as it is now.
    async fn changes(&self, after: i64, limit: i64) -> Result<Vec<Brief>>;

    /// Rows of all origins by registration and id: those that follow `after`, of this outcome if one is given, at most
    /// `limit`.
    async fn briefs(
        &self,
        after: (Moment, TestId),
        outcome: Option<Outcome>,
        limit: i64,
    ) -> Result<Vec<Brief>>;

    /// The accounting of all scheduled slots (I2). It reads as much as there is history.
    async fn accounting(&self) -> Result<Accounting>;

    /// The accounting of the scheduled slots whose cycles begin at or after `since`, as if those were all. It reads
    /// what is that young, and nothing else.
    async fn accounting_since(&self, since: Moment) -> Result<Accounting>;

    /// Recomputes the hourly rollups of all hours with a scheduled row judged at or after `since`; answers how many
    /// rows of the rollup that were. A slot counts in the hour that its cycle begins in. An hour that has fewer slots
    /// than its rollup counts was pruned in part: the rollup stays.
    async fn roll_up(&self, since: Moment) -> Result<u64>;

    /// The hourly rollups of the hours that begin at or after `since` and before `before`, by hour and path. A histogram
    /// takes a kilobyte: who wants many hours of many paths asks for some at a time.
    async fn hours(&self, since: Moment, before: Moment) -> Result<Vec<PathHour>>;

    /// Deletes at most `limit` rows registered before `before`, the oldest first; answers how many. Never a pending
    /// one, nor one that is newer than a pending row of its path: spans stay whole (I2).
    async fn prune(&self, before: Moment, limit: i64) -> Result<u64>;

    /// Deletes at most `limit` hourly rows of hours before `before`.
    async fn prune_hourly(&self, before: Moment, limit: i64) -> Result<u64>;

    /// Holds that were on at or after `since`, or are still to come; the earliest first. Each ends when it really did, or
    /// is planned to; those that were taken back before they began are left out.
    async fn holds(&self, since: Moment) -> Result<Vec<Hold>>;

    /// Puts a hold on; `false` if it is a pause without end of a path that has one already, which stays as it is. (One that
    /// was to begin later begins with this one.)
    async fn place_hold(&self, hold: &Hold, actor: &str, reason: &str) -> Result<bool>;

    /// Ends all pauses of a path at `at`, also those to come; answers how many there were.
    async fn lift_pause(&self, path: &str, at: Moment) -> Result<u64>;

    /// As [`Ledger::holds`], with who placed them.
    async fn placed_holds(&self, since: Moment) -> Result<Vec<PlacedHold>>;

    /// Of [`Ledger::placed_holds`], the maintenance windows.
    async fn windows(&self, since: Moment) -> Result<Vec<PlacedHold>>;

    /// Ends the maintenance windows that are on at `at`, of all paths and of single ones, and takes back those to
    /// come; answers how many there were. What was planned is kept.
    async fn end_maintenance(&self, at: Moment) -> Result<u64>;

    /// Adds to the audit trail.
    async fn audit(&self, entry: &AuditEntry) -> Result<()>;

    /// Adds a mark to the time line.
    async fn annotate(&self, annotation: &Annotation) -> Result<()>;

    /// The newest `limit` marks at or after `since`, oldest first.
    async fn annotations(&self, since: Moment, limit: i64) -> Result<Vec<Annotation>>;

    /// Scheduled rows whose last change has a number above `after`, ascending by it, at most `limit`: of
    /// [`Ledger::changes`], what is exported.
    async fn export_changes(&self, after: i64, limit: i64) -> Result<Vec<ExportRow>>;

    /// Scheduled rows with a verdict, by registration and id: those that follow `after` and were registered before
    /// `before`, at most `limit`.
    async fn export_span(
        &self,
        after: (Moment, TestId),
        before: Moment,
        limit: i64,
    ) -> Result<Vec<ExportRow>>;

    /// The number of the change that the export to this target has come to; `None` if it has never pushed anything.
    async fn export_mark(&self, target: &str) -> Result<Option<i64>>;

    /// Moves a target's mark on. A mark that is there already or beyond is left alone; `false` then.
    async fn save_export_mark(&self, target: &str, mark: ExportMark, at: Moment) -> Result<bool>;
}
