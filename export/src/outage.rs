//! Says once that somebody the export needs went away and once that it is back, however often it was asked in between.

use std::collections::BTreeMap;
use std::fmt;

use tokio::time::Instant;
use tracing::{error, info};

/// Those who are away, and since when.
#[derive(Debug, Default)]
pub(crate) struct Outages(BTreeMap<String, Instant>);

impl Outages {
    /// It failed.
    pub fn failed(&mut self, who: &str, cause: &dyn fmt::Display) {
        if !self.0.contains_key(who) {
            error!(who, %cause, "cannot export for now: nothing is lost, and it will be tried again");
            self.0.insert(who.to_owned(), Instant::now());
        }
    }

    /// All did what they were asked.
    pub fn worked(&mut self) {
        for (who, since) in std::mem::take(&mut self.0) {
            info!(who, away_s = since.elapsed().as_secs(), "exporting again");
        }
    }
}
