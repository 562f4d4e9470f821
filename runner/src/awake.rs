//! A limit in time that this process was running (I5).
//!
//! A call's limit is the platform's, and not ours: a process that was stopped, or starved, could not take the answer that
//! lay in its socket, and finds its timers run out and its connections closed when it wakes. So time that it stood
//! still is not counted, and what failed over it says nothing about the other side.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How often the time is looked at.
const TICK: Duration = Duration::from_millis(100);
/// What a tick may count for at most: a busy machine wakes us late.
const COUNTS: Duration = Duration::from_millis(200);
/// Longer than this without a tick, and we stood still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended<T> {
    /// What it came to; `None` if the limit was reached.
    pub value: Option<T>,
    /// Whether the process stood still meanwhile.
    pub stood_still: bool,
}

/// Waits for a call for so much time of running.
pub(crate) async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Ended<T> {
    let mut call = pin!(call);
    let (mut left, mut last, mut stood_still) = (limit, Instant::now(), false);
    loop {
        let value = tokio::select! {
            biased;
            value = &mut call => Some(value),
            () = sleep(TICK.min(left)) => None,
        };
        let passed = last.elapsed();
        last += passed;
        left = left.saturating_sub(passed.min(COUNTS));
        stood_still |= passed > STANDSTILL;
        if value.is_some() || left.is_zero() {
            return Ended { value, stood_still };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::time::advance;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_call_is_given_up_when_its_time_is_over() {
        let began = Instant::now();
        let ended = within(2 * SECOND, pending::<()>()).await;
        assert_eq!(ended, Ended { value: None, stood_still: false });
        assert!(began.elapsed() < 2 * SECOND + TICK);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_while_the_process_stood_still_is_taken() {
        let answer = sleep(7 * SECOND);
        let standstill = async {
            sleep(TICK / 2).await;
            advance(6 * SECOND).await;
        };
        let (ended, ()) = tokio::join!(within(2 * SECOND, answer), standstill);
        assert_eq!(ended, Ended { value: Some(()), stood_still: true });
    }

    #[tokio::test(start_paused = true)]
    async fn who_stood_still_still_gives_up_after_the_limit() {
        let standstill = async {
            sleep(TICK / 2).await;
            advance(6 * SECOND).await;
        };
        let began = Instant::now();
        let (ended, ()) = tokio::join!(within(2 * SECOND, pending::<()>()), standstill);
        assert_eq!(ended, Ended { value: None, stood_still: true });
        assert!(began.elapsed() > 7 * SECOND);
    }
}
