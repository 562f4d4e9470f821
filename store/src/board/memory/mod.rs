//! The board in memory: for the one process that runs everything (design §4, last line).
//!
//! Whatever a life is counted in runs on the monotonic clock; only the board's time and its terms come from
//! the wall clock. It lives with no race: every call holds one lock, and none waits while it does.

mod queue;
mod state;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId, Withheld,
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::broadcast;
use tracing::debug;

use self::state::State;
use super::{
    AgentState, Announcement, Announcements, Board, Due, Holder, ReactorState, Registration, without_slot,
};
use crate::{Leadership, Result, clock};

/// How many announcements a slow listener may fall behind before its stream ends.
const BACKLOG: usize = 4_096;

/// A board in the memory of this process.
pub struct MemoryBoard {
    /// Shared by all that run in this process.
    state: Mutex<State>,
    fires: broadcast::Sender<Announcement>,
    wall: Box<dyn Fn() -> Moment + Send + Sync>,
}

impl MemoryBoard {
    /// An empty board whose time is this machine's.
    #[must_use]
    pub fn new() -> Self {
        Self::with_wall(clock::wall)
    }

    /// An empty board whose time is `wall`'s.
    #[must_use]
    pub fn with_wall(wall: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        let (fires, _) = broadcast::channel(BACKLOG);
        Self { state: Mutex::default(), fires, wall: Box::new(wall) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, announcement: Announcement) {
        if self.fires.send(announcement).is_err() {
            debug!("nobody listens to announcements");
        }
    }
}

impl Default for MemoryBoard {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryBoard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBoard").field("state", &self.state).finish_non_exhaustive()
    }
}

#[async_trait]
impl Board for MemoryBoard {
    fn describe(&self) -> String {
        "the board in memory".to_owned()
    }

    async fn time(&self) -> Result<Moment> {
        Ok((self.wall)())
    }

    async fn acquire(&self, role: Role, node: &NodeId, ttl: Duration) -> Result<Option<Term>> {
        Ok(self.state().acquire(role, node, ttl, (self.wall)()))
    }

    async fn renew(&self, role: Role, holder: &Holder, ttl: Duration) -> Result<bool> {
        Ok(self.state().renew(role, holder, ttl))
    }

    async fn release(&self, role: Role, holder: &Holder) -> Result<()> {
        self.state().release(role, holder);
        Ok(())
    }

    async fn holder(&self, role: Role) -> Result<Option<Holder>> {
        Ok(self.state().holder(role).cloned())
    }

    async fn register(&self, lead: &Leadership, test: &Test) -> Result<Registration> {
        if lead.check().is_err() {
            return Ok(Registration::NotLeading);
        }
        let registration = self.state().register(lead.role(), &lead.holder(), test);
        if registration == Registration::Registered {
            self.announce(Announcement::Test { test: Box::new(test.clone()) });
        }
        Ok(registration)
    }

    async fn register_free(&self, test: &Test) -> Result<bool> {
        without_slot(test, self.describe())?;
        let registered = self.state().register_free(test);
        if registered {
            self.announce(Announcement::Test { test: Box::new(test.clone()) });
        }
        Ok(registered)
    }

    async fn claimed(&self, path: &str, cycles: &[i64]) -> Result<Vec<i64>> {
        let state = self.state();
        Ok(cycles.iter().copied().filter(|cycle| state.is_claimed(path, *cycle)).collect())
    }

    async fn note_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool> {
        let noted = self.state().note(test_id, |facts| {
            let latest = facts.fired_at.is_none_or(|kept| kept < fired_at);
            if latest {
                (facts.fired_at, facts.fired_error_us) = (Some(fired_at), error_us);
            }
            latest
        });
        Ok(noted.is_some())
    }

    async fn note_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool> {
        let noted = self.state().note(test_id, |facts| first(&mut facts.answer, answer));
        if noted == Some(true)
            && let Some(transfer_id) = answer.transfer_id.clone()
        {
            self.announce(Announcement::Transfer { test_id, transfer_id });
        }
        Ok(noted.is_some())
    }

    async fn note_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool> {
        let noted = self.state().note(test_id, |facts| first(&mut facts.withheld, withheld));
        Ok(noted.is_some())
    }

    async fn restore(&self, facts: &[Facts]) -> Result<()> {
        for facts in facts {
            if !self.state().restore(facts) {
                continue;
            }
            self.announce(Announcement::Test { test: Box::new(facts.test.clone()) });
            if let Some(transfer_id) = facts.transfer_id().map(str::to_owned) {
                self.announce(Announcement::Transfer { test_id: facts.test.test_id, transfer_id });
            }
        }
        Ok(())
    }

    async fn open_tests(&self) -> Result<Vec<Facts>> {
        Ok(self.state().open_tests())
    }

    async fn announcements(&self) -> Result<Announcements> {
        // A listener that fell behind has lost something: its stream ends, as a broken connection's does.
        let news = stream::unfold(self.fires.subscribe(), async |mut fires| {
            fires.recv().await.ok().map(|announcement| (announcement, fires))
        });
        Ok(news.boxed())
    }

    async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        let mut state = self.state();
        Ok(batch.iter().filter(|sighting| !state.stamp(sighting)).map(|sighting| sighting.test_id).collect())
    }

    async fn note_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool> {
        let noted = self.state().note(test_id, |facts| {
            let wins = facts.mismatch.as_ref().is_none_or(|kept| mismatch < kept);
            if wins {
                facts.mismatch = Some(mismatch.clone());
            }
            wins
        });
        Ok(noted.is_some())
    }

    async fn save_reactor(&self, state: &ReactorState) -> Result<()> {
        self.state().save_reactor(state);
        Ok(())
    }

    async fn reactors(&self) -> Result<Vec<ReactorState>> {
        Ok(self.state().reactors())
    }

    async fn position(&self, frame: &str, event_type: EventType) -> Result<Option<i64>> {
        Ok(self.state().position(frame, event_type))
    }

    async fn save_agent(&self, state: &AgentState) -> Result<()> {
        self.state().save_agent(state);
        Ok(())
    }

    async fn agents(&self) -> Result<Vec<AgentState>> {
        Ok(self.state().agents())
    }

    async fn due(&self, now: Moment, limit: usize) -> Result<Due> {
        Ok(self.state().due(now, limit))
    }

    async fn reschedule(&self, looks: &[(TestId, Moment)]) -> Result<()> {
        let mut state = self.state();
        looks.iter().for_each(|(test_id, look)| state.reschedule(*test_id, *look));
        Ok(())
    }

    async fn close(&self, tests: &[TestId]) -> Result<()> {
        let mut state = self.state();
        tests.iter().for_each(|test_id| state.close(*test_id));
        Ok(())
    }

    async fn keep(&self, tests: &[TestId]) -> Result<()> {
        let mut state = self.state();
        tests.iter().for_each(|test_id| state.keep(*test_id));
        Ok(())
    }

    async fn open_count(&self) -> Result<u64> {
        Ok(self.state().open_count())
    }
}

/// Notes what was not noted before; answers whether it did.
fn first<T: Clone>(place: &mut Option<T>, value: &T) -> bool {
    let first = place.is_none();
    if first {
        *place = Some(value.clone());
    }
    first
}
