//! What may happen next, and how it is told.
#![expect(
    missing_docs,
    reason = "the fields are what the words before them name: an instance, a slot, a test"
)]

use std::fmt;

use crate::state::Role;

/// One step. `node` names an instance, `slot` a slot, `id` a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Time goes on.
    Tick,
    /// A process dies.
    Crash { node: u8 },
    /// It is started again.
    Start { node: u8 },
    /// The board comes back empty.
    Forget,
    /// The ledger goes away.
    LedgerAway,
    /// It is back.
    LedgerBack,
    /// The observers are started again.
    ObserversRestart,
    /// An instance takes a lease.
    Acquire { role: Role, node: u8 },
    /// A holder finds that its lease may have run out.
    Lapse { role: Role, node: u8 },
    /// A lease runs out on the board.
    Expire { role: Role },
    /// A leader decides to fire a slot.
    Begin { node: u8, slot: u8 },
    /// It claims the slot in the ledger.
    Claim { node: u8 },
    /// It claims the slot, and the answer is lost.
    ClaimUnanswered { node: u8 },
    /// It registers the test on the board.
    Register { node: u8 },
    /// It registers the test, and the answer is lost; whether it was carried out.
    RegisterUnanswered { node: u8, done: bool },
    /// It checks its lease and reads `fired_at`.
    Check { node: u8 },
    /// The request leaves, and is answered.
    Send { node: u8 },
    /// The board hears of the firing.
    NoteFired { node: u8 },
    /// The board hears how it ended.
    Note { node: u8 },
    /// A leader finds a slot without a row.
    FindGap { node: u8, slot: u8 },
    /// It writes it down as missed.
    WriteGap { node: u8 },
    /// The platform's event is out, and the observers see it.
    Event { id: u8 },
    /// The observers stamp it.
    Stamp { id: u8 },
    /// The observers say how far they have seen everything.
    Cover,
    /// A judge reads the coverage, then the facts of a test.
    Read { node: u8, id: u8 },
    /// It judges.
    Judge { node: u8 },
    /// It writes the row.
    Record { node: u8 },
    /// It tells the board when to look again.
    Tell { node: u8 },
    /// It gives up its sweep.
    Drop { node: u8 },
    /// It offers the board what the ledger waits for.
    Refill { node: u8 },
    /// Somebody sweeps one test, all at once.
    SweepAtOnce { id: u8 },
    /// Somebody offers the board what the ledger waits for, all at once.
    RefillAtOnce,
}

fn name(node: u8) -> char {
    char::from(b'A' + node)
}

/// Words for operators.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Tick => write!(f, "half a minute passes"),
            Self::Crash { node } => write!(f, "{} dies", name(node)),
            Self::Start { node } => write!(f, "{} is started again", name(node)),
            Self::Forget => write!(f, "the board comes back empty"),
            Self::LedgerAway => write!(f, "the ledger goes away"),
            Self::LedgerBack => write!(f, "the ledger is back"),
            Self::ObserversRestart => write!(f, "the observers are started again"),
            Self::Acquire { role: Role::Runner, node } => write!(f, "{} leads as the runner", name(node)),
            Self::Acquire { role: Role::Judge, node } => write!(f, "{} leads as the judge", name(node)),
            Self::Lapse { node, .. } => write!(f, "{} knows that its lease may have run out", name(node)),
            Self::Expire { role: Role::Runner } => write!(f, "the runner's lease runs out on the board"),
            Self::Expire { role: Role::Judge } => write!(f, "the judge's lease runs out on the board"),
            Self::Begin { node, slot } => write!(f, "{} decides to fire slot {slot}", name(node)),
            Self::Claim { node } => write!(f, "{} asks the ledger for the slot", name(node)),
            Self::ClaimUnanswered { node } => {
                write!(f, "{} asks the ledger for the slot, and the answer is lost", name(node))
            }
            Self::Register { node } => write!(f, "{} asks the board to register the test", name(node)),
            Self::RegisterUnanswered { node, done: true } => {
                write!(f, "{} registers the test, and the answer is lost", name(node))
            }
            Self::RegisterUnanswered { node, done: false } => {
                write!(f, "{} can't reach the board to register the test", name(node))
            }
            Self::Check { node } => write!(f, "{} checks its lease, right before it sends", name(node)),
            Self::Send { node } => write!(f, "{} sends the request", name(node)),
            Self::NoteFired { node } => write!(f, "{} notes the firing on the board", name(node)),
            Self::Note { node } => write!(f, "{} notes the end on the board", name(node)),
            Self::FindGap { node, slot } => write!(f, "{} finds slot {slot} without a row", name(node)),
            Self::WriteGap { node } => write!(f, "{} writes it down as missed", name(node)),
            Self::Event { .. } => write!(f, "the platform's event is seen"),
            Self::Stamp { .. } => write!(f, "the event is stamped on the board"),
            Self::Cover => write!(f, "the observers say that they have seen everything up to now"),
            Self::Read { node, .. } => write!(f, "{} reads the coverage and the facts", name(node)),
            Self::Judge { node } => write!(f, "{} judges", name(node)),
            Self::Record { node } => write!(f, "{} writes the row", name(node)),
            Self::Tell { node } => write!(f, "{} tells the board when to look again", name(node)),
            Self::Drop { node } => write!(f, "{} gives up its sweep", name(node)),
            Self::Refill { node } => write!(f, "{} offers the board what the ledger waits for", name(node)),
            Self::SweepAtOnce { .. } => write!(f, "a judge sweeps"),
            Self::RefillAtOnce => write!(f, "a judge offers the board what the ledger waits for"),
        }
    }
}
