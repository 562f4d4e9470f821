//! The lease and the clock over boards that fail, fall silent and answer late.
//!
//! Time stands still here and is moved by the tests, but where a real Redis is asked.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

mod clock;
mod contending;
mod faulty;
mod on_redis;
