//! Slots: claimed, not fired, missing, counted (I1, I2).

use canary_domain::{Moment, TestId, iso};
use sqlx::{Connection as _, SqliteConnection};

use super::super::accounts::{self, COUNTS, COUNTS_SINCE};
use super::super::columns::sqlite::{INSERT, NOTE};
use super::super::record::Record;
use super::super::spans::{Range, SPANS, Span};
use super::super::values::Word;
use super::super::verdicts::{BATCH, batch};
use super::super::{Accounting, Claim, SlotSpan};
use super::WRITE;

/// One writes at a time, so of any number of claims one gets the slot.
pub(super) async fn claim(c: &mut SqliteConnection, canary: &str, record: &Record) -> sqlx::Result<Claim> {
    let written = insert(c, canary, &[record]).await?;
    Ok(if written.is_empty() { Claim::Taken } else { Claim::Claimed })
}

pub(super) async fn write_unfired(
    c: &mut SqliteConnection,
    canary: &str,
    records: &[Record],
) -> sqlx::Result<Vec<TestId>> {
    let records: Vec<&Record> = records.iter().collect();
    let mut transaction = c.begin_with(WRITE).await?;
    let mut written = Vec::new();
    for some in records.chunks(BATCH) {
        written.extend(insert_judged(&mut transaction, canary, some).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

/// As [`insert`], of records with verdicts among them, within a transaction.
pub(super) async fn insert_judged(
    c: &mut SqliteConnection,
    canary: &str,
    records: &[&Record],
) -> sqlx::Result<Vec<TestId>> {
    let written = insert(c, canary, records).await?;
    sqlx::query(NOTE).bind(canary).execute(c).await?;
    Ok(written)
}

async fn insert(c: &mut SqliteConnection, canary: &str, records: &[&Record]) -> sqlx::Result<Vec<TestId>> {
    let query = sqlx::query_scalar(INSERT.as_str()).bind(batch(canary, records)?).bind(canary);
    let written: Vec<Word<TestId>> = query.fetch_all(c).await?;
    Ok(written.into_iter().map(|word| word.0).collect())
}

pub(super) async fn spans(
    c: &mut SqliteConnection,
    canary: &str,
    period_ms: i64,
) -> sqlx::Result<Vec<SlotSpan>> {
    let spans: Vec<Span> = sqlx::query_as(SPANS).bind(canary).bind(period_ms).fetch_all(c).await?;
    Ok(spans.into_iter().map(SlotSpan::from).collect())
}

pub(super) async fn gaps(
    c: &mut SqliteConnection,
    canary: &str,
    range: &Range<'_>,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "WITH RECURSIVE wanted(cycle) AS (
             SELECT $4 WHERE $4 <= $5
             UNION ALL
             SELECT cycle + 1 FROM wanted WHERE cycle < $5
         )
         SELECT wanted.cycle FROM wanted
         WHERE NOT EXISTS (
             SELECT 1 FROM canary_test_results AS there
             WHERE there.canary = $1 AND there.path = $2 AND there.period_ms = $3 AND there.origin = 'schedule'
                 AND there.cycle = wanted.cycle
         )
         LIMIT $6",
    )
    .bind(canary)
    .bind(range.path)
    .bind(range.period_ms)
    .bind(range.first)
    .bind(range.last)
    .bind(range.limit)
    .fetch_all(c)
    .await
}

pub(super) async fn accounting(c: &mut SqliteConnection, canary: &str) -> sqlx::Result<Accounting> {
    let counts = sqlx::query_as(COUNTS).bind(canary).fetch_all(c).await?;
    Ok(accounts::accounting(counts))
}

pub(super) async fn accounting_since(
    c: &mut SqliteConnection,
    canary: &str,
    since: Moment,
) -> sqlx::Result<Accounting> {
    let query = sqlx::query_as(COUNTS_SINCE).bind(canary).bind(iso(since)).bind(since.timestamp_millis());
    Ok(accounts::accounting(query.fetch_all(c).await?))
}
