//! Rows, read.

use canary_domain::{Facts, Moment, Outcome, TestId};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, QueryBuilder};

use super::super::briefs::{self, LATEST};
use super::super::columns::postgres::{BRIEF, SELECT};
use super::super::pages::{Question, of_outcome, page};
use super::super::record::Record;
use super::super::{Brief, Page, ResultRow};

pub(super) fn uuids(tests: &[TestId]) -> Vec<Uuid> {
    tests.iter().map(|test| test.uuid()).collect()
}

pub(super) async fn pending(
    c: &mut PgConnection,
    canary: &str,
    before: Moment,
    limit: i64,
) -> sqlx::Result<Vec<Facts>> {
    let sql = format!(
        "{} WHERE canary = $1 AND outcome = 'pending' AND outcome <> 'passed' \
         AND registered_at < $2 ORDER BY registered_at, test_id LIMIT $3",
        *SELECT
    );
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(canary).bind(before).bind(limit);
    let records: Vec<Record> = query.fetch_all(c).await?;
    Ok(records.into_iter().map(Record::into_facts).collect())
}

pub(super) async fn rows(
    c: &mut PgConnection,
    canary: &str,
    tests: &[TestId],
) -> sqlx::Result<Vec<ResultRow>> {
    let sql = format!("{} WHERE canary = $1 AND test_id = ANY($2)", *SELECT);
    let query = sqlx::query_as(AssertSqlSafe(sql)).bind(canary).bind(uuids(tests));
    let records: Vec<Record> = query.fetch_all(c).await?;
    Ok(records.into_iter().map(Record::into_row).collect())
}

pub(super) async fn results(
    c: &mut PgConnection,
    canary: &str,
    question: &Question<'_>,
) -> sqlx::Result<Page> {
    let filter = question.filter;
    let mut sql: QueryBuilder<Postgres> = QueryBuilder::new(SELECT.as_str());
    sql.push(" WHERE canary = ").push_bind(canary);
    if let Some(path) = &filter.path {
        sql.push(" AND path = ").push_bind(path);
    }
    if let Some(backend) = filter.backend {
        sql.push(" AND backend = ").push_bind(backend.as_str());
    }
    sql.push(of_outcome(filter.outcome));
    if let Some(from) = filter.from {
        sql.push(" AND registered_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        sql.push(" AND registered_at < ").push_bind(to);
    }
    if let Some((registered_at, test_id)) = question.cursor {
        sql.push(" AND (registered_at, test_id) < (").push_bind(registered_at);
        sql.push(", ").push_bind(test_id.uuid()).push(")");
    }
    sql.push(" ORDER BY registered_at DESC, test_id DESC LIMIT ").push_bind(question.one_more());
    let records: Vec<Record> = sql.build_query_as().fetch_all(c).await?;
    Ok(page(records, question))
}

pub(super) async fn latest_change(c: &mut PgConnection, canary: &str) -> sqlx::Result<i64> {
    let latest: Option<i64> = sqlx::query_scalar(LATEST).bind(canary).fetch_one(c).await?;
    Ok(latest.unwrap_or(0))
}

pub(super) async fn changes(
    c: &mut PgConnection,
    canary: &str,
    after: i64,
    limit: i64,
) -> sqlx::Result<Vec<Brief>> {
    let query = sqlx::query_as(AssertSqlSafe(briefs::changes(&BRIEF))).bind(canary).bind(after).bind(limit);
    Ok(briefs::briefs(query.fetch_all(c).await?))
}

pub(super) async fn briefs(
    c: &mut PgConnection,
    canary: &str,
    (after, outcome): ((Moment, TestId), Option<Outcome>),
    limit: i64,
) -> sqlx::Result<Vec<Brief>> {
    let query = sqlx::query_as(AssertSqlSafe(briefs::following(&BRIEF, outcome))).bind(canary);
    let query = query.bind(after.0).bind(after.1.uuid()).bind(limit);
    Ok(briefs::briefs(query.fetch_all(c).await?))
}
