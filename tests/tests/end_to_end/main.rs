//! The main job end to end: the real binary fires, stamps and judges on a real platform, Redis and PostgreSQL.
//!
//! Tests that only look share one healthy deployment; those that break something have their own.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod accounts;
mod api;
mod commands;
mod configuration;
mod demo;
mod evidence;
mod export;
mod handover;
mod harness;
mod healthy;
mod history;
mod latency;
mod main_job;
mod metrics;
mod operators;
mod probe;
mod secrets;
mod takeover;
#[path = "../../../outbound/tests/outbound/web.rs"]
mod web;
mod webhooks;
