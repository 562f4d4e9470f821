//! A row without a database, for who asks what would become of it: the rules of writing, and nothing else.

use canary_domain::Test;

use super::amend::{amend, arrival};
use super::record::Record;
use super::{Change, FactsRow, ResultRow, Unfired};

/// One row of a ledger that nobody keeps. What [`Ledger::record`](super::Ledger::record) does with a row is done by the
/// same functions here.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow(Record);

impl KeptRow {
    /// The pending row of a slot that was just claimed.
    #[must_use]
    pub fn claimed(test: &Test) -> Self {
        Self(Record::claimed(test))
    }

    /// The row of a slot that was not fired.
    #[must_use]
    pub fn unfired(unfired: &Unfired) -> Self {
        Self(Record::unfired(unfired))
    }

    /// The row that a judge writes where there was none, and the change to tell of.
    #[must_use]
    pub fn judged(news: &FactsRow) -> (Self, Option<Change>) {
        let record = Record::judged(news);
        let change = arrival(&record);
        (Self(record), change)
    }

    /// What becomes of this row when a judge wants to write `news`, and the change to tell of; `None` leaves it alone.
    #[must_use]
    pub fn amended(&self, news: &FactsRow) -> Option<(Self, Option<Change>)> {
        amend(&self.0, &Record::judged(news)).map(|(record, change)| (Self(record), change))
    }

    /// The row as it is read.
    #[must_use]
    pub fn result(&self) -> ResultRow {
        self.0.clone().into_row()
    }
}
