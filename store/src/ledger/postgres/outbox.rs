//! What is left to do once verdicts are written: what is told, and what is searched for.

use async_trait::async_trait;
use sqlx::{Connection as _, PgConnection};

use super::super::Outbox;
use super::super::columns::postgres::BRIEF;
use super::super::outbox::questions::{impl_outbox, outbox};
use super::PostgresLedger;
use crate::Result;

outbox!(PgConnection, std::convert::identity, TestId::uuid, BRIEF);
impl_outbox!(PostgresLedger, access, access, tell);

/// Takes a step; what somebody else has taken leaves nothing.
pub(super) async fn tell(c: &mut PgConnection, canary: &str, step: &Step) -> sqlx::Result<bool> {
    let mut transaction = c.begin().await?;
    let taken = take_step(&mut transaction, canary, step).await?;
    if taken {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(taken)
}
