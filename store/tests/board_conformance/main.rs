//! What every board has to do, asked of both: each sentence of the `Board` trait is a test here.
//!
//! Redis is a real server that all tests of this binary share, each behind a prefix of its own; those that stop it
//! or look at what only Redis has start their own.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod agents;
mod announcements;
mod due;
mod leases;
mod lives;
mod memory_alone;
mod notes;
mod reactors;
mod redis_away;
mod redis_keys;
mod registration;
mod restoring;
mod stamps;
mod state_machine;
mod support;
