//! One state of everything: board, ledger, platform, observers, runners, judges.
#![expect(
    missing_docs,
    reason = "the fields of a step are what it carries: a test, its facts, what is to be written"
)]

use crate::table::Number;

/// Slots at most.
pub const SLOTS: usize = 2;
/// Instances at most.
pub const NODES: usize = PER_SLOT as usize;
/// The ids of a slot: one an instance.
pub const PER_SLOT: u8 = 2;
/// Test ids at most: one a slot if ids are keyed, else one a slot and instance.
pub const IDS: usize = SLOTS * NODES;

/// The role of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Fires.
    Runner,
    /// Judges.
    Judge,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Runner, Self::Judge];
}

/// A lease as the board has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Who holds it.
    pub node: u8,
    /// In which term.
    pub term: u8,
}

/// A leadership as its holder knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seat {
    /// The term; 0: never led.
    pub term: u8,
    /// Whether the holder may act, by its own clock.
    pub valid: bool,
}

/// A test on the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BoardTest {
    /// Its facts.
    pub facts: Number,
    /// Whether the judge still has to look at it.
    pub open: bool,
    /// Whether there is news since the judge last looked.
    pub touched: bool,
    /// The tick of the next look.
    pub look: u8,
}

/// The board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Board {
    /// The tests, by id.
    pub tests: [Option<BoardTest>; IDS],
    /// The claims, by slot.
    pub claims: [bool; SLOTS],
    /// The leases, by role.
    pub leases: [Option<Lease>; 2],
    /// From and up to which tick the observers have certainly seen everything.
    pub coverage: Option<(u8, u8)>,
}

/// What the platform did with one test's transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Transfer {
    /// Requests that arrived.
    pub requests: u8,
    /// Times that money moved.
    pub moved: u8,
    /// The tick of its event.
    pub event: Option<u8>,
}

/// What the observers know of one test's event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Not yet.
    #[default]
    No,
    /// It is remembered.
    Yes,
    /// It lies before their beginning: it will not be seen any more.
    Gone,
}

/// Where a runner is with its slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Firing {
    /// Nowhere.
    #[default]
    Idle,
    /// Decided to fire, lease and time checked.
    Begun { id: u8, facts: Number },
    /// The ledger was asked; whether the row is ours.
    Claimed { id: u8, facts: Number, ours: bool },
    /// The test is on the board.
    Registered { id: u8, facts: Number },
    /// The lease was checked and `fired_at` read; the request leaves next.
    Armed { id: u8, facts: Number },
    /// It was sent and answered, or withheld; the board has to be told. Whether it has heard of the firing.
    Ended { id: u8, facts: Number, noted: bool },
}

/// One instance's runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Runner {
    /// Its leadership.
    pub seat: Seat,
    /// The slots begun in this leadership.
    pub begun: [bool; SLOTS],
    /// The slot under way.
    pub firing: Firing,
    /// A slot without a row, about to be written down as missed.
    pub gap: Option<(u8, Number)>,
}

/// Where a judge is with its sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sweep {
    /// Nowhere.
    #[default]
    Idle,
    /// Coverage, moment, and the facts of one test were read.
    Read { id: u8, facts: Number, coverage: Option<(u8, u8)>, now: u8 },
    /// It was judged; the row has to be written, and the board told when to look again (`None`: never).
    Judged { id: u8, news: Number, look: Option<u8>, now: u8 },
    /// The row is written; the board has to be told.
    Written { id: u8, look: Option<u8>, now: u8 },
    /// The board was told before the row was written.
    Told { id: u8, news: Number, now: u8 },
}

/// One instance's judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Judging {
    /// Its leadership.
    pub seat: Seat,
    /// The sweep under way.
    pub sweep: Sweep,
}

/// What must never have happened. It stays in the state once it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// A request left in the name of a lease that somebody else had got meanwhile.
    SentDeposed,
    /// A row with a verdict changed without a higher revision, lost its verdict, or lost facts.
    RowTakenBack,
    /// A row of the same facts got another verdict, which no coverage that arrived explains.
    VerdictChanged,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The tick.
    pub now: u8,
    /// Which processes run.
    pub up: [bool; NODES],
    /// The highest term given, by role.
    pub terms: [u8; 2],
    /// The board.
    pub board: Board,
    /// Whether the ledger answers.
    pub ledger_up: bool,
    /// The ledger's rows, by id.
    pub rows: [Option<Number>; IDS],
    /// The platform, by id.
    pub transfers: [Transfer; IDS],
    /// What the observers know, by id.
    pub seen: [Seen; IDS],
    /// Since when the observers have seen everything: 0, always; else within the tick before this one.
    pub observing_since: u8,
    /// The runners.
    pub runners: [Runner; NODES],
    /// The judges.
    pub judges: [Judging; NODES],
    /// Faults that may still happen.
    pub left: Left,
    /// The first thing that must not have happened.
    pub flaw: Option<Flaw>,
}

/// Faults that may still happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Left {
    /// Processes that die.
    pub crashes: u8,
    /// Runners' and judges' leases that lapse.
    pub lapses: [u8; 2],
    /// Boards that forget.
    pub forgets: u8,
    /// Outages of the ledger.
    pub outages: u8,
    /// Lost answers.
    pub lost_answers: u8,
    /// Restarts of the observers.
    pub observer_restarts: u8,
}
