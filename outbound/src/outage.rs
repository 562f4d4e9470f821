//! Says once that the ledger went away and once that it is back, however often it was asked in between.

use canary_store::StoreError;
use tokio::time::Instant;
use tracing::{error, info};

/// Since when a piece of work waits for the ledger.
#[derive(Debug)]
pub(crate) struct Outage {
    work: &'static str,
    since: Option<Instant>,
}

impl Outage {
    /// `work` says what waits, as messages name it.
    pub fn new(work: &'static str) -> Self {
        Self { work, since: None }
    }

    /// It failed.
    pub fn failed(&mut self, cause: &StoreError) {
        self.since.get_or_insert_with(|| {
            error!(work = self.work, %cause, "waiting for the ledger: nothing is lost, and it will be tried again");
            Instant::now()
        });
    }

    /// It did what it was asked.
    pub fn worked(&mut self) {
        if let Some(since) = self.since.take() {
            info!(work = self.work, away_s = since.elapsed().as_secs(), "the ledger is back");
        }
    }
}
