//! Verdicts, written in one transaction.

use async_trait::async_trait;
use canary_domain::{TestId, iso};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::super::columns::sqlite::{NOTE, SELECT, UPDATE};
use super::super::record::Record;
use super::super::verdicts::{self, Rows, batch};
use super::super::{Change, Observation};
use super::WRITE;
use super::reads::ids;
use super::slots;

pub(super) async fn record(
    c: &mut SqliteConnection,
    canary: &str,
    records: &[Record],
    observed: Option<&Observation>,
) -> sqlx::Result<Vec<Change>> {
    let mut transaction = c.begin_with(WRITE).await?;
    let changes = verdicts::record(&mut Turn { c: &mut transaction, canary }, records, observed).await?;
    transaction.commit().await?;
    Ok(changes)
}

struct Turn<'a> {
    c: &'a mut SqliteConnection,
    canary: &'a str,
}

#[async_trait]
impl Rows for Turn<'_> {
    async fn read(&mut self, tests: &[TestId]) -> sqlx::Result<Vec<Record>> {
        let sql = format!("{} WHERE canary = $1 AND test_id IN (SELECT value FROM json_each($2))", *SELECT);
        sqlx::query_as(AssertSqlSafe(sql)).bind(self.canary).bind(ids(tests)).fetch_all(&mut *self.c).await
    }

    async fn insert(&mut self, records: &[&Record]) -> sqlx::Result<Vec<TestId>> {
        slots::insert_judged(self.c, self.canary, records).await
    }

    async fn change(&mut self, records: &[&Record]) -> sqlx::Result<u64> {
        let query = sqlx::query(UPDATE.as_str()).bind(batch(self.canary, records)?).bind(self.canary);
        let done = query.execute(&mut *self.c).await?;
        sqlx::query(NOTE).bind(self.canary).execute(&mut *self.c).await?;
        Ok(done.rows_affected())
    }

    async fn keep_evidence(&mut self, tests: &[TestId], observed: &Observation) -> sqlx::Result<()> {
        let query = sqlx::query(
            "INSERT INTO canary_evidence (canary, test_id, observed_at, reactors)
             SELECT $1, test_id, $3, $4 FROM canary_test_results
             WHERE canary = $1 AND test_id IN (SELECT value FROM json_each($2))
             ON CONFLICT DO NOTHING",
        );
        let query = query.bind(self.canary).bind(ids(tests)).bind(iso(observed.at));
        query.bind(Json(&observed.reactors)).execute(&mut *self.c).await.map(drop)
    }
}
