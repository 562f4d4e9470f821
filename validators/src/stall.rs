//! Whether the moment of reading is the moment of arrival (I5).
//!
//! A process that was stopped, or could not keep up, reads late what arrived in time. A frame arrived between the
//! moment when the socket was last known to be empty and the moment when it was read: if that is long, its
//! own event time has to count, not our standstill.

use std::time::Duration;

use tokio::time::Instant;

/// A reader wakes at least this often, though nothing arrives.
pub(crate) const WAKE_EVERY: Duration = Duration::from_millis(250);
/// Longer than this without waking, or without an empty socket, and the moment of reading proves nothing.
const LIMIT: Duration = Duration::from_millis(1500);
/// After a standstill the socket may look empty until the runtime has asked the kernel; by now it has.
const SETTLED: Duration = Duration::from_millis(250);

/// Follows one socket's reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stall {
    awake: Instant,
    empty: Instant,
    behind: Option<Instant>,
}

impl Stall {
    pub fn new(now: Instant) -> Self {
        Self { awake: now, empty: now, behind: None }
    }

    /// Bytes were read, just now.
    pub fn read(&mut self, now: Instant) {
        self.wake(now);
        if self.behind.is_none() && now - self.empty > LIMIT {
            self.behind = Some(now);
        }
    }

    /// The socket had nothing to read, just now.
    pub fn empty(&mut self, now: Instant) {
        self.wake(now);
        if self.behind.is_none_or(|since| now - since >= SETTLED) {
            self.behind = None;
            self.empty = now;
        }
    }

    /// Whether what was read last may have arrived much earlier.
    pub fn behind(&self) -> bool {
        self.behind.is_some()
    }

    fn wake(&mut self, now: Instant) {
        if now - self.awake > LIMIT {
            self.behind = Some(now);
        }
        self.awake = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Script {
        start: Instant,
        stall: Stall,
    }

    impl Script {
        fn new() -> Self {
            let start = Instant::now();
            Self { start, stall: Stall::new(start) }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn empty(&mut self, ms: u64) {
            self.stall.empty(self.at(ms));
        }

        fn reads(&mut self, ms: u64) -> bool {
            self.stall.read(self.at(ms));
            self.stall.behind()
        }
    }

    #[test]
    fn a_reader_that_wakes_in_time_trusts_its_moments_however_long_the_silence() {
        let mut script = Script::new();
        for tick in 1..100 {
            script.empty(tick * 250);
        }
        assert!(!script.reads(100 * 250));
    }

    #[test]
    fn what_is_read_after_a_standstill_counts_by_its_own_time_until_the_socket_is_empty_again() {
        let mut script = Script::new();
        script.empty(250);
        assert!(script.reads(5_000), "stopped for almost 5 s");
        assert!(script.reads(5_001));
        script.empty(5_002);
        assert!(script.reads(5_010), "the runtime may not have asked the kernel yet");
        script.empty(5_260);
        assert!(!script.reads(5_261));
    }

    #[test]
    fn a_standstill_that_is_first_noticed_on_an_empty_socket_counts_too() {
        let mut script = Script::new();
        script.empty(5_000);
        assert!(script.reads(5_001));
    }

    #[test]
    fn a_reader_that_cannot_keep_up_does_not_trust_its_moments() {
        let mut script = Script::new();
        for ms in (10..=1_500).step_by(10) {
            assert!(!script.reads(ms));
        }
        assert!(script.reads(1_510), "the socket was never empty");
        script.empty(1_600);
        assert!(script.reads(1_700));
        script.empty(1_770);
        assert!(!script.reads(1_800));
    }
}
