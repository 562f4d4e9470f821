//! Waiting on a condition, with a limit: the one place that sleeps.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(20);

/// Asks until it holds, at most `seconds`.
///
/// # Panics
/// When the time is up.
pub async fn until(what: impl Display, seconds: u64, mut holds: impl AsyncFnMut() -> bool) {
    until_some(what, seconds, async || holds().await.then_some(())).await;
}

/// Asks until there is an answer, at most `seconds`.
///
/// # Panics
/// When the time is up.
pub async fn until_some<T>(what: impl Display, seconds: u64, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(seconds, ask).await.unwrap_or_else(|| panic!("{what}: not within {seconds} s"))
}

/// Asks until there is an answer; `None` when the time is up.
pub async fn within<T>(seconds: u64, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let answer = ask().await;
        if answer.is_some() || Instant::now() >= end {
            return answer;
        }
        sleep(PAUSE).await;
    }
}
