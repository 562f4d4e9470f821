//! Slots: claimed, not fired, missing, counted (I1, I2).

use canary_domain::{Moment, TestId};
use sqlx::{Connection as _, PgConnection};

use super::super::accounts::{self, COUNTS, COUNTS_SINCE};
use super::super::columns::postgres::{CLAIM, INSERT};
use super::super::record::Record;
use super::super::spans::{Range, SPANS, Span};
use super::super::values::Word;
use super::super::verdicts::{BATCH, batch};
use super::super::{Accounting, Claim, SlotSpan};
use super::turn::{RESULTS, take_turn};

/// A row that another transaction is inserting is waited for, so of any number of claims one gets the slot. A claim is
/// no change, so it waits for no number.
pub(super) async fn claim(c: &mut PgConnection, canary: &str, record: &Record) -> sqlx::Result<Claim> {
    let records = batch(canary, &[record])?;
    let written: Vec<Word<TestId>> = sqlx::query_scalar(CLAIM.as_str()).bind(records).fetch_all(c).await?;
    Ok(if written.is_empty() { Claim::Taken } else { Claim::Claimed })
}

pub(super) async fn write_unfired(
    c: &mut PgConnection,
    canary: &str,
    records: &[Record],
) -> sqlx::Result<Vec<TestId>> {
    let records: Vec<&Record> = records.iter().collect();
    let mut transaction = c.begin().await?;
    take_turn(&mut transaction, RESULTS, canary).await?;
    let mut written = Vec::new();
    for some in records.chunks(BATCH) {
        written.extend(insert(&mut transaction, canary, some).await?);
    }
    transaction.commit().await?;
    Ok(written)
}

/// Within the turn of who writes results.
pub(super) async fn insert(
    c: &mut PgConnection,
    canary: &str,
    records: &[&Record],
) -> sqlx::Result<Vec<TestId>> {
    let query = sqlx::query_scalar(INSERT.as_str()).bind(batch(canary, records)?).bind(canary);
    let written: Vec<Word<TestId>> = query.fetch_all(c).await?;
    Ok(written.into_iter().map(|word| word.0).collect())
}

pub(super) async fn spans(c: &mut PgConnection, canary: &str, period_ms: i64) -> sqlx::Result<Vec<SlotSpan>> {
    let spans: Vec<Span> = sqlx::query_as(SPANS).bind(canary).bind(period_ms).fetch_all(c).await?;
    Ok(spans.into_iter().map(SlotSpan::from).collect())
}

pub(super) async fn gaps(c: &mut PgConnection, canary: &str, range: &Range<'_>) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT wanted.cycle FROM generate_series($4::bigint, $5::bigint) AS wanted(cycle)
         WHERE NOT EXISTS (
             SELECT FROM canary_test_results AS there
             WHERE there.canary = $1 AND there.path = $2 AND there.period_ms = $3 AND there.origin = 'schedule'
                 AND there.cycle = wanted.cycle AND there.cycle BETWEEN $4 AND $5
         )
         ORDER BY wanted.cycle LIMIT $6",
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

pub(super) async fn accounting(c: &mut PgConnection, canary: &str) -> sqlx::Result<Accounting> {
    let counts = sqlx::query_as(COUNTS).bind(canary).fetch_all(c).await?;
    Ok(accounts::accounting(counts))
}

pub(super) async fn accounting_since(
    c: &mut PgConnection,
    canary: &str,
    since: Moment,
) -> sqlx::Result<Accounting> {
    let query = sqlx::query_as(COUNTS_SINCE).bind(canary).bind(since).bind(since.timestamp_millis());
    Ok(accounts::accounting(query.fetch_all(c).await?))
}
