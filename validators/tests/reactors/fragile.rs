//! A board in memory that can be taken away, and come back empty.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Stage, Term, Test, TestId, Withheld,
};
use canary_store::{
    AgentState, Announcements, Board, Due, Holder, Leadership, MemoryBoard, ReactorState, Registration,
    Result, StoreError,
};
use tokio::sync::Semaphore;

/// The board that is there now, if one is.
#[derive(Default)]
pub struct Fragile {
    there: Mutex<Option<Arc<MemoryBoard>>>,
    /// Calls that found no board.
    pub failed: AtomicUsize,
    /// How often the open tests were read.
    pub reads: AtomicUsize,
    /// The open tests can't be read.
    pub hidden: AtomicBool,
    /// Stamping waits for a permit, if there is a gate.
    pub gate: Mutex<Option<Arc<Semaphore>>>,
    /// A test without whose stamp no coverage may be written …
    pub vouched: Mutex<Option<TestId>>,
    /// … and how often it was.
    pub vouched_early: AtomicUsize,
    /// A test whose key on the board is of another type.
    pub poisoned: Mutex<Option<TestId>>,
}

impl Fragile {
    pub fn new() -> Self {
        Self { there: Mutex::new(Some(Arc::default())), ..Self::default() }
    }

    /// Takes the board away; what it holds can be given back.
    pub fn take(&self) -> Arc<MemoryBoard> {
        self.there.lock().unwrap().take().unwrap()
    }

    pub fn put(&self, board: Arc<MemoryBoard>) {
        self.there.lock().unwrap().replace(board);
    }

    /// What is there now, past every obstacle.
    pub fn now(&self) -> Option<Arc<MemoryBoard>> {
        self.there.lock().unwrap().clone()
    }

    fn there(&self) -> Result<Arc<MemoryBoard>> {
        let there = self.there.lock().unwrap().clone();
        there.ok_or_else(|| {
            self.failed.fetch_add(1, Ordering::SeqCst);
            self.unavailable()
        })
    }

    fn unavailable(&self) -> StoreError {
        StoreError::Unavailable { store: self.describe(), step: "asking", cause: "it was taken away".into() }
    }

    fn is_poisoned(&self, test_id: TestId) -> bool {
        *self.poisoned.lock().unwrap() == Some(test_id)
    }

    async fn stamp_all(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
        if batch.iter().any(|sighting| self.is_poisoned(sighting.test_id)) {
            let cause = "WRONGTYPE Operation against a key holding the wrong kind of value".into();
            return Err(StoreError::Broken { store: self.describe(), step: "stamp", cause });
        }
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        self.there()?.stamp(batch).await
    }

    async fn save_state(&self, state: &ReactorState) -> Result<()> {
        let there = self.there()?;
        let vouched = *self.vouched.lock().unwrap();
        let lacks = |facts: &Facts| {
            Some(facts.test.test_id) == vouched && facts.stamps.get(Stage::TokensXfer).is_none()
        };
        if there.open_tests().await?.iter().any(lacks) {
            self.vouched_early.fetch_add(1, Ordering::SeqCst);
        }
        there.save_reactor(state).await
    }

    async fn readable_tests(&self) -> Result<Vec<Facts>> {
        if self.hidden.load(Ordering::SeqCst) {
            return Err(self.unavailable());
        }
        let mut open = self.there()?.open_tests().await?;
        self.reads.fetch_add(1, Ordering::SeqCst);
        open.retain(|facts| !self.is_poisoned(facts.test.test_id));
        Ok(open)
    }
}

macro_rules! pass_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Board for Fragile {
            fn describe(&self) -> String {
                "the fragile board".into()
            }

            async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>> {
                self.stamp_all(batch).await
            }

            async fn save_reactor(&self, state: &ReactorState) -> Result<()> {
                self.save_state(state).await
            }

            async fn open_tests(&self) -> Result<Vec<Facts>> {
                self.readable_tests().await
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.there()?.$name($($arg),*).await
            })*
        }
    };
}

pass_on! {
    time() -> Moment;
    acquire(role: Role, node: &NodeId, ttl: Duration) -> Option<Term>;
    renew(role: Role, holder: &Holder, ttl: Duration) -> bool;
    release(role: Role, holder: &Holder) -> ();
    holder(role: Role) -> Option<Holder>;
    register(lead: &Leadership, test: &Test) -> Registration;
    register_free(test: &Test) -> bool;
    claimed(path: &str, cycles: &[i64]) -> Vec<i64>;
    note_fired(test_id: TestId, fired_at: Moment, error_us: u64) -> bool;
    note_answer(test_id: TestId, answer: &Answer) -> bool;
    note_withheld(test_id: TestId, withheld: &Withheld) -> bool;
    restore(facts: &[Facts]) -> ();
    announcements() -> Announcements;
    note_mismatch(test_id: TestId, mismatch: &Mismatch) -> bool;
    save_agent(state: &AgentState) -> ();
    agents() -> Vec<AgentState>;
    reactors() -> Vec<ReactorState>;
    position(frame: &str, event_type: EventType) -> Option<i64>;
    due(now: Moment, limit: usize) -> Due;
    reschedule(looks: &[(TestId, Moment)]) -> ();
    close(tests: &[TestId]) -> ();
    keep(tests: &[TestId]) -> ();
    open_count() -> u64;
}
