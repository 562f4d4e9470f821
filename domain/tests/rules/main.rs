//! The rules of design §3, as a table and as properties.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod hostile;
mod invariants;
mod support;
mod verdicts;
