//! Says once that a store went away and once that it is back, however often it was asked in between.

use std::collections::BTreeMap;

use tokio::time::Instant;
use tracing::{error, info};

/// A store, as messages name it.
pub(crate) type Name = &'static str;

pub(crate) const BOARD: Name = "board";
pub(crate) const LEDGER: Name = "ledger";

/// The stores that are away, and since when.
#[derive(Debug, Default)]
pub(crate) struct Outages(BTreeMap<Name, Instant>);

impl Outages {
    /// It failed.
    pub(crate) fn failed(&mut self, store: Name, cause: &canary_store::StoreError) {
        self.0.entry(store).or_insert_with(|| {
            error!(store, %cause, "cannot judge for now: nothing is forgotten, and it will be tried again");
            Instant::now()
        });
    }

    /// It did what it was asked.
    pub(crate) fn worked(&mut self, store: Name) {
        if let Some(since) = self.0.remove(store) {
            info!(store, away_s = since.elapsed().as_secs(), "judging again");
        }
    }
}
