//! What is kept beside the rows: the schema's version, the slot key, holds, audit trail, annotations.

use canary_domain::{Hold, Moment, SlotKey, iso};
use sqlx::SqliteConnection;

use super::super::migrator::VERSION;
use super::super::notes::{
    self, ANNOTATE, ANNOTATIONS, AUDIT, AnnotationRow, END, HoldRow, KEEP_KEY, KEY, LIFT, PLACE,
};
use super::super::{Annotation, AuditEntry, PlacedHold};

/// The newest migration that ran; `None` if none ever did.
pub(super) async fn schema(c: &mut SqliteConnection) -> sqlx::Result<Option<i64>> {
    let there: bool =
        sqlx::query_scalar("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'canary_migrations'")
            .fetch_one(&mut *c)
            .await?;
    if there { sqlx::query_scalar(VERSION).fetch_one(c).await } else { Ok(None) }
}

pub(super) async fn slot_key(
    c: &mut SqliteConnection,
    canary: &str,
    fresh: &SlotKey,
) -> sqlx::Result<SlotKey> {
    sqlx::query(KEEP_KEY).bind(canary).bind(fresh.expose()).execute(&mut *c).await?;
    notes::slot_key(sqlx::query_scalar(KEY).bind(canary).fetch_one(c).await?)
}

/// What one of the questions after holds answers.
pub(super) async fn holds(
    c: &mut SqliteConnection,
    question: &'static str,
    canary: &str,
    since: Moment,
) -> sqlx::Result<Vec<PlacedHold>> {
    let rows: Vec<HoldRow> = sqlx::query_as(question).bind(canary).bind(iso(since)).fetch_all(c).await?;
    Ok(rows.into_iter().map(PlacedHold::from).collect())
}

pub(super) async fn place_hold(
    c: &mut SqliteConnection,
    canary: &str,
    hold: &Hold,
    (actor, reason): (&str, &str),
) -> sqlx::Result<bool> {
    let query = sqlx::query(PLACE).bind(canary).bind(hold.kind.to_string()).bind(&hold.path);
    let placed =
        query.bind(iso(hold.from)).bind(hold.until.map(iso)).bind(actor).bind(reason).execute(c).await?;
    Ok(placed.rows_affected() > 0)
}

pub(super) async fn lift_pause(
    c: &mut SqliteConnection,
    canary: &str,
    path: &str,
    at: Moment,
) -> sqlx::Result<u64> {
    let lifted = sqlx::query(LIFT).bind(canary).bind(path).bind(iso(at)).execute(c).await?;
    Ok(lifted.rows_affected())
}

pub(super) async fn end_maintenance(c: &mut SqliteConnection, canary: &str, at: Moment) -> sqlx::Result<u64> {
    let ended = sqlx::query(END).bind(canary).bind(iso(at)).execute(c).await?;
    Ok(ended.rows_affected())
}

pub(super) async fn annotations(
    c: &mut SqliteConnection,
    canary: &str,
    since: Moment,
    limit: i64,
) -> sqlx::Result<Vec<Annotation>> {
    let query = sqlx::query_as(ANNOTATIONS).bind(canary).bind(iso(since)).bind(limit);
    let newest_first: Vec<AnnotationRow> = query.fetch_all(c).await?;
    Ok(newest_first.into_iter().rev().map(Annotation::from).collect())
}

pub(super) async fn audit(c: &mut SqliteConnection, canary: &str, entry: &AuditEntry) -> sqlx::Result<()> {
    let query = sqlx::query(AUDIT).bind(canary).bind(iso(entry.at)).bind(&entry.actor).bind(&entry.role);
    query.bind(&entry.action).bind(&entry.path).bind(&entry.detail).bind(&entry.remote).execute(c).await?;
    Ok(())
}

pub(super) async fn annotate(
    c: &mut SqliteConnection,
    canary: &str,
    annotation: &Annotation,
) -> sqlx::Result<()> {
    let query = sqlx::query(ANNOTATE).bind(canary).bind(iso(annotation.at)).bind(&annotation.kind);
    query.bind(&annotation.text).bind(&annotation.node).execute(c).await?;
    Ok(())
}
