//! Whom a fault is blamed on, and what it can't break: the platform's faults, the canary's own, and the stores'.
//!
//! Each test is a sentence about real processes on real servers. Faults are switched while everything runs, so a row
//! counts only if its slot was registered after the fault was there: the answer to "since when" is always the database's
//! clock, which is also Redis', and the sandbox's.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod calls;
mod clock;
mod events;
mod instances;
mod noise;
mod observers;
mod postgres;
mod redis;
mod sagas;
mod secrets;
mod sign_in;
mod support;
