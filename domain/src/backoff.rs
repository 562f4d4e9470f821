//! The one backoff of the canary: exponential from 100 ms to 10 s, jittered, without end.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Delays to wait between tries: each doubles the one before, plus a random part of itself, so that
/// instances that lost the same server do not return in step. Start a new one after a success.
pub fn backoff() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(10))
        .with_jitter()
        .without_max_times()
        .build()
}
