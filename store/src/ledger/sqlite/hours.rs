//! Rollups, and the end of what is old.

use std::ops::Range;

use canary_domain::{Moment, iso};
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Connection as _, SqliteConnection};

use super::super::evidence::PRUNE as EVIDENCE;
use super::super::hours::{HOURS, Slot, TOUCHED, Touched, rolled_up};
use super::WRITE;

pub(super) async fn touched(
    c: &mut SqliteConnection,
    canary: &str,
    since: Moment,
) -> sqlx::Result<Vec<Touched>> {
    sqlx::query_as(TOUCHED).bind(canary).bind(iso(since)).fetch_all(c).await
}

/// Computes some hours again. Whoever writes holds the lock while reading too, so of two rollups the later one can't
/// be overwritten with what the earlier one had read before.
pub(super) async fn roll_up(c: &mut SqliteConnection, canary: &str, hours: &[Touched]) -> sqlx::Result<u64> {
    let mut transaction = c.begin_with(WRITE).await?;
    // CROSS JOIN: the few hours first, then their rows by index.
    let slots: Vec<Slot> = sqlx::query_as(
        "SELECT there.path, there.backend, json_extract(touched.value, '$.hour') AS hour, there.outcome,
             there.total_latency_ms
         FROM json_each($2) AS touched
         CROSS JOIN canary_test_results AS there ON there.canary = $1 AND there.origin = 'schedule'
             AND there.path = json_extract(touched.value, '$.path')
             AND there.cycle * there.period_ms / 3600000 = json_extract(touched.value, '$.hour')",
    )
    .bind(canary)
    .bind(Json(hours))
    .fetch_all(&mut *transaction)
    .await?;
    let written = sqlx::query(
        "INSERT INTO canary_hourly (canary, path, backend, hour, passed, late, failed, inconclusive, skipped,
             missed, pending, latencies)
         SELECT $1, json_extract(value, '$.path'), json_extract(value, '$.backend'), json_extract(value, '$.hour'),
             json_extract(value, '$.passed'), json_extract(value, '$.late'), json_extract(value, '$.failed'),
             json_extract(value, '$.inconclusive'), json_extract(value, '$.skipped'),
             json_extract(value, '$.missed'), json_extract(value, '$.pending'), json_extract(value, '$.latencies')
         FROM json_each($2) WHERE true
         ON CONFLICT (canary, path, hour, backend) DO UPDATE SET passed = excluded.passed, late = excluded.late,
             failed = excluded.failed, inconclusive = excluded.inconclusive, skipped = excluded.skipped,
             missed = excluded.missed, pending = excluded.pending, latencies = excluded.latencies
             WHERE excluded.passed + excluded.late + excluded.failed + excluded.inconclusive + excluded.skipped
                 + excluded.missed + excluded.pending >= canary_hourly.passed + canary_hourly.late
                 + canary_hourly.failed + canary_hourly.inconclusive + canary_hourly.skipped
                 + canary_hourly.missed + canary_hourly.pending",
    )
    .bind(canary)
    .bind(Json(rolled_up(slots)))
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(written.rows_affected())
}

/// The rows as they came: the connection is free before they are read.
pub(super) async fn hours(
    c: &mut SqliteConnection,
    canary: &str,
    span: Range<Moment>,
) -> sqlx::Result<Vec<SqliteRow>> {
    sqlx::query(HOURS).bind(canary).bind(iso(span.start)).bind(iso(span.end)).fetch_all(c).await
}

/// Oldest first, and none that is newer than a pending row of its path: a path's span of slots has to stay
/// whole, or the slots deleted within it would count as lost, and be written again as missed (I2).
pub(super) async fn prune(
    c: &mut SqliteConnection,
    canary: &str,
    before: Moment,
    limit: i64,
) -> sqlx::Result<u64> {
    let mut transaction = c.begin_with(WRITE).await?;
    let deleted = sqlx::query(
        "DELETE FROM canary_test_results WHERE test_id IN (
             SELECT old.test_id FROM canary_test_results AS old
             WHERE old.canary = $1 AND old.registered_at < $2 AND old.outcome <> 'pending' AND NOT EXISTS (
                 SELECT 1 FROM canary_test_results AS open
                 WHERE open.canary = $1 AND open.outcome = 'pending' AND open.outcome <> 'passed'
                     AND open.origin = 'schedule' AND open.path = old.path
                     AND open.registered_at < old.registered_at
             )
             ORDER BY old.registered_at, old.test_id LIMIT $3
         )",
    )
    .bind(canary)
    .bind(iso(before))
    .bind(limit)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(EVIDENCE).bind(canary).bind(iso(before)).bind(limit).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(deleted.rows_affected())
}

pub(super) async fn prune_hourly(
    c: &mut SqliteConnection,
    canary: &str,
    before: Moment,
    limit: i64,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query(
        "DELETE FROM canary_hourly WHERE canary = $1 AND (path, hour, backend) IN (
             SELECT path, hour, backend FROM canary_hourly WHERE canary = $1 AND hour < $2
             ORDER BY hour, path, backend LIMIT $3
         )",
    )
    .bind(canary)
    .bind(iso(before))
    .bind(limit)
    .execute(c)
    .await?;
    Ok(deleted.rows_affected())
}
