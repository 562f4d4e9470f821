//! The export against a receiver that misbehaves, and against real VictoriaMetrics and Prometheus servers.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod closing;
mod decode;
mod faults;
mod leaders;
mod prometheus;
mod receiver;
mod rows;
mod stand;
mod victoria;
