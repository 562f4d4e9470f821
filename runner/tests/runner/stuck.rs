//! A board on which nothing is ever said of an agent: the call does not end.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId, Withheld,
};
use canary_store::{
    AgentState, Announcements, Board, Due, Holder, Leadership, MemoryBoard, ReactorState, Registration,
    Result,
};

#[derive(Default)]
pub struct Stuck {
    board: MemoryBoard,
    /// How often somebody tried.
    pub asked: Arc<AtomicUsize>,
}

macro_rules! pass_on {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Board for Stuck {
            fn describe(&self) -> String {
                "the stuck board".into()
            }

            async fn save_agent(&self, _: &AgentState) -> Result<()> {
                self.asked.fetch_add(1, Ordering::SeqCst);
                pending().await
            }

            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                self.board.$name($($arg),*).await
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
    open_tests() -> Vec<Facts>;
    announcements() -> Announcements;
    stamp(batch: &[Sighting]) -> Vec<TestId>;
    note_mismatch(test_id: TestId, mismatch: &Mismatch) -> bool;
    save_reactor(state: &ReactorState) -> ();
    reactors() -> Vec<ReactorState>;
    position(frame: &str, event_type: EventType) -> Option<i64>;
    agents() -> Vec<AgentState>;
    due(now: Moment, limit: usize) -> Due;
    reschedule(looks: &[(TestId, Moment)]) -> ();
    close(tests: &[TestId]) -> ();
    keep(tests: &[TestId]) -> ();
    open_count() -> u64;
}
