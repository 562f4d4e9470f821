//! Failures in a row are told once, and make the pauses longer.

use std::time::Duration;

use canary_domain::backoff;

use super::keep::EVERY;

/// The longest pause after failures.
const AT_MOST: Duration = Duration::from_secs(5);

/// A row of failures, if there is one.
#[derive(Default)]
pub(super) struct Pauses(Option<Box<dyn Iterator<Item = Duration> + Send + Sync>>);

impl Pauses {
    /// The pause after a failure, and whether it is the first.
    pub(super) fn failed(&mut self) -> (Duration, bool) {
        let is_first = self.0.is_none();
        let pauses = self.0.get_or_insert_with(|| Box::new(backoff()));
        (pauses.next().unwrap_or(AT_MOST).clamp(EVERY, AT_MOST), is_first)
    }

    /// Whether that ends a row of failures.
    pub(super) fn succeeded(&mut self) -> bool {
        self.0.take().is_some()
    }
}
