//! Sweeps the tests that have news, decides, and writes outcomes to the ledger (design §2.3).
//!
//! The verdict itself is [`canary_domain::judge`]; this crate carries facts to it and verdicts to the ledger,
//! and forgets nothing on the board before the ledger has it. Whatever is interrupted (a crash, a lost lease,
//! a store that is away) is done again by the next sweep and comes out the same (I3, I6).

mod chores;
mod judge;
mod keep;
mod news;
mod outage;
mod page;
mod points;
mod refill;
mod rejudge;
mod sweep;
mod tally;
mod write;

use std::time::Duration;

pub use judge::{Judge, Parts, SeatLost};
pub use news::OutcomeNews;
pub use page::{Judged, Look};
pub use points::{POINTS, WAITS};
pub use rejudge::{Rejudge, RejudgeError, RejudgeProgress, RejudgeReport, Shift};
pub use sweep::{SweepError, SweepReport};

/// How the judge works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Time between two sweeps (design §6, `sweep_every`).
    pub sweep_every: Duration,
    /// How long a test is watched from its firing on (design §6, `watch`).
    pub watch: Duration,
    /// Time from a deadline until missing coverage is called `observer_blind` (design §13).
    pub blind_after: Duration,
    /// The frame whose reactors observe.
    pub local_frame: String,
    /// How long rows are kept (design §5: 90 days).
    pub retention: Duration,
    /// How long hourly rollups are kept (design §5: 400 days).
    pub hourly_retention: Duration,
    /// The most tests that are read, judged and written in one step; at least 1.
    pub batch: usize,
}
