//! A board in memory that can be taken away, and come back empty.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId, Withheld,
};
use canary_store::{
    Announcements, Board, Due, Holder, Leadership, MemoryBoard, ReactorState, Registration, Result,
    StoreError,
};

/// The board that is there now, if one is.
pub struct Fragile(Mutex<Option<Arc<MemoryBoard>>>);

impl Fragile {
    pub fn new() -> Self {
        Self(Mutex::new(Some(Arc::default())))
    }

    /// Takes the board away; what it holds can be given back.
    pub fn take(&self) -> Arc<MemoryBoard> {
        self.0.lock().unwrap().take().unwrap()
    }

    pub fn put(&self, board: Arc<MemoryBoard>) {
        self.0.lock().unwrap().replace(board);
    }

    fn there(&self) -> Result<Arc<MemoryBoard>> {
        self.0.lock().unwrap().clone().ok_or_else(|| StoreError::Unavailable {
            store: "the fragile board".into(),
            step: "asking",
            cause: "it was taken away".into(),
        })
    }
}

macro_rules! pass_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Board for Fragile {
            fn describe(&self) -> String {
                "the fragile board".into()
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
    claimed(path: &str, cycles: &[i64]) -> Vec<i64>;
    note_fired(test_id: TestId, fired_at: Moment, error_us: u64) -> bool;
    note_answer(test_id: TestId, answer: &Answer) -> bool;
    note_withheld(test_id: TestId, withheld: &Withheld) -> bool;
    restore(facts: &[Facts]) -> ();
    open_tests() -> Vec<Facts>;
    announcements() -> Announcements;
    stamp(batch: &[Sighting]) -> Vec<TestId>;
    note_mismatch(test_id: TestId, mismatch: &Mismatch) -> bool;
    save_reactor(state: &ReactorState) -> ();
    reactors() -> Vec<ReactorState>;
    position(frame: &str, event_type: EventType) -> Option<i64>;
    due(now: Moment, limit: usize) -> Due;
    reschedule(looks: &[(TestId, Moment)]) -> ();
    close(tests: &[TestId]) -> ();
    keep(tests: &[TestId]) -> ();
    open_count() -> u64;
}
