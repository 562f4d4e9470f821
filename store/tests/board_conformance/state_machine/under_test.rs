//! The boards under test, and the comparison with the plain one.
#![expect(clippy::wildcard_enum_match_arm, reason = "each function takes the steps that it is handed")]

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{EventType, Facts, TestId};
use canary_store::{
    Announcement, Announcements, Board, Holder, Leadership, MemoryBoard, ReactorState, Registration,
};
use canary_test_servers::shared_redis;
use proptest_state_machine::StateMachineTest;
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::plain::{Answered, Plain};
use super::step::{CYCLES, PATH, ROLES, Step, id, moment_at, sighting, test, withheld};
use crate::support::{connect, heard, nothing_heard, prefix, until};

const LONG: Duration = Duration::from_secs(600);
const KIND: EventType = EventType::TokensTransferred;

/// A make of board that can be had empty.
pub trait Make {
    /// A board that forgets by being replaced, or by losing all its keys.
    async fn empty(before: Option<&str>) -> (String, Arc<dyn Board>);
}

pub struct Memory;
pub struct Redis;

impl Make for Memory {
    async fn empty(_: Option<&str>) -> (String, Arc<dyn Board>) {
        (String::new(), Arc::new(MemoryBoard::new()))
    }
}

impl Make for Redis {
    async fn empty(before: Option<&str>) -> (String, Arc<dyn Board>) {
        let prefix = before.map_or_else(prefix, str::to_owned);
        let client = redis::Client::open(shared_redis().url()).unwrap();
        let mut link = client.get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut link).await.unwrap();
        if !keys.is_empty() {
            redis::cmd("DEL").arg(keys).query_async::<()>(&mut link).await.unwrap();
        }
        let board = connect(shared_redis(), &prefix);
        (prefix, Arc::new(board))
    }
}

/// Ends the test of one board.
pub struct On<M>(PhantomData<M>);
pub type InMemory = On<Memory>;
pub type OnRedis = On<Redis>;

pub struct UnderTest {
    runtime: Runtime,
    prefix: String,
    board: Arc<dyn Board>,
    announcements: Announcements,
    leads: Vec<Leadership>,
}

fn holder(lead: &Leadership, as_other_node: bool) -> Holder {
    let Holder { node, term } = lead.holder();
    Holder { node: if as_other_node { format!("{node}x") } else { node }, term }
}

impl UnderTest {
    async fn acquire(&mut self, role: usize, node: usize) -> Answered {
        let term = self.board.acquire(ROLES[role], &format!("n:{node}"), LONG).await.unwrap();
        if let Some(term) = term {
            let last = self.leads.iter().map(Leadership::term).max();
            let same_role = self.leads.iter().filter(|lead| lead.role() == ROLES[role]);
            assert!(same_role.map(Leadership::term).max() < Some(term), "terms grow: {term} after {last:?}");
            let holder = Holder { node: format!("n:{node}"), term };
            self.leads.push(Leadership::new(ROLES[role], holder, Instant::now() + LONG));
        }
        Answered::Led(term.is_some())
    }

    async fn register(&self, lead: usize, lapsed: bool, index: usize) -> Answered {
        let lead = &self.leads[lead];
        let gone = Leadership::new(lead.role(), lead.holder(), Instant::now());
        let registration =
            self.board.register(if lapsed { &gone } else { lead }, &test(index)).await.unwrap();
        Answered::Registered(match registration {
            Registration::Registered => "registered",
            Registration::Taken => "taken",
            Registration::NotLeading => "not leading",
        })
    }

    async fn due(&self, ms: i64) -> Answered {
        let due = self.board.due(moment_at(ms), 100).await.unwrap();
        assert_eq!(due.lost, []);
        Answered::Due(due.facts)
    }

    async fn save_position(&self, node: usize, position: Option<i64>) {
        let state = ReactorState {
            frame: "a".to_owned(),
            event_type: KIND,
            node: format!("n:{node}"),
            position,
            covered: None,
            connected: true,
            last_event_at: None,
            events_total: 5,
            matched_total: 3,
            reconnects_total: 1,
        };
        self.board.save_reactor(&state).await.unwrap();
    }

    async fn take(&mut self, step: Step) -> Answered {
        let board = Arc::clone(&self.board);
        let yes = Answered::Yes;
        match step {
            Step::Acquire { role, node } => return self.acquire(role, node).await,
            Step::Register { lead, lapsed, test } => return self.register(lead, lapsed, test).await,
            Step::Renew { lead, as_other_node } => {
                let (role, holder) = (self.leads[lead].role(), holder(&self.leads[lead], as_other_node));
                return yes(board.renew(role, &holder, LONG).await.unwrap());
            }
            Step::Release { lead, as_other_node } => {
                let (role, holder) = (self.leads[lead].role(), holder(&self.leads[lead], as_other_node));
                board.release(role, &holder).await.unwrap();
            }
            // A slot's test is refused there.
            Step::RegisterFree { test: index } => {
                return yes(board.register_free(&test(index)).await.unwrap_or(false));
            }
            Step::NoteFired { test, ms } => {
                return yes(board.note_fired(id(test), moment_at(ms), 55).await.unwrap());
            }
            Step::NoteAnswer { test, answer } => {
                return yes(board.note_answer(id(test), &answer).await.unwrap());
            }
            Step::NoteWithheld { test, ms } => {
                return yes(board.note_withheld(id(test), &withheld(ms)).await.unwrap());
            }
            Step::NoteMismatch { test, mismatch } => {
                return yes(board.note_mismatch(id(test), &mismatch).await.unwrap());
            }
            Step::Stamp { batch } => {
                let batch: Vec<_> = batch.iter().map(sighting).collect();
                return Answered::Unknown(board.stamp(&batch).await.unwrap());
            }
            Step::Due { ms } => return self.due(ms).await,
            other => self.take_unanswered(other).await,
        }
        Answered::Nothing
    }

    async fn take_unanswered(&mut self, step: Step) {
        let ids = |tests: Vec<usize>| -> Vec<TestId> { tests.into_iter().map(id).collect() };
        match step {
            Step::Restore { facts } => {
                let facts: Vec<Facts> = facts.into_iter().map(|(_, facts)| facts).collect();
                self.board.restore(&facts).await.unwrap();
            }
            Step::Reschedule { looks } => {
                let looks: Vec<_> = looks.into_iter().map(|(test, ms)| (id(test), moment_at(ms))).collect();
                self.board.reschedule(&looks).await.unwrap();
            }
            Step::Close { tests } => self.board.close(&ids(tests)).await.unwrap(),
            Step::Keep { tests } => self.board.keep(&ids(tests)).await.unwrap(),
            Step::SavePosition { node, position } => self.save_position(node, position).await,
            other => panic!("{other:?} has an answer"),
        }
    }

    /// Terms are of the clock in milliseconds: they repeat if a board forgets and is led again within one.
    async fn forget<M: Make>(&mut self) {
        let last = self.leads.iter().map(Leadership::term).max().unwrap_or(0);
        until("the next millisecond", async || self.board.time().await.unwrap().timestamp_millis() > last)
            .await;
        let (_, board) = M::empty(Some(&self.prefix)).await;
        (self.announcements, self.board) = (board.announcements().await.unwrap(), board);
    }

    async fn compare(&mut self, plain: &Plain) {
        for expected in &plain.announced {
            let told: Announcement = heard(&mut self.announcements).await;
            assert_eq!(&told, expected);
        }
        let board = &*self.board;
        assert_eq!(board.open_tests().await.unwrap(), plain.open_facts());
        assert_eq!(board.open_count().await.unwrap(), plain.open.len() as u64);
        let claims: Vec<i64> = plain.claims.iter().copied().collect();
        assert_eq!(board.claimed(PATH, &CYCLES).await.unwrap(), claims);
        for (role, holder) in ROLES.into_iter().zip(plain.holders) {
            let expected = holder.map(|lead| self.leads[lead].holder());
            assert_eq!(board.holder(role).await.unwrap(), expected);
        }
        assert_eq!(board.position("a", KIND).await.unwrap(), plain.position);
        let mut reactors = board.reactors().await.unwrap();
        reactors.sort_by(|one, other| one.node.cmp(&other.node));
        let said: Vec<_> = reactors.into_iter().map(|state| (state.node, state.position)).collect();
        let expected = plain.reactors.iter().map(|(node, position)| (format!("n:{node}"), *position));
        assert_eq!(said, expected.collect::<Vec<_>>());
    }
}

impl<M: Make> StateMachineTest for On<M> {
    type SystemUnderTest = UnderTest;
    type Reference = Plain;

    fn init_test(_: &Plain) -> UnderTest {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (prefix, board, announcements) = runtime.block_on(async {
            let (prefix, board) = M::empty(None).await;
            let announcements = board.announcements().await.unwrap();
            (prefix, board, announcements)
        });
        UnderTest { runtime, prefix, board, announcements, leads: Vec::new() }
    }

    fn apply(mut it: UnderTest, plain: &Plain, step: Step) -> UnderTest {
        let handle = std::mem::replace(&mut it.runtime, idle());
        handle.block_on(async {
            if matches!(step, Step::Forget) {
                it.forget::<M>().await;
            } else {
                assert_eq!(it.take(step).await, plain.answered);
            }
            it.compare(plain).await;
        });
        it.runtime = handle;
        it
    }

    fn teardown(mut it: UnderTest, _: Plain) {
        let runtime = std::mem::replace(&mut it.runtime, idle());
        runtime.block_on(async { nothing_heard(&*it.board, &mut it.announcements).await });
    }
}

/// Stands in for the runtime while that is busy.
fn idle() -> Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}
