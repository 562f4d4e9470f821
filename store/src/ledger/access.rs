//! The way to the database: a pool whose every use has an end, and errors that name place, step and cause.
//!
//! A server that stops answering holds a connection for as long as TCP is patient, which is a quarter of an hour. So a
//! connection whose work did not come to its end in time, or was dropped with its caller, is closed and
//! not given back: the pool would wait for its answer. And where a server refuses connections, the pool tries
//! again until its time is up and then can't say why; so before the first one, one knock tells at once.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Database, Pool};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::failure::{Place, is_refusal};
use crate::{Result, StoreError};

/// How long to wait for a connection.
pub(super) const ACQUIRE: Duration = Duration::from_secs(3);
/// How long the server may work on one statement, where it can be told.
pub(super) const STATEMENT: Duration = Duration::from_secs(4);
/// How long all migrations together may take, rewriting what is there.
pub(super) const MIGRATION: Duration = Duration::from_mins(10);
/// How long one question may take in all.
pub(super) const QUESTION: Duration = Duration::from_secs(5);

/// A pool, and where it leads to.
pub(super) struct Access<DB: Database> {
    pool: Pool<DB>,
    place: Place,
    /// Host and port, where it is reached over TCP.
    door: Option<(String, u16)>,
    /// What to do when the login is refused.
    renew: Option<Box<dyn Fn() + Send + Sync>>,
}

impl<DB: Database> Access<DB> {
    pub(super) fn new(pool: Pool<DB>, place: Place, door: Option<(String, u16)>) -> Self {
        Self { pool, place, door, renew: None }
    }

    /// Does this when the login is refused, before the next connection.
    pub(super) fn when_refused(self, renew: impl Fn() + Send + Sync + 'static) -> Self {
        Self { renew: Some(Box::new(renew)), ..self }
    }

    /// The failure to connect.
    pub(super) fn unconnected(&self, step: &'static str, error: &sqlx::Error) -> StoreError {
        if let Some(renew) = self.renew.as_ref().filter(|_| is_refusal(error)) {
            renew();
        }
        self.place.failed(step, error)
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Asks one bounded question.
    pub(super) async fn ask<T, F>(&self, step: &'static str, question: F) -> Result<T>
    where
        F: AsyncFnOnce(&mut DB::Connection) -> sqlx::Result<T>,
    {
        self.ask_within(QUESTION, step, question).await
    }

    /// Asks a question that may take longer.
    pub(super) async fn ask_within<T, F>(&self, limit: Duration, step: &'static str, question: F) -> Result<T>
    where
        F: AsyncFnOnce(&mut DB::Connection) -> sqlx::Result<T>,
    {
        if self.pool.size() == 0 {
            self.knock(step).await?;
        }
        let connection = self.pool.acquire().await.map_err(|error| self.unconnected(step, &error))?;
        let mut lent = Lent { connection, settled: false };
        match timeout(limit, question(&mut lent.connection)).await {
            Ok(answer) => {
                lent.settled = true;
                answer.map_err(|error| self.place.failed(step, &error))
            }
            Err(_) => Err(self.place.silent(step, limit)),
        }
    }

    /// Makes something of rows that were fetched, so many that it would keep others of this thread waiting: those who note
    /// when a frame came, above all.
    pub(super) async fn digest<T, F>(&self, step: &'static str, digest: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> sqlx::Result<T> + Send + 'static,
    {
        match spawn_blocking(digest).await {
            Ok(digested) => digested.map_err(|error| self.place.failed(step, &error)),
            Err(stopped) => Err(self.place.unavailable(step, stopped.to_string())),
        }
    }

    /// Whether somebody listens there.
    async fn knock(&self, step: &'static str) -> Result<()> {
        let Some((host, port)) = &self.door else { return Ok(()) };
        match timeout(ACQUIRE, TcpStream::connect((host.as_str(), *port))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(refusal)) => Err(self.place.failed(step, &sqlx::Error::Io(refusal))),
            Err(_) => Err(self.place.silent(step, ACQUIRE)),
        }
    }
}

/// A connection of the pool that is closed unless its work came to an end.
struct Lent<DB: Database> {
    connection: PoolConnection<DB>,
    settled: bool,
}

impl<DB: Database> Drop for Lent<DB> {
    fn drop(&mut self) {
        if !self.settled {
            self.connection.close_on_drop();
        }
    }
}
