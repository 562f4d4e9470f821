//! Waiting on a condition with a limit: the one place that reads a clock and sleeps, since this crate has no runtime.

use std::time::{Duration, Instant};

use anyhow::bail;

/// Long enough for a loaded machine; a server that is not ready by then never will be.
const LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until the answer is there, at most a minute.
///
/// # Errors
///
/// The first error that `probe` gives, or that the time is up.
#[expect(clippy::disallowed_methods, reason = "this crate has no runtime: its waits have their home here")]
pub(crate) fn until<T>(
    what: &str,
    mut probe: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = probe()? {
            return Ok(answer);
        }
        if started.elapsed() > LIMIT {
            bail!("{what}: not within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(PAUSE);
    }
}
