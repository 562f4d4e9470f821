//! Writes judged tests to the ledger, and counts what it took.

use std::slice;

use canary_domain::TestId;
use canary_store::{Change, FactsRow, Leadership, Observation, StoreError};
use tracing::error;

use crate::{Judge, SweepError};

/// What came of writing a page.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Rows that the ledger changed.
    pub(crate) changed: usize,
    /// Rows that it refused while it took others.
    pub(crate) refused: Vec<TestId>,
}

impl Judge {
    /// Writes a page; if the ledger refuses it for one bad row, the others are written all the same.
    pub(crate) async fn write(
        &self,
        lead: &Leadership,
        rows: &[FactsRow],
        observed: &Observation,
    ) -> Result<Written, SweepError> {
        match self.record(lead, rows, observed).await {
            Ok(changes) => Ok(Written { changed: changes.len(), refused: Vec::new() }),
            Err(SweepError::Ledger(cause)) if !cause.is_unavailable() => {
                self.write_singly(lead, rows, (observed, cause)).await
            }
            Err(error) => Err(error),
        }
    }

    async fn write_singly(
        &self,
        lead: &Leadership,
        rows: &[FactsRow],
        (observed, whole): (&Observation, StoreError),
    ) -> Result<Written, SweepError> {
        let mut written = Written::default();
        let mut causes = Vec::new();
        for row in rows {
            match self.record(lead, slice::from_ref(row), observed).await {
                Ok(changes) => written.changed += changes.len(),
                Err(SweepError::Ledger(cause)) if !cause.is_unavailable() => {
                    written.refused.push(row.facts.test.test_id);
                    causes.push(cause);
                }
                Err(error) => return Err(error),
            }
        }
        if rows.len() > 1 && causes.len() == rows.len() {
            // It refuses everything: the ledger is broken, not the rows.
            return Err(SweepError::Ledger(whole));
        }
        for (test_id, cause) in written.refused.iter().zip(&causes) {
            error!(%test_id, %cause, "the ledger refuses this row; it will be tried again in a minute");
        }
        Ok(written)
    }

    /// Nothing is awaited between the ledger's answer and the counting of it.
    async fn record(
        &self,
        lead: &Leadership,
        rows: &[FactsRow],
        observed: &Observation,
    ) -> Result<Vec<Change>, SweepError> {
        lead.check()?;
        let changes = self.ledger.record_observed(rows, Some(observed)).await.map_err(SweepError::Ledger)?;
        self.tally.changed(rows, &changes);
        Ok(changes)
    }
}
