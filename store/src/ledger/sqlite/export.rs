//! Rows for the export, and its marks.

use std::sync::LazyLock;

use canary_domain::{Moment, TestId, iso};
use sqlx::SqliteConnection;

use super::super::export::{self, MARK, SAVE};
use super::super::{ExportMark, ExportRow};

const TEST_ID: &str = "test_id";

static CHANGES: LazyLock<String> = LazyLock::new(|| export::changes(TEST_ID));
static SPAN: LazyLock<String> = LazyLock::new(|| export::span(TEST_ID));

pub(super) async fn changes(
    c: &mut SqliteConnection,
    canary: &str,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<ExportRow>> {
    let query = sqlx::query_as(CHANGES.as_str()).bind(canary).bind(after).bind(limit);
    Ok(export::rows(query.fetch_all(c).await?))
}

pub(super) async fn span(
    c: &mut SqliteConnection,
    canary: &str,
    (after, before): ((Moment, TestId), Moment),
    limit: i64,
) -> sqlx::Result<Vec<ExportRow>> {
    let query = sqlx::query_as(SPAN.as_str()).bind(canary).bind(iso(after.0)).bind(after.1.to_string());
    Ok(export::rows(query.bind(iso(before)).bind(limit).fetch_all(c).await?))
}

pub(super) async fn mark(c: &mut SqliteConnection, canary: &str, target: &str) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(MARK).bind(canary).bind(target).fetch_optional(c).await
}

pub(super) async fn save_mark(
    c: &mut SqliteConnection,
    canary: &str,
    (target, mark): (&str, ExportMark),
    at: Moment,
) -> sqlx::Result<bool> {
    let query = sqlx::query(SAVE).bind(canary).bind(target).bind(mark.change).bind(iso(mark.registered_at));
    let done = query.bind(mark.test_id.to_string()).bind(iso(at)).execute(c).await?;
    Ok(done.rows_affected() > 0)
}
