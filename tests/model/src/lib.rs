//! A model of leases, claims, firing, stamping and judging, checked over its whole reachable space (design §3.4).
//!
//! Two instances, a slot or two, a board that forgets, a ledger that goes away, processes that die, leases that lapse,
//! answers that get lost: every order in which the steps of the product can happen is tried, within bounds (`scope.rs`).
//! The steps are the product's, cut where it awaits something (`runner.rs`, `judge.rs`, `world.rs`). What is decided is
//! not written down here again: verdicts come from [`canary_domain::judge`] and [`canary_judge::Look`], what becomes of
//! a row from [`canary_store::KeptRow`], so that model and product can't drift apart there.
//!
//! The same steps without one mechanism show what it is good for. `docs/model.md` has the results;
//! `cargo run -p canary-model` writes its tables.

pub mod action;
mod judge;
pub mod model;
pub mod properties;
pub mod report;
mod runner;
pub mod scope;
pub mod state;
mod table;
mod values;
mod world;
