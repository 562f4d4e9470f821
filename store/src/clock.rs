//! One clock for all instances: the board's (design §3.2).
//!
//! Each comparison reads the board's clock several times and keeps the answer with the shortest round trip; half of
//! it bounds the error. In between, the machine's monotonic clock carries on, so a step of the wall clock of
//! this machine is never seen, and a slow answer that knows less than it does is not followed (I4). A step of the board's own clock is followed only after two comparisons agree on
//! it, and counted: what was observed before it can't be compared with what comes after.

use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canary_domain::{Clock, Moment};
use chrono::{SubsecRound as _, TimeDelta};
use tokio::time::Instant;

use crate::{Board, Result};

/// Readings a comparison takes.
const TRIES: usize = 5;
/// How far a machine's monotonic clock may drift, in parts of a million: twice what quartz does.
const DRIFT_PPM: u32 = 200;
/// A difference beyond the known errors that is still no step, but a clock being slewed.
const SLEW: Duration = Duration::from_millis(50);

/// The wall clock of this machine: the clock of a board in memory, and what there is to show until a board has answered.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one home of wall time; see clippy.toml")]
pub fn wall() -> Moment {
    chrono::Utc::now().trunc_subsecs(6)
}

/// What one comparison with the board found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The board's clock less ours, before it was followed.
    pub offset: TimeDelta,
    /// Bound of the comparison's own error.
    pub error: Duration,
    /// What it means.
    pub finding: Finding,
}

/// What a comparison means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Both clocks agree within their errors.
    Steady,
    /// They differ by more; the next comparison decides. Compare again soon.
    Suspect,
    /// The board's clock has stepped; it is followed, and the step is counted.
    Stepped,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    instant: Instant,
    moment: Moment,
    error: Duration,
    /// How far the board's clock was off at the last comparison, if that was too far.
    suspect: Option<TimeDelta>,
}

/// The board's clock as this process knows it.
#[derive(Debug)]
pub struct BoardClock {
    /// Read by everyone, replaced by [`BoardClock::compare`] alone.
    anchor: RwLock<Anchor>,
    steps: AtomicU64,
}

impl BoardClock {
    /// Compares with the board for the first time.
    ///
    /// # Errors
    /// When the board does not answer.
    pub async fn start(board: &dyn Board) -> Result<Self> {
        let anchor = read(board).await?;
        Ok(Self { anchor: RwLock::new(anchor), steps: AtomicU64::new(0) })
    }

    /// Compares with the board again and follows it.
    ///
    /// # Errors
    /// When the board does not answer; the clock then runs on, with an error bound that grows.
    pub async fn compare(&self, board: &dyn Board) -> Result<Comparison> {
        Ok(self.follow(read(board).await?))
    }

    fn follow(&self, measured: Anchor) -> Comparison {
        let offset = measured.moment - self.at(measured.instant);
        let distance = offset.abs().to_std().unwrap_or(Duration::MAX);
        let mut anchor = self.anchor.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = bound(&anchor, measured.instant);
        let errors = known + measured.error;
        let tolerance = errors + SLEW;
        let finding = if distance <= tolerance {
            // What the errors can't explain proves the anchor wrong, however slow the answer was.
            if measured.error <= known || distance > errors {
                *anchor = measured;
            } else {
                anchor.suspect = None;
            }
            Finding::Steady
        } else if anchor
            .suspect
            .is_some_and(|before| (before - offset).abs().to_std().is_ok_and(|d| d <= tolerance))
        {
            *anchor = measured;
            self.steps.fetch_add(1, Ordering::Release);
            Finding::Stepped
        } else {
            anchor.suspect = Some(offset);
            Finding::Suspect
        };
        Comparison { offset, error: measured.error, finding }
    }

    fn anchor(&self) -> Anchor {
        *self.anchor.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for BoardClock {
    fn at(&self, instant: Instant) -> Moment {
        let anchor = self.anchor();
        let after =
            TimeDelta::from_std(instant.saturating_duration_since(anchor.instant)).unwrap_or(TimeDelta::MAX);
        let before =
            TimeDelta::from_std(anchor.instant.saturating_duration_since(instant)).unwrap_or(TimeDelta::MAX);
        (anchor.moment + after - before).trunc_subsecs(6)
    }

    fn error_bound(&self) -> Duration {
        let anchor = self.anchor();
        let suspect =
            anchor.suspect.map_or(Duration::ZERO, |offset| offset.abs().to_std().unwrap_or(Duration::MAX));
        bound(&anchor, Instant::now()).max(suspect)
    }

    fn steps(&self) -> u64 {
        self.steps.load(Ordering::Acquire)
    }
}

fn bound(anchor: &Anchor, now: Instant) -> Duration {
    anchor.error + now.saturating_duration_since(anchor.instant) * DRIFT_PPM / 1_000_000
}

async fn read(board: &dyn Board) -> Result<Anchor> {
    let mut best = read_once(board).await?;
    for _ in 1..TRIES {
        let reading = read_once(board).await?;
        if reading.error < best.error {
            best = reading;
        }
    }
    Ok(best)
}

/// The board read its clock at some moment between question and answer: it is taken for the middle.
async fn read_once(board: &dyn Board) -> Result<Anchor> {
    let asked = Instant::now();
    let moment = board.time().await?;
    let half = asked.elapsed() / 2;
    Ok(Anchor { instant: asked + half, moment, error: half, suspect: None })
}
