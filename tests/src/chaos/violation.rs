//! What a run showed that must not be.

use std::fmt::{Display, Formatter, Result};

/// The design's invariants (§3.4), and what a run rests on beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the design's")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    /// Once the faults are over, it fires and passes again, and every process ends when and as it is told to.
    Recovery,
}

/// One breach, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What was broken.
    pub invariant: Invariant,
    /// How, in a line.
    pub what: String,
    /// The rows, calls or lines that show it.
    pub evidence: Vec<String>,
}

impl Violation {
    /// A breach.
    #[must_use]
    pub fn of(invariant: Invariant, what: impl Into<String>, evidence: Vec<String>) -> Self {
        Self { invariant, what: what.into(), evidence }
    }
}

impl Display for Violation {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        write!(out, "{:?} is violated: {}", self.invariant, self.what)?;
        self.evidence.iter().try_for_each(|line| write!(out, "\n    {line}"))
    }
}
