//! The runner against a scripted platform on a real socket; a board in memory and a ledger in a file, and for what an
//! operator orders real servers, too.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod bench;
mod firing;
mod holds;
mod orders;
mod platform;
mod slots;
mod stuck;
