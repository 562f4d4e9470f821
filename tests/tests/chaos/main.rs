//! Chaos with real processes: the cut that every change has to pass, and the one pause that matters most.
//!
//! `cargo xtask chaos` plays more seeds, and longer.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod cut;
mod standstill;
