//! The board: the fast shared state of tests in flight (design §4).
//!
//! Everything on it is a fact written once, or a place in a queue. It may be lost at any moment: the
//! tests come back from the ledger ([`Board::restore`]), the stamps from the reactors.

mod memory;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{
    Answer, EventType, Facts, Interval, Mismatch, Moment, NodeId, Role, Sighting, Term, Test, TestId,
    Withheld,
};
use futures_util::stream::BoxStream;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use memory::MemoryBoard;
pub use redis::RedisBoard;

use crate::{Leadership, Result, StoreError};

/// What is said of a test lives on the board for its watch and this much longer (design §4).
const LINGER: Duration = Duration::from_secs(60 * 60);

/// A reactor that has been silent for so long is forgotten: after any usual watch and its hour. The judge reads all
/// reactors in every sweep, and each start of a process leaves its own behind. Where a watch is longer, a reactor that
/// lives still says what it covered, and without one verdicts are inconclusive (I5).
const REACTOR_SILENCE: Duration = Duration::from_secs(2 * 60 * 60);

/// What is known of agents is forgotten once nobody has said anything of any for so long.
const AGENT_SILENCE: Duration = Duration::from_secs(2 * 60 * 60);

/// How long the facts of a test live.
fn test_life(test: &Test) -> Duration {
    test.watch + LINGER
}

/// How long the claim of its slot lives: with a period longer than the watch, until the slot's time is over (I1).
fn claim_life(test: &Test) -> Duration {
    let period = test.period_ms.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
    test.watch.max(period.unwrap_or_default()) + LINGER
}

/// News for the validators, over `canary:fires`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Announcement {
    /// A test was registered, or came back after the board had lost it.
    Test {
        /// The test.
        test: Box<Test>,
    },
    /// The transfer id of a test became known.
    Transfer {
        /// The test.
        test_id: TestId,
        /// The platform's id of its transfer.
        transfer_id: String,
    },
}

/// News for the validators. It ends when the connection to the board breaks; nothing is replayed, so
/// after subscribing again [`Board::open_tests`] has to be read again.
pub type Announcements = BoxStream<'static, Announcement>;

/// How a registration went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The slot is ours and the test is on the board.
    Registered,
    /// The slot was claimed before, perhaps by this very call whose answer got lost.
    Taken,
    /// The caller's lease or term is not the board's: nothing was written.
    NotLeading,
}

/// Who holds a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The instance.
    pub node: NodeId,
    /// Its term.
    pub term: Term,
}

/// What one reactor of one instance says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactorState {
    /// The frame whose EventStore it reads.
    pub frame: String,
    /// What it consumes.
    pub event_type: EventType,
    /// The instance it runs in.
    pub node: NodeId,
    /// Everything up to this position was processed and stamped.
    pub position: Option<i64>,
    /// The span of time in which it has certainly seen everything, and stamped it.
    pub covered: Option<Interval>,
    /// Whether its socket is subscribed.
    pub connected: bool,
    /// When it last saw an event of its type, anybody's.
    pub last_event_at: Option<Moment>,
    /// Events of its type, anybody's, that reached it since its process started.
    pub events_total: u64,
    /// Those of them that were a test's.
    pub matched_total: u64,
    /// How often its socket had to be opened again since its process started.
    pub reconnects_total: u64,
}

/// What a runner read of one agent's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentState {
    /// The agent's name in the configuration.
    pub agent: String,
    /// AVT on its account.
    pub balance: Decimal,
    /// How long that lasts at what the agent sends, to the millisecond; `None`: longer than can be told.
    pub runway: Option<Duration>,
    /// When it was read.
    pub at: Moment,
}

/// The tests that the judge has to look at now.
#[derive(Debug, Default)]
pub struct Due {
    /// All that is known of each.
    pub facts: Vec<Facts>,
    /// Tests that are still open but whose facts the board has lost.
    pub lost: Vec<TestId>,
}

/// The fast shared state of tests in flight. Every call is one bounded round trip or a fixed small
/// number of them, and fails with [`StoreError`](crate::StoreError) within a few seconds when the board is away.
#[async_trait]
pub trait Board: Send + Sync {
    /// The board's name for messages: its make, host and port, never a password.
    fn describe(&self) -> String;

    /// The board's own clock, to which all instances keep (design §3.2).
    async fn time(&self) -> Result<Moment>;

    /// Takes the lease of a role if nobody holds it. The term is new and higher than every one before,
    /// also if the board has forgotten them: it is at least the board's clock in milliseconds.
    async fn acquire(&self, role: Role, node: &NodeId, ttl: Duration) -> Result<Option<Term>>;

    /// Prolongs a lease that is still held by this node in this term; `false` if it is not.
    async fn renew(&self, role: Role, holder: &Holder, ttl: Duration) -> Result<bool>;

    /// Hands a lease back if this node holds it in this term.
    async fn release(&self, role: Role, holder: &Holder) -> Result<()>;

    /// Who holds a role now.
    async fn holder(&self, role: Role) -> Result<Option<Holder>>;

    /// Claims the slot (if the test has one), puts the test on the board, opens it with its first look due
    /// at registration + deadline, and announces it: all or nothing, and only under the caller's lease and term.
    async fn register(&self, lead: &Leadership, test: &Test) -> Result<Registration>;

    /// Puts a test without a slot on the board, opens and announces it as [`Board::register`] does. It takes no lease:
    /// the id is random, so nothing can fire it twice. `false` if it is there already.
    ///
    /// A test that has a cycle is refused with an error that does not pass: a slot takes a leader (I1).
    async fn register_free(&self, test: &Test) -> Result<bool>;

    /// Which of these cycles of a path are claimed on the board.
    async fn claimed(&self, path: &str, cycles: &[i64]) -> Result<Vec<i64>>;

    /// Notes the moment of firing, read right before the request left, with its error bound in microseconds, and
    /// marks the test touched. `false` if the board does not know the test. The latest moment stays: a call that was
    /// refused for its token is made once more (design §13), and counts from then.
    async fn note_fired(&self, test_id: TestId, fired_at: Moment, error_us: u64) -> Result<bool>;

    /// Notes how the call ended, keeps the reverse index of the transfer id, announces it, and marks the
    /// test touched. `false` if the board does not know the test. The first answer noted stays.
    async fn note_answer(&self, test_id: TestId, answer: &Answer) -> Result<bool>;

    /// Notes that the test was not sent and never will be, and marks it touched. `false` if unknown.
    async fn note_withheld(&self, test_id: TestId, withheld: &Withheld) -> Result<bool>;

    /// Puts facts back that the board has lost, marks them restored and touched, and announces the tests. A test
    /// that is there is left alone: what the board has is never overwritten, unless it can't be read.
    async fn restore(&self, facts: &[Facts]) -> Result<()>;

    /// All tests that are open, for validators that (re)connect.
    async fn open_tests(&self) -> Result<Vec<Facts>>;

    /// Subscribes to announcements; returns once nothing announced from now on can be missed.
    async fn announcements(&self) -> Result<Announcements>;

    /// Stamps a batch: the earliest sighting of a stage wins ([`canary_domain::Stamp`]'s order), tests that
    /// it changed are marked touched, unknown tests are left alone. Answers the sightings of unknown tests.
    async fn stamp(&self, batch: &[Sighting]) -> Result<Vec<TestId>>;

    /// Notes a contradiction of a test; the earliest stays. Marks it touched. `false` if unknown.
    async fn note_mismatch(&self, test_id: TestId, mismatch: &Mismatch) -> Result<bool>;

    /// Writes what a reactor says of itself. It is kept until the reactor has been silent for two hours;
    /// the highest position of its frame and type is kept without end ([`Board::position`]).
    async fn save_reactor(&self, state: &ReactorState) -> Result<()>;

    /// What all reactors of all instances last said; of very many, those that said it last.
    async fn reactors(&self) -> Result<Vec<ReactorState>>;

    /// The highest position that any reactor of this frame and type has ever saved: where an instance without
    /// a state of its own goes on.
    async fn position(&self, frame: &str, event_type: EventType) -> Result<Option<i64>>;

    /// Writes what was read of an agent; what was saved before of the same agent is gone.
    async fn save_agent(&self, state: &AgentState) -> Result<()>;

    /// What was last read of each agent, by name. All of it is forgotten two hours after the last of it was saved.
    async fn agents(&self) -> Result<Vec<AgentState>>;

    /// The tests that were touched or are due at `now`, at most `limit`. Touched ones become due in the
    /// same step, so nothing is lost if the caller dies before it has dealt with them; news that arrives
    /// after the facts were read touches them again.
    async fn due(&self, now: Moment, limit: usize) -> Result<Due>;

    /// Sets when each of these has to be looked at next.
    async fn reschedule(&self, looks: &[(TestId, Moment)]) -> Result<()>;

    /// Closes tests: the judge will not see them again. Their facts stay until they expire.
    async fn close(&self, tests: &[TestId]) -> Result<()>;

    /// Lets the facts of these tests live their whole time again, while the ledger can't take them.
    async fn keep(&self, tests: &[TestId]) -> Result<()>;

    /// How many tests are open.
    async fn open_count(&self) -> Result<u64>;
}

/// Refuses a test of a slot where only others belong.
fn without_slot(test: &Test, store: String) -> Result<()> {
    match test.cycle {
        None => Ok(()),
        Some(cycle) => Err(StoreError::Broken {
            store,
            step: "register a test without a slot",
            cause: format!("it is the test of cycle {cycle} of `{}`", test.path),
        }),
    }
}
