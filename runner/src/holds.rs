//! Pauses and maintenance windows, as they were last read.
//!
//! The race it lives with: whoever was told that a path is paused may not see tokens move after that. So a slot asks once
//! more when it is due, and takes what was read from then on. It waits for that only a little: a ledger that is slow or
//! away delays no slot, and what was read last stays in force.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use canary_domain::{Hold, Moment, Reason};
use canary_store::Result;
use tokio::time::{Instant, timeout};
use tracing::warn;

/// The holds last read. Shared by all slots, and by the runner, which reads beside them.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    kept: Mutex<Kept>,
    /// Whose turn it is to read for those who wait.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    /// When the reading began; `None`: nothing was read yet.
    began: Option<Instant>,
    holds: Vec<Hold>,
}

impl Holds {
    /// Why a slot of this path is skipped that is due at one of these moments, if so.
    pub fn skip(&self, path: &str, moments: &[Moment]) -> Option<Reason> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        moments.iter().find_map(|moment| kept.holds.iter().find_map(|hold| hold.skips(path, *moment)))
    }

    /// Reads them, if that takes no longer than `limit`.
    pub async fn read(&self, limit: Duration, ask: impl AsyncFnOnce() -> Result<Vec<Hold>>) {
        within(limit, self.keep(ask)).await;
    }

    /// As [`Holds::read`], unless somebody's reading began at or after `since`, or does while we wait for our turn.
    pub async fn read_since(
        &self,
        since: Instant,
        limit: Duration,
        ask: impl AsyncFnOnce() -> Result<Vec<Hold>>,
    ) {
        within(limit, async {
            let _turn = self.turn.lock().await;
            if self.began() < Some(since) {
                self.keep(ask).await;
            }
        })
        .await;
    }

    fn began(&self) -> Option<Instant> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).began
    }

    /// Of two readings at once the one that began later is kept.
    async fn keep(&self, ask: impl AsyncFnOnce() -> Result<Vec<Hold>>) {
        let began = Some(Instant::now());
        match ask().await {
            Ok(holds) => {
                let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.began <= began {
                    *kept = Kept { began, holds };
                }
            }
            Err(error) => {
                warn!(%error, "pauses and maintenance windows can't be read: the last known are in force");
            }
        }
    }
}

async fn within(limit: Duration, reading: impl Future<Output = ()>) {
    if timeout(limit, reading).await.is_err() {
        warn!("the ledger is slow: the last known pauses and maintenance windows are in force");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use canary_domain::HoldKind;
    use canary_store::StoreError;
    use tokio::time::sleep;

    const MS: Duration = Duration::from_millis(1);

    fn pause(path: &str) -> Hold {
        let (kind, path) = (HoldKind::Pause, Some(path.to_owned()));
        Hold { kind, path, from: Moment::UNIX_EPOCH, until: None }
    }

    fn skipped(holds: &Holds, path: &str) -> bool {
        holds.skip(path, &[Moment::UNIX_EPOCH]).is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn slots_due_together_share_one_reading_and_later_ones_do_not() {
        let (holds, asked) = (Holds::default(), AtomicUsize::new(0));
        let ask = async || {
            asked.fetch_add(1, Ordering::Relaxed);
            sleep(10 * MS).await;
            Ok(vec![pause("p")])
        };
        let due = Instant::now();
        let slot = || holds.read_since(due, 100 * MS, ask);
        tokio::join!(slot(), slot(), slot());
        assert_eq!((asked.load(Ordering::Relaxed), skipped(&holds, "p")), (1, true));
        slot().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1, "that reading began when it was due");
        holds.read_since(Instant::now(), 100 * MS, ask).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2, "what was read before a slot is due is too old for it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_hangs_or_fails_leaves_what_was_known_in_force_within_the_limit() {
        let holds = Holds::default();
        holds.read(100 * MS, async || Ok(vec![pause("p")])).await;
        let due = Instant::now() + MS;
        sleep(MS).await;
        let slot = || holds.read_since(due, 100 * MS, async || pending().await);
        tokio::join!(slot(), slot(), slot());
        assert!(due.elapsed() < 110 * MS, "nobody waits for the others' limits: {:?}", due.elapsed());
        let away = StoreError::Broken { store: "it".into(), step: "reading", cause: "broken".into() };
        holds.read_since(due, 100 * MS, async || Err(away)).await;
        assert!(skipped(&holds, "p"));
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_readings_at_once_the_one_that_began_later_is_kept() {
        let holds = Holds::default();
        let slow = holds.read(100 * MS, async || {
            sleep(50 * MS).await;
            Ok(vec![])
        });
        let later = async {
            sleep(MS).await;
            holds.read_since(Instant::now(), 100 * MS, async || Ok(vec![pause("p")])).await;
        };
        tokio::join!(slow, later);
        assert!(skipped(&holds, "p"));
    }
}
