//! The questions behind [`Outbox`](super::Outbox), the same for both databases but for how they take a moment and an id.

use sqlx::FromRow;

use super::{Notice, Told, ToldState};
use crate::ledger::values::{Time, Word};
use canary_domain::TestId;

/// A row of `canary_webhook_paths`.
#[derive(Debug, FromRow)]
pub(in crate::ledger) struct ToldRow {
    path: String,
    state: Word<ToldState>,
    since: Time,
    test_id: Word<TestId>,
}

impl From<ToldRow> for Told {
    fn from(row: ToldRow) -> Self {
        Self { path: row.path, state: row.state.0, since: row.since.into(), test_id: row.test_id.0 }
    }
}

/// A row of `canary_webhook_notices`.
#[derive(Debug, FromRow)]
pub(in crate::ledger) struct NoticeRow {
    endpoint: String,
    id: String,
    path: String,
    body: String,
    change_id: i64,
    told_at: Time,
    attempts: i32,
}

impl From<NoticeRow> for Notice {
    fn from(row: NoticeRow) -> Self {
        Self {
            endpoint: row.endpoint,
            id: row.id,
            path: row.path,
            body: row.body,
            change: row.change_id,
            told_at: row.told_at.into(),
            attempts: row.attempts,
        }
    }
}

pub(in crate::ledger) const CURSOR: &str = "SELECT change_id FROM canary_webhook_cursor WHERE canary = $1";

pub(in crate::ledger) const TOLD: &str = "SELECT path, state, since, CAST(test_id AS text) AS test_id \
     FROM canary_webhook_paths WHERE canary = $1 ORDER BY path";

/// Begins to read the feed at `$2`, if nobody has.
pub(in crate::ledger) const BEGIN: &str = "INSERT INTO canary_webhook_cursor (canary, change_id, moved_at) VALUES ($1, $2, $3) \
     ON CONFLICT (canary) DO NOTHING";

/// Moves from `$4` to `$2`, if nobody has.
pub(in crate::ledger) const MOVE: &str =
    "UPDATE canary_webhook_cursor SET change_id = $2, moved_at = $3 WHERE canary = $1 AND change_id = $4";

pub(in crate::ledger) const TELL: &str = "INSERT INTO canary_webhook_paths (canary, path, state, since, test_id) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (canary, path) DO UPDATE SET state = excluded.state, \
     since = excluded.since, test_id = excluded.test_id";

pub(in crate::ledger) const POST: &str = "INSERT INTO canary_webhook_notices \
     (canary, endpoint, id, path, body, change_id, told_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
     ON CONFLICT DO NOTHING";

/// Of each path the first that waits: a receiver gets them in order.
pub(in crate::ledger) const DUE: &str = "SELECT endpoint, id, path, body, change_id, told_at, attempts \
     FROM canary_webhook_notices AS due WHERE canary = $1 AND endpoint = $2 AND ended_at IS NULL AND next_at <= $3 \
     AND NOT EXISTS (SELECT 1 FROM canary_webhook_notices AS earlier WHERE earlier.canary = $1 \
     AND earlier.endpoint = $2 AND earlier.ended_at IS NULL AND earlier.path = due.path \
     AND earlier.change_id < due.change_id) \
     ORDER BY change_id LIMIT $4";

pub(in crate::ledger) const CLAIM: &str = "UPDATE canary_webhook_notices SET attempts = attempts + 1, next_at = $5 \
     WHERE canary = $1 AND endpoint = $2 AND id = $3 AND attempts = $4 AND ended_at IS NULL";

pub(in crate::ledger) const POSTPONE: &str = "UPDATE canary_webhook_notices SET next_at = $4 \
     WHERE canary = $1 AND endpoint = $2 AND id = $3 AND ended_at IS NULL";

pub(in crate::ledger) const END: &str = "UPDATE canary_webhook_notices SET ended_at = $4, ending = $5 \
     WHERE canary = $1 AND endpoint = $2 AND id = $3 AND ended_at IS NULL";

pub(in crate::ledger) const BOUND: &str = "UPDATE canary_webhook_notices SET ended_at = $4, ending = 'dropped' \
     WHERE canary = $1 AND endpoint = $2 AND ended_at IS NULL AND id IN (SELECT id FROM canary_webhook_notices \
     WHERE canary = $1 AND endpoint = $2 AND ended_at IS NULL \
     ORDER BY change_id DESC LIMIT 9223372036854775807 OFFSET $3)";

pub(in crate::ledger) const WAITING: &str =
    "SELECT count(*) FROM canary_webhook_notices WHERE canary = $1 AND endpoint = $2 AND ended_at IS NULL";

pub(in crate::ledger) const PRUNE: &str = "DELETE FROM canary_webhook_notices WHERE canary = $1 AND (endpoint, id) IN ( \
     SELECT endpoint, id FROM canary_webhook_notices WHERE canary = $1 AND told_at < $2 ORDER BY told_at LIMIT $3)";

/// The newest rows of a path; `select` is the make's own list of columns.
pub(in crate::ledger) fn path_history_sql(select: &str) -> String {
    format!(
        "{select} WHERE canary = $1 AND path = $2 AND origin = 'schedule' AND change_id <= $3 \
         ORDER BY registered_at DESC, canary_test_results.test_id DESC LIMIT $4"
    )
}

/// The functions.
macro_rules! outbox {
    ($connection:ty, $moment:path, $id:path, $brief:path) => {
        use std::sync::LazyLock;

        use canary_domain::{Moment, TestId};
        use sqlx::types::Json;

        use super::super::evidence::{EVIDENCE, EvidenceRow, KEEP_SEARCH, UNSEARCHED, UnsearchedRow, kept};
        use super::super::outbox::questions::{
            BEGIN, BOUND, CLAIM, CURSOR, DUE, END, MOVE, NoticeRow, POST, POSTPONE, PRUNE, TELL, TOLD,
            ToldRow, WAITING, path_history_sql,
        };
        use super::super::{
            Brief, Ending, Evidence, LogSearch, Notice, Step, Telling, Told, Unsearched, briefs,
        };

        static HISTORY: LazyLock<String> = LazyLock::new(|| path_history_sql($brief.as_str()));

        pub(super) async fn telling(c: &mut $connection, canary: &str) -> sqlx::Result<Option<Telling>> {
            let change: Option<i64> = sqlx::query_scalar(CURSOR).bind(canary).fetch_optional(&mut *c).await?;
            let Some(change) = change else { return Ok(None) };
            let told: Vec<ToldRow> = sqlx::query_as(TOLD).bind(canary).fetch_all(c).await?;
            Ok(Some(Telling { change, told: told.into_iter().map(Told::from).collect() }))
        }

        pub(super) async fn path_history(
            c: &mut $connection,
            canary: &str,
            path: &str,
            (until, limit): (i64, i64),
        ) -> sqlx::Result<Vec<Brief>> {
            let query = sqlx::query_as(HISTORY.as_str()).bind(canary).bind(path).bind(until).bind(limit);
            Ok(briefs::briefs(query.fetch_all(c).await?))
        }

        /// Within a transaction; `false` if it has to be taken back.
        pub(super) async fn take_step(c: &mut $connection, canary: &str, step: &Step) -> sqlx::Result<bool> {
            let at = $moment(step.at);
            let moved = match step.from {
                None => sqlx::query(BEGIN).bind(canary).bind(step.to).bind(at).execute(&mut *c).await?,
                Some(from) => {
                    sqlx::query(MOVE).bind(canary).bind(step.to).bind(at).bind(from).execute(&mut *c).await?
                }
            };
            if moved.rows_affected() == 0 {
                return Ok(false);
            }
            for told in &step.told {
                let query = sqlx::query(TELL).bind(canary).bind(&told.path).bind(told.state.to_string());
                query.bind($moment(told.since)).bind($id(told.test_id)).execute(&mut *c).await?;
            }
            for notice in &step.notices {
                let query = sqlx::query(POST).bind(canary).bind(&notice.endpoint).bind(&notice.id);
                let query = query.bind(&notice.path).bind(&notice.body).bind(notice.change);
                query.bind($moment(notice.told_at)).execute(&mut *c).await?;
            }
            Ok(true)
        }

        pub(super) async fn due_notices(
            c: &mut $connection,
            canary: &str,
            endpoint: &str,
            (now, limit): (Moment, i64),
        ) -> sqlx::Result<Vec<Notice>> {
            let query = sqlx::query_as(DUE).bind(canary).bind(endpoint).bind($moment(now)).bind(limit);
            let rows: Vec<NoticeRow> = query.fetch_all(c).await?;
            Ok(rows.into_iter().map(Notice::from).collect())
        }

        pub(super) async fn claim_notice(
            c: &mut $connection,
            canary: &str,
            notice: &Notice,
            until: Moment,
        ) -> sqlx::Result<bool> {
            let query = sqlx::query(CLAIM).bind(canary).bind(&notice.endpoint).bind(&notice.id);
            let done = query.bind(notice.attempts).bind($moment(until)).execute(c).await?;
            Ok(done.rows_affected() > 0)
        }

        pub(super) async fn postpone_notice(
            c: &mut $connection,
            canary: &str,
            notice: &Notice,
            until: Moment,
        ) -> sqlx::Result<()> {
            let query = sqlx::query(POSTPONE).bind(canary).bind(&notice.endpoint).bind(&notice.id);
            query.bind($moment(until)).execute(c).await.map(drop)
        }

        pub(super) async fn end_notice(
            c: &mut $connection,
            canary: &str,
            notice: &Notice,
            (ending, at): (Ending, Moment),
        ) -> sqlx::Result<bool> {
            let query = sqlx::query(END).bind(canary).bind(&notice.endpoint).bind(&notice.id);
            let done = query.bind($moment(at)).bind(ending.to_string()).execute(c).await?;
            Ok(done.rows_affected() > 0)
        }

        pub(super) async fn bound_notices(
            c: &mut $connection,
            canary: &str,
            endpoint: &str,
            (keep, at): (i64, Moment),
        ) -> sqlx::Result<u64> {
            let query = sqlx::query(BOUND).bind(canary).bind(endpoint).bind(keep).bind($moment(at));
            Ok(query.execute(c).await?.rows_affected())
        }

        pub(super) async fn waiting_notices(
            c: &mut $connection,
            canary: &str,
            endpoint: &str,
        ) -> sqlx::Result<i64> {
            sqlx::query_scalar(WAITING).bind(canary).bind(endpoint).fetch_one(c).await
        }

        pub(super) async fn prune_notices(
            c: &mut $connection,
            canary: &str,
            before: Moment,
            limit: i64,
        ) -> sqlx::Result<u64> {
            let query = sqlx::query(PRUNE).bind(canary).bind($moment(before)).bind(limit);
            Ok(query.execute(c).await?.rows_affected())
        }

        pub(super) async fn evidence(
            c: &mut $connection,
            canary: &str,
            test: TestId,
        ) -> sqlx::Result<Option<Evidence>> {
            let query = sqlx::query_as(EVIDENCE).bind(canary).bind($id(test));
            let row: Option<EvidenceRow> = query.fetch_optional(c).await?;
            Ok(row.map(Evidence::from))
        }

        pub(super) async fn unsearched(
            c: &mut $connection,
            canary: &str,
            (since, before): (Moment, Moment),
            limit: i64,
        ) -> sqlx::Result<Vec<Unsearched>> {
            let query = sqlx::query_as(UNSEARCHED).bind(canary).bind($moment(since)).bind($moment(before));
            let rows: Vec<UnsearchedRow> = query.bind(limit).fetch_all(c).await?;
            Ok(rows.into_iter().map(Unsearched::from).collect())
        }

        pub(super) async fn keep_search(
            c: &mut $connection,
            canary: &str,
            test: TestId,
            search: &LogSearch,
        ) -> sqlx::Result<bool> {
            let log: Json<LogSearch> = kept(search);
            let done = sqlx::query(KEEP_SEARCH).bind(canary).bind($id(test)).bind(log).execute(c).await?;
            Ok(done.rows_affected() > 0)
        }
    };
}
pub(in crate::ledger) use outbox;

/// The trait, the same for both ledgers but for which of their accesses reads and which writes.
macro_rules! impl_outbox {
    ($ledger:ty, $reads:ident, $writes:ident, $step:path) => {
        #[async_trait]
        impl Outbox for $ledger {
            async fn telling(&self) -> Result<Option<Telling>> {
                let step = "reading what was told";
                self.$reads.ask(step, async |c| telling(c, &self.canary).await).await
            }

            async fn path_history(&self, path: &str, until: i64, limit: i64) -> Result<Vec<Brief>> {
                let (step, span) = ("reading a path's history", (until, limit));
                let ask = async |c: &mut _| path_history(c, &self.canary, path, span).await;
                self.$reads.ask(step, ask).await
            }

            async fn tell(&self, step: &Step) -> Result<bool> {
                self.$writes.ask("writing what is told", async |c| $step(c, &self.canary, step).await).await
            }

            async fn due_notices(&self, endpoint: &str, now: Moment, limit: i64) -> Result<Vec<Notice>> {
                let (step, due) = ("reading messages to send", (now, limit));
                let ask = async |c: &mut _| due_notices(c, &self.canary, endpoint, due).await;
                self.$reads.ask(step, ask).await
            }

            async fn claim_notice(&self, notice: &Notice, until: Moment) -> Result<bool> {
                let ask = async |c: &mut _| claim_notice(c, &self.canary, notice, until).await;
                self.$writes.ask("claiming a message", ask).await
            }

            async fn postpone_notice(&self, notice: &Notice, until: Moment) -> Result<()> {
                let ask = async |c: &mut _| postpone_notice(c, &self.canary, notice, until).await;
                self.$writes.ask("postponing a message", ask).await
            }

            async fn end_notice(&self, notice: &Notice, ending: Ending, at: Moment) -> Result<bool> {
                let end = (ending, at);
                let ask = async |c: &mut _| end_notice(c, &self.canary, notice, end).await;
                self.$writes.ask("ending a message", ask).await
            }

            async fn bound_notices(&self, endpoint: &str, keep: i64, at: Moment) -> Result<u64> {
                let bound = (keep, at);
                let ask = async |c: &mut _| bound_notices(c, &self.canary, endpoint, bound).await;
                self.$writes.ask("dropping messages", ask).await
            }

            async fn waiting_notices(&self, endpoint: &str) -> Result<i64> {
                let ask = async |c: &mut _| waiting_notices(c, &self.canary, endpoint).await;
                self.$reads.ask("counting messages", ask).await
            }

            async fn prune_notices(&self, before: Moment, limit: i64) -> Result<u64> {
                let ask = async |c: &mut _| prune_notices(c, &self.canary, before, limit).await;
                self.$writes.ask("deleting old messages", ask).await
            }

            async fn unsearched(&self, since: Moment, before: Moment, limit: i64) -> Result<Vec<Unsearched>> {
                let span = (since, before);
                let ask = async |c: &mut _| unsearched(c, &self.canary, span, limit).await;
                self.$reads.ask("reading failures to search logs for", ask).await
            }

            async fn keep_search(&self, test: TestId, search: &LogSearch) -> Result<bool> {
                let ask = async |c: &mut _| keep_search(c, &self.canary, test, search).await;
                self.$writes.ask("keeping a search of logs", ask).await
            }
        }
    };
}
pub(in crate::ledger) use impl_outbox;
