//! What is left to do once verdicts are written: what is told, and what is searched for.

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};

use super::super::Outbox;
use super::super::columns::sqlite::BRIEF;
use super::super::outbox::questions::{impl_outbox, outbox};
use super::SqliteLedger;
use super::WRITE;
use crate::Result;

outbox!(SqliteConnection, canary_domain::iso, text, BRIEF);
impl_outbox!(SqliteLedger, reads, writes, tell);

/// Takes a step; what somebody else has taken leaves nothing.
pub(super) async fn tell(c: &mut SqliteConnection, canary: &str, step: &Step) -> sqlx::Result<bool> {
    let mut transaction = c.begin_with(WRITE).await?;
    let taken = take_step(&mut transaction, canary, step).await?;
    if taken {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(taken)
}

fn text(id: TestId) -> String {
    id.to_string()
}
