//! What receivers of webhooks were told and are still to be told, and what logs are still to be searched: the work that is
//! left once a verdict is written. The judge never waits for it.
//!
//! The races it lives with: a leader that was deposed and its successor may both read on from the same number of the
//! feed. Whoever moves the cursor first writes what follows, in the same transaction; the other is refused and
//! reads again. A notice is claimed before it is sent, so that a successor leaves it alone for as long as sending may take.

pub(super) mod questions;

use async_trait::async_trait;
use canary_domain::{Moment, TestId};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use super::{Brief, LogSearch, Unsearched};
use crate::Result;

/// The state of a path as receivers of webhooks are told it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum ToldState {
    /// It passes, or too few tests in a row did not.
    Passing,
    /// So many tests in a row did not pass that it was told.
    Failing,
}

/// What was last told of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The path.
    pub path: String,
    /// Its state.
    pub state: ToldState,
    /// Registration of the first test that failed, or of the one that passed again.
    pub since: Moment,
    /// The test that decided it.
    pub test_id: TestId,
}

/// How far the feed was read, and what was told by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Number of the last change that was looked at.
    pub change: i64,
    /// What was last told of each path that anything was told of.
    pub told: Vec<Told>,
}

/// A message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The receiver's name.
    pub endpoint: String,
    /// The same with each try.
    pub id: String,
    /// The path it is about.
    pub path: String,
    /// What is sent.
    pub body: String,
    /// Number of the change that it follows from.
    pub change: i64,
    /// When it was written.
    pub told_at: Moment,
    /// How often it was sent.
    pub attempts: i32,
}

/// A step along the feed, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the step begins; `None`: nothing was ever read.
    pub from: Option<i64>,
    /// Where it ends.
    pub to: i64,
    /// When.
    pub at: Moment,
    /// What is told of paths from now on.
    pub told: Vec<Told>,
    /// The messages that say so.
    pub notices: Vec<Notice>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Ending {
    /// The receiver took it.
    Delivered,
    /// It was refused for too long, or for good.
    GivenUp,
    /// Too many were waiting.
    Dropped,
}

/// What is left to do once verdicts are written. As of [`Ledger`](super::Ledger), each function is one bounded step.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// How far webhooks have read the feed; `None`: never.
    async fn telling(&self) -> Result<Option<Telling>>;

    /// The newest scheduled rows of a path, newest registration first, that have not changed after this number.
    async fn path_history(&self, path: &str, until: i64, limit: i64) -> Result<Vec<Brief>>;

    /// Takes a step, whole or not at all; `false` if somebody else has taken it.
    async fn tell(&self, step: &Step) -> Result<bool>;

    /// Messages to this receiver that may be sent now, at most `limit`: the first that waits of each path.
    async fn due_notices(&self, endpoint: &str, now: Moment, limit: i64) -> Result<Vec<Notice>>;

    /// Counts a try and keeps others from it until then; `false` if somebody else has, or it has ended.
    async fn claim_notice(&self, notice: &Notice, until: Moment) -> Result<bool>;

    /// Lets a message that waits wait until then.
    async fn postpone_notice(&self, notice: &Notice, until: Moment) -> Result<()>;

    /// Ends a message; `false` if it had ended.
    async fn end_notice(&self, notice: &Notice, ending: Ending, at: Moment) -> Result<bool>;

    /// Drops what waits beyond the newest `keep` messages to this receiver; answers how many there were.
    async fn bound_notices(&self, endpoint: &str, keep: i64, at: Moment) -> Result<u64>;

    /// How many messages wait for this receiver.
    async fn waiting_notices(&self, endpoint: &str) -> Result<i64>;

    /// Deletes messages written before this moment, at most `limit`.
    async fn prune_notices(&self, before: Moment, limit: i64) -> Result<u64>;

    /// Failures whose logs were not searched, judged in this span, newest first, at most `limit`.
    async fn unsearched(&self, since: Moment, before: Moment, limit: i64) -> Result<Vec<Unsearched>>;

    /// Keeps what a search came to; `false` if one was kept before, or the test is gone.
    async fn keep_search(&self, test: TestId, search: &LogSearch) -> Result<bool>;
}
