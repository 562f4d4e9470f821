//! The canary seen from outside: real Prometheus, Alertmanager and VictoriaMetrics on the shipped configurations, the real
//! binary on a real platform.
//!
//! The servers' intervals are shortened, their files otherwise changed in addresses alone; the rules are the shipped file
//! itself.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod alerts;
mod exposition;
mod prometheus;
mod queries;
mod reference;
mod web;
