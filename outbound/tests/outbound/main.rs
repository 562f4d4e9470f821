//! Webhooks and log searches over real sockets and a real ledger.

#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

mod delivering;
mod searching;
mod stand;
mod telling;
mod web;
