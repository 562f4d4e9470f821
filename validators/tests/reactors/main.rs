//! The five reactors against a scripted EventStore over real sockets, and a board that can be taken away.

#![expect(clippy::unwrap_used, reason = "helpers of tests, where a panic is the report")]

mod bad_frames;
mod board_away;
mod fragile;
mod outages;
mod rig;
mod standstill;
mod store;
mod streaming;
