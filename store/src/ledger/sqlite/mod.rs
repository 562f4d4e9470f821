//! The ledger in a SQLite file, for one machine.
//!
//! Several processes may share the file: SQLite lets one write at a time and the others wait. Within this process writers
//! queue for the one connection that writes, so they don't wake each other in vain, while readers go on beside them (WAL).

mod export;
mod hours;
mod notes;
mod outbox;
mod reads;
mod rows;
mod slots;

use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;

use async_trait::async_trait;
use canary_domain::{Facts, Hold, Moment, Outcome, SlotKey, Test, TestId, backoff};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, SqliteConnection};
use tokio::time::sleep;

use super::access::{ACQUIRE, Access, MIGRATION, STATEMENT};
use super::failure::Place;
use super::hours::{AT_ONCE, path_hours};
use super::notes::{HOLDS, WINDOWS};
use super::pages::Question;
use super::record::Record;
use super::spans::Range;
use super::verdicts::time_for;
use super::{
    Accounting, Annotation, AuditEntry, Brief, Change, Claim, Evidence, ExportMark, ExportRow, FactsRow,
    Filter, Ledger, Observation, Page, PathHour, PlacedHold, ResultRow, SlotSpan, Unfired, migrator,
};
use crate::Result;

/// Takes the lock that writers need at once: a transaction that reads first and gets it later can lose to another one.
const WRITE: &str = "BEGIN IMMEDIATE";

const READERS: u32 = 4;

/// The ledger in a SQLite file.
pub struct SqliteLedger {
    writes: Access<Sqlite>,
    reads: Access<Sqlite>,
    canary: String,
}

impl SqliteLedger {
    /// The ledger of the deployment `canary` in this file, which is made if it isn't there, readable by its owner
    /// alone: it holds the slot key. Has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the file can't be opened for writing.
    pub fn open(path: &Path, canary: &str) -> Result<Self> {
        let place = Place::sqlite(format!("SQLite {}", path.display()));
        make_private(path).map_err(|error| place.unavailable("opening its file", error.to_string()))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            // A claim that a power cut takes back would let a slot be fired again (I1).
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(STATEMENT);
        let pool = |size| {
            let options = options.clone();
            let pool = SqlitePoolOptions::new().max_connections(size).acquire_timeout(ACQUIRE);
            Access::new(pool.connect_lazy_with(options), place.clone(), None)
        };
        Ok(Self { writes: pool(1), reads: pool(READERS), canary: canary.to_owned() })
    }
}

impl SqliteLedger {
    /// Lets readers go on while somebody writes; the file keeps it. The switch needs the file for itself, and SQLite
    /// refuses it to one of two processes that open a new file at once instead of letting it wait.
    async fn write_ahead(&self, c: &mut SqliteConnection) -> sqlx::Result<()> {
        let mut pauses = backoff().take(6);
        loop {
            let switched = sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *c).await;
            match (switched, pauses.next()) {
                (Err(error), Some(pause)) if self.writes.place().failed("", &error).is_unavailable() => {
                    sleep(pause).await;
                }
                (switched, _) => return switched.map(drop),
            }
        }
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

impl fmt::Debug for SqliteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLedger")
            .field("place", &self.describe())
            .field("canary", &self.canary)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Ledger for SqliteLedger {
    fn describe(&self) -> String {
        self.reads.place().name().to_owned()
    }

    async fn ping(&self) -> Result<()> {
        let step = "asking for its schema";
        let version = self.reads.ask(step, async |c| notes::schema(c).await).await?;
        migrator::suffices(version, &migrator::sqlite())
            .map_err(|cause| self.reads.place().broken(step, cause))
    }

    async fn migrate(&self) -> Result<()> {
        // All in one transaction: two processes that migrate at once would run a migration twice otherwise.
        self.writes
            .ask_within(MIGRATION, "migrating", async |c| {
                self.write_ahead(c).await?;
                let mut transaction = c.begin_with(WRITE).await?;
                migrator::sqlite().run_direct(None, &mut *transaction, false).await?;
                transaction.commit().await
            })
            .await
    }

    async fn slot_key(&self, fresh: &SlotKey) -> Result<SlotKey> {
        self.writes
            .ask("agreeing on the slot key", async |c| notes::slot_key(c, &self.canary, fresh).await)
            .await
    }

    async fn claim(&self, test: &Test) -> Result<Claim> {
        let record = Record::claimed(test);
        self.writes.ask("claiming a slot", async |c| slots::claim(c, &self.canary, &record).await).await
    }

    async fn write_unfired(&self, rows: &[Unfired]) -> Result<Vec<TestId>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<Record> = rows.iter().map(Record::unfired).collect();
        let step = "writing slots that were not fired";
        let limit = time_for(&records);
        self.writes
            .ask_within(limit, step, async |c| slots::write_unfired(c, &self.canary, &records).await)
            .await
    }

    async fn slot_spans(&self, period_ms: i64) -> Result<Vec<SlotSpan>> {
        self.reads
            .ask("reading the spans of slots", async |c| slots::spans(c, &self.canary, period_ms).await)
            .await
    }

    async fn gaps(&self, path: &str, period_ms: i64, first: i64, last: i64, limit: i64) -> Result<Vec<i64>> {
        let range = Range { path, period_ms, first, last, limit };
        self.reads
            .ask("looking for slots without a row", async |c| slots::gaps(c, &self.canary, &range).await)
            .await
    }

    async fn record_observed(
        &self,
        rows: &[FactsRow],
        observed: Option<&Observation>,
    ) -> Result<Vec<Change>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<Record> = rows.iter().map(Record::judged).collect();
        let limit = time_for(&records);
        self.writes
            .ask_within(limit, "writing verdicts", async |c| {
                rows::record(c, &self.canary, &records, observed).await
            })
            .await
    }

    async fn evidence(&self, test: TestId) -> Result<Option<Evidence>> {
        self.reads.ask("reading evidence", async |c| outbox::evidence(c, &self.canary, test).await).await
    }

    async fn pending(&self, before: Moment, limit: i64) -> Result<Vec<Facts>> {
        self.reads
            .ask("reading pending rows", async |c| reads::pending(c, &self.canary, before, limit).await)
            .await
    }

    async fn rows(&self, tests: &[TestId]) -> Result<Vec<ResultRow>> {
        self.reads.ask("reading rows", async |c| reads::rows(c, &self.canary, tests).await).await
    }

    async fn results(&self, filter: &Filter, cursor: Option<(Moment, TestId)>, limit: i64) -> Result<Page> {
        let question = Question { filter, cursor, limit };
        self.reads
            .ask("reading a page of results", async |c| reads::results(c, &self.canary, &question).await)
            .await
    }

    async fn latest_change(&self) -> Result<i64> {
        self.reads
            .ask("asking for the latest change", async |c| reads::latest_change(c, &self.canary).await)
            .await
    }

    async fn changes(&self, after: i64, limit: i64) -> Result<Vec<Brief>> {
        self.reads.ask("reading changes", async |c| reads::changes(c, &self.canary, after, limit).await).await
    }

    async fn briefs(
        &self,
        after: (Moment, TestId),
        outcome: Option<Outcome>,
        limit: i64,
    ) -> Result<Vec<Brief>> {
        let (step, which) = ("reading recent results", (after, outcome));
        self.reads.ask(step, async |c| reads::briefs(c, &self.canary, which, limit).await).await
    }

    async fn accounting(&self) -> Result<Accounting> {
        self.reads.ask("counting slots", async |c| slots::accounting(c, &self.canary).await).await
    }

    async fn accounting_since(&self, since: Moment) -> Result<Accounting> {
        let step = "counting recent slots";
        self.reads.ask(step, async |c| slots::accounting_since(c, &self.canary, since).await).await
    }

    async fn roll_up(&self, since: Moment) -> Result<u64> {
        let step = "rolling up hours";
        let touched = self.writes.ask(step, async |c| hours::touched(c, &self.canary, since).await).await?;
        let mut written = 0;
        for some in touched.chunks(AT_ONCE) {
            written += self.writes.ask(step, async |c| hours::roll_up(c, &self.canary, some).await).await?;
        }
        Ok(written)
    }

    async fn hours(&self, since: Moment, before: Moment) -> Result<Vec<PathHour>> {
        let step = "reading rollups";
        let rows = self.reads.ask(step, async |c| hours::hours(c, &self.canary, since..before).await).await?;
        self.reads.digest(step, move || path_hours(&rows)).await
    }

    async fn prune(&self, before: Moment, limit: i64) -> Result<u64> {
        self.writes
            .ask("deleting old rows", async |c| hours::prune(c, &self.canary, before, limit).await)
            .await
    }

    async fn prune_hourly(&self, before: Moment, limit: i64) -> Result<u64> {
        let step = "deleting old rollups";
        self.writes.ask(step, async |c| hours::prune_hourly(c, &self.canary, before, limit).await).await
    }

    async fn holds(&self, since: Moment) -> Result<Vec<Hold>> {
        let placed = self.placed_holds(since).await?;
        Ok(placed.into_iter().map(|placed| placed.hold).collect())
    }

    async fn place_hold(&self, hold: &Hold, actor: &str, reason: &str) -> Result<bool> {
        let step = "placing a hold";
        self.writes.ask(step, async |c| notes::place_hold(c, &self.canary, hold, (actor, reason)).await).await
    }

    async fn lift_pause(&self, path: &str, at: Moment) -> Result<u64> {
        self.writes.ask("lifting a pause", async |c| notes::lift_pause(c, &self.canary, path, at).await).await
    }

    async fn placed_holds(&self, since: Moment) -> Result<Vec<PlacedHold>> {
        let step = "reading holds";
        self.reads.ask(step, async |c| notes::holds(c, HOLDS, &self.canary, since).await).await
    }

    async fn windows(&self, since: Moment) -> Result<Vec<PlacedHold>> {
        let step = "reading maintenance windows";
        self.reads.ask(step, async |c| notes::holds(c, WINDOWS, &self.canary, since).await).await
    }

    async fn end_maintenance(&self, at: Moment) -> Result<u64> {
        self.writes
            .ask("ending maintenance", async |c| notes::end_maintenance(c, &self.canary, at).await)
            .await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.writes.ask("writing the audit trail", async |c| notes::audit(c, &self.canary, entry).await).await
    }

    async fn annotate(&self, annotation: &Annotation) -> Result<()> {
        self.writes
            .ask("writing an annotation", async |c| notes::annotate(c, &self.canary, annotation).await)
            .await
    }

    async fn annotations(&self, since: Moment, limit: i64) -> Result<Vec<Annotation>> {
        self.reads
            .ask("reading annotations", async |c| notes::annotations(c, &self.canary, since, limit).await)
            .await
    }

    async fn export_changes(&self, after: i64, limit: i64) -> Result<Vec<ExportRow>> {
        self.reads
            .ask("reading changes to export", async |c| export::changes(c, &self.canary, after, limit).await)
            .await
    }

    async fn export_span(
        &self,
        after: (Moment, TestId),
        before: Moment,
        limit: i64,
    ) -> Result<Vec<ExportRow>> {
        let (step, span) = ("reading rows to export", (after, before));
        self.reads.ask(step, async |c| export::span(c, &self.canary, span, limit).await).await
    }

    async fn export_mark(&self, target: &str) -> Result<Option<i64>> {
        self.reads
            .ask("reading the export's mark", async |c| export::mark(c, &self.canary, target).await)
            .await
    }

    async fn save_export_mark(&self, target: &str, mark: ExportMark, at: Moment) -> Result<bool> {
        let (step, mark) = ("saving the export's mark", (target, mark));
        self.writes.ask(step, async |c| export::save_mark(c, &self.canary, mark, at).await).await
    }
}
