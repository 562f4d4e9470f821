//! How verdicts are written, the same for both databases: look at what is there, insert what is not, decide, change.
//!
//! Whoever writes more than one row has its turn, alone: two that locked the same rows in another order would
//! stop each other. The race that is left: a runner's claim inserts a row between our look and our insert, so
//! what could not be inserted is looked at again.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::TestId;
use tracing::warn;

use super::access::QUESTION;
use super::amend::{amend, arrival};
use super::evidence::is_wanted;
use super::record::Record;
use super::{Change, Observation};

/// The most records that one statement takes.
pub(super) const BATCH: usize = 500;

/// How long writing so many records may take: that of a question for each batch.
pub(super) fn time_for(records: &[Record]) -> Duration {
    QUESTION * u32::try_from(records.len().div_ceil(BATCH).max(1)).unwrap_or(u32::MAX)
}

/// The array of records that a statement takes; refused if one is another deployment's.
pub(super) fn batch(canary: &str, records: &[&Record]) -> sqlx::Result<String> {
    if let Some(stranger) = records.iter().find(|record| record.canary != canary) {
        let (test, theirs) = (stranger.test_id.0, &stranger.canary);
        let cause = format!("test {test} is of the deployment {theirs}, this ledger is {canary}'s");
        return Err(sqlx::Error::InvalidArgument(cause));
    }
    serde_json::to_string(records).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// What a database has to offer, within one transaction that has its turn.
#[async_trait]
pub(super) trait Rows: Send {
    /// Reads these rows.
    async fn read(&mut self, tests: &[TestId]) -> sqlx::Result<Vec<Record>>;

    /// Inserts where neither the id nor the slot has a row; answers the ids of those inserted.
    async fn insert(&mut self, records: &[&Record]) -> sqlx::Result<Vec<TestId>>;

    /// Writes over rows that are there; answers how many there were.
    async fn change(&mut self, records: &[&Record]) -> sqlx::Result<u64>;

    /// Keeps how the observers were with those of these rows that have no evidence yet.
    async fn keep_evidence(&mut self, tests: &[TestId], observed: &Observation) -> sqlx::Result<()>;
}

/// Writes what the judge knows; of two records of one test the later one counts.
pub(super) async fn record(
    rows: &mut impl Rows,
    records: &[Record],
    observed: Option<&Observation>,
) -> sqlx::Result<Vec<Change>> {
    let latest: BTreeMap<TestId, &Record> = records.iter().map(|record| (record.test_id.0, record)).collect();
    let wanted: Vec<(TestId, &Record)> = latest.iter().map(|(test_id, record)| (*test_id, *record)).collect();
    let mut changes = Vec::new();
    for some in wanted.chunks(BATCH) {
        record_some(rows, some.iter().copied().collect(), &mut changes).await?;
    }
    if let Some(observed) = observed {
        let asks = |change: &&Change| latest.get(&change.test_id).is_some_and(|record| is_wanted(record));
        let failed: Vec<TestId> = changes.iter().filter(asks).map(|change| change.test_id).collect();
        for some in failed.chunks(BATCH) {
            rows.keep_evidence(some, observed).await?;
        }
    }
    Ok(changes)
}

async fn record_some(
    rows: &mut impl Rows,
    mut wanted: BTreeMap<TestId, &Record>,
    changes: &mut Vec<Change>,
) -> sqlx::Result<()> {
    let ids: Vec<TestId> = wanted.keys().copied().collect();
    let mut amended = look(rows, &ids, &mut wanted, changes).await?;
    if !wanted.is_empty() {
        let new: Vec<&Record> = wanted.values().copied().collect();
        for id in rows.insert(&new).await? {
            changes.extend(wanted.remove(&id).and_then(arrival));
        }
    }
    if !wanted.is_empty() {
        let raced: Vec<TestId> = wanted.keys().copied().collect();
        amended.extend(look(rows, &raced, &mut wanted, changes).await?);
        wanted.values().for_each(|record| tell_taken(record));
    }
    if !amended.is_empty() {
        let amended: Vec<&Record> = amended.iter().collect();
        rows.change(&amended).await?;
    }
    Ok(())
}

/// Reads rows, takes those that are there out of `wanted`, and answers what has to be written over them.
async fn look(
    rows: &mut impl Rows,
    ids: &[TestId],
    wanted: &mut BTreeMap<TestId, &Record>,
    changes: &mut Vec<Change>,
) -> sqlx::Result<Vec<Record>> {
    let mut amended = Vec::new();
    for row in rows.read(ids).await? {
        if let Some((next, change)) = wanted.remove(&row.test_id.0).and_then(|news| amend(&row, news)) {
            amended.push(next);
            changes.extend(change);
        }
    }
    Ok(amended)
}

/// One slot has one row (I1), so the batch goes on without this record.
fn tell_taken(record: &Record) {
    warn!(
        test_id = %record.test_id.0,
        path = record.path,
        cycle = record.cycle,
        "the slot's row is of another test id, so this verdict is not kept: was the slot key changed?"
    );
}
