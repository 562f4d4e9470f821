//! The ledger in PostgreSQL, 14 or later.
//!
//! The pool connects when it is first asked, so the service can start while the server is away, and connects
//! again by itself once it is back.

mod export;
mod hours;
mod login;
mod notes;
mod outbox;
mod reads;
mod rows;
mod slots;
mod turn;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use canary_domain::{Facts, Hold, Moment, Outcome, SlotKey, Test, TestId};
use secrecy::SecretString;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, Postgres};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::timeout;

use self::login::Renewal;
use super::access::{ACQUIRE, Access, MIGRATION};
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
use crate::source::Source;
use crate::{Result, StoreError};

/// Enough for the console's questions beside the judge's and the runner's.
const CONNECTIONS: u32 = 8;

/// The ledger in PostgreSQL.
pub struct PostgresLedger {
    access: Access<Postgres>,
    /// Changed by a renewal.
    login: Arc<RwLock<PgConnectOptions>>,
    canary: String,
}

impl PostgresLedger {
    /// The ledger of the deployment `canary` in the database at `url` (`postgres://user:password@host:port/database`).
    /// Nothing is connected yet. Has to be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the URL can't be understood.
    pub fn connect(url: &SecretString, canary: &str) -> Result<Self> {
        let url = url.clone();
        Self::connect_from(move || Ok(url.clone()), canary)
    }

    /// As [`PostgresLedger::connect`], with a URL that is read again when the server refuses the login: its user and
    /// password may have been changed (design §6). Another host, port or database is not followed.
    ///
    /// # Errors
    /// When the URL can't be read or understood.
    pub fn connect_from(
        url: impl Fn() -> std::result::Result<SecretString, String> + Send + Sync + 'static,
        canary: &str,
    ) -> Result<Self> {
        let url = Source::new(url);
        let options = login::read(&url).map_err(|cause| StoreError::Broken {
            store: "PostgreSQL".to_owned(),
            step: "reading its URL",
            cause,
        })?;
        let place = Place::postgres(login::name(&options), options.get_username());
        let by_tcp = options.get_socket().is_none() && !options.get_host().starts_with('/');
        let door = by_tcp.then(|| (options.get_host().to_owned(), options.get_port()));
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
        let pool = pool.connect_lazy_with(login::bounded(&options));
        let login = Arc::new(RwLock::new(options));
        let renewal = Renewal { url, login: Arc::clone(&login), pool: pool.clone(), place: place.clone() };
        let access = Access::new(pool, place, door).when_refused(move || renewal.renew());
        Ok(Self { access, login, canary: canary.to_owned() })
    }

    async fn run_migrations(&self) -> sqlx::Result<()> {
        // A connection of its own: a migration may take its time, and the lock that keeps two instances apart is
        // gone with the connection, whatever happens.
        let login = self.login.read().unwrap_or_else(PoisonError::into_inner).clone();
        let connecting = timeout(ACQUIRE, login.connect());
        let mut connection = connecting.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        migrator::postgres().run_direct(None, &mut connection, false).await?;
        connection.close().await
    }
}

/// Without the options of the connection, which show user and password (I8).
impl fmt::Debug for PostgresLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLedger")
            .field("place", &self.describe())
            .field("canary", &self.canary)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Ledger for PostgresLedger {
    fn describe(&self) -> String {
        self.access.place().name().to_owned()
    }

    async fn ping(&self) -> Result<()> {
        let step = "asking for its schema";
        let version = self.access.ask(step, async |c| notes::schema(c).await).await?;
        migrator::suffices(version, &migrator::postgres())
            .map_err(|cause| self.access.place().broken(step, cause))
    }

    async fn migrate(&self) -> Result<()> {
        let (step, place) = ("migrating", self.access.place());
        match timeout(MIGRATION, self.run_migrations()).await {
            Ok(done) => done.map_err(|error| self.access.unconnected(step, &error)),
            Err(_) => Err(place.silent(step, MIGRATION)),
        }
    }

    async fn slot_key(&self, fresh: &SlotKey) -> Result<SlotKey> {
        self.access
            .ask("agreeing on the slot key", async |c| notes::slot_key(c, &self.canary, fresh).await)
            .await
    }

    async fn claim(&self, test: &Test) -> Result<Claim> {
        let record = Record::claimed(test);
        self.access.ask("claiming a slot", async |c| slots::claim(c, &self.canary, &record).await).await
    }

    async fn write_unfired(&self, rows: &[Unfired]) -> Result<Vec<TestId>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let records: Vec<Record> = rows.iter().map(Record::unfired).collect();
        let step = "writing slots that were not fired";
        let limit = time_for(&records);
        self.access
            .ask_within(limit, step, async |c| slots::write_unfired(c, &self.canary, &records).await)
            .await
    }

    async fn slot_spans(&self, period_ms: i64) -> Result<Vec<SlotSpan>> {
        self.access
            .ask("reading the spans of slots", async |c| slots::spans(c, &self.canary, period_ms).await)
            .await
    }

    async fn gaps(&self, path: &str, period_ms: i64, first: i64, last: i64, limit: i64) -> Result<Vec<i64>> {
        let range = Range { path, period_ms, first, last, limit };
        self.access
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
        self.access
            .ask_within(limit, "writing verdicts", async |c| {
                rows::record(c, &self.canary, &records, observed).await
            })
            .await
    }

    async fn evidence(&self, test: TestId) -> Result<Option<Evidence>> {
        self.access.ask("reading evidence", async |c| outbox::evidence(c, &self.canary, test).await).await
    }

    async fn pending(&self, before: Moment, limit: i64) -> Result<Vec<Facts>> {
        self.access
            .ask("reading pending rows", async |c| reads::pending(c, &self.canary, before, limit).await)
            .await
    }

    async fn rows(&self, tests: &[TestId]) -> Result<Vec<ResultRow>> {
        self.access.ask("reading rows", async |c| reads::rows(c, &self.canary, tests).await).await
    }

    async fn results(&self, filter: &Filter, cursor: Option<(Moment, TestId)>, limit: i64) -> Result<Page> {
        let question = Question { filter, cursor, limit };
        self.access
            .ask("reading a page of results", async |c| reads::results(c, &self.canary, &question).await)
            .await
    }

    async fn latest_change(&self) -> Result<i64> {
        self.access
            .ask("asking for the latest change", async |c| reads::latest_change(c, &self.canary).await)
            .await
    }

    async fn changes(&self, after: i64, limit: i64) -> Result<Vec<Brief>> {
        self.access
            .ask("reading changes", async |c| reads::changes(c, &self.canary, after, limit).await)
            .await
    }

    async fn briefs(
        &self,
        after: (Moment, TestId),
        outcome: Option<Outcome>,
        limit: i64,
    ) -> Result<Vec<Brief>> {
        let (step, which) = ("reading recent results", (after, outcome));
        self.access.ask(step, async |c| reads::briefs(c, &self.canary, which, limit).await).await
    }

    async fn accounting(&self) -> Result<Accounting> {
        self.access.ask("counting slots", async |c| slots::accounting(c, &self.canary).await).await
    }

    async fn accounting_since(&self, since: Moment) -> Result<Accounting> {
        let step = "counting recent slots";
        self.access.ask(step, async |c| slots::accounting_since(c, &self.canary, since).await).await
    }

    async fn roll_up(&self, since: Moment) -> Result<u64> {
        let step = "rolling up hours";
        let touched = self.access.ask(step, async |c| hours::touched(c, &self.canary, since).await).await?;
        let mut written = 0;
        for some in touched.chunks(AT_ONCE) {
            written += self.access.ask(step, async |c| hours::roll_up(c, &self.canary, some).await).await?;
        }
        Ok(written)
    }

    async fn hours(&self, since: Moment, before: Moment) -> Result<Vec<PathHour>> {
        let step = "reading rollups";
        let rows =
            self.access.ask(step, async |c| hours::hours(c, &self.canary, since..before).await).await?;
        self.access.digest(step, move || path_hours(&rows)).await
    }

    async fn prune(&self, before: Moment, limit: i64) -> Result<u64> {
        self.access
            .ask("deleting old rows", async |c| hours::prune(c, &self.canary, before, limit).await)
            .await
    }

    async fn prune_hourly(&self, before: Moment, limit: i64) -> Result<u64> {
        let step = "deleting old rollups";
        self.access.ask(step, async |c| hours::prune_hourly(c, &self.canary, before, limit).await).await
    }

    async fn holds(&self, since: Moment) -> Result<Vec<Hold>> {
        let placed = self.placed_holds(since).await?;
        Ok(placed.into_iter().map(|placed| placed.hold).collect())
    }

    async fn place_hold(&self, hold: &Hold, actor: &str, reason: &str) -> Result<bool> {
        let step = "placing a hold";
        self.access.ask(step, async |c| notes::place_hold(c, &self.canary, hold, (actor, reason)).await).await
    }

    async fn lift_pause(&self, path: &str, at: Moment) -> Result<u64> {
        self.access.ask("lifting a pause", async |c| notes::lift_pause(c, &self.canary, path, at).await).await
    }

    async fn placed_holds(&self, since: Moment) -> Result<Vec<PlacedHold>> {
        let step = "reading holds";
        self.access.ask(step, async |c| notes::holds(c, HOLDS, &self.canary, since).await).await
    }

    async fn windows(&self, since: Moment) -> Result<Vec<PlacedHold>> {
        let step = "reading maintenance windows";
        self.access.ask(step, async |c| notes::holds(c, WINDOWS, &self.canary, since).await).await
    }

    async fn end_maintenance(&self, at: Moment) -> Result<u64> {
        self.access
            .ask("ending maintenance", async |c| notes::end_maintenance(c, &self.canary, at).await)
            .await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<()> {
        self.access.ask("writing the audit trail", async |c| notes::audit(c, &self.canary, entry).await).await
    }

    async fn annotate(&self, annotation: &Annotation) -> Result<()> {
        self.access
            .ask("writing an annotation", async |c| notes::annotate(c, &self.canary, annotation).await)
            .await
    }

    async fn annotations(&self, since: Moment, limit: i64) -> Result<Vec<Annotation>> {
        self.access
            .ask("reading annotations", async |c| notes::annotations(c, &self.canary, since, limit).await)
            .await
    }

    async fn export_changes(&self, after: i64, limit: i64) -> Result<Vec<ExportRow>> {
        self.access
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
        self.access.ask(step, async |c| export::span(c, &self.canary, span, limit).await).await
    }

    async fn export_mark(&self, target: &str) -> Result<Option<i64>> {
        self.access
            .ask("reading the export's mark", async |c| export::mark(c, &self.canary, target).await)
            .await
    }

    async fn save_export_mark(&self, target: &str, mark: ExportMark, at: Moment) -> Result<bool> {
        let (step, mark) = ("saving the export's mark", (target, mark));
        self.access.ask(step, async |c| export::save_mark(c, &self.canary, mark, at).await).await
    }
}
