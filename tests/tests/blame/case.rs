//! What a line of the table says: a fault, whose it is, how it is struck, and the truth about each path.

use std::fmt;

use canary_sandbox::{Fault, FaultSet};
use canary_tests::Network;

/// Whose a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The platform broke a promise to its users.
    Platform,
    /// A part of the canary, one of its stores, or its way to what it watches.
    Canary,
    /// The platform is untidy, and breaks no promise: each transfer is carried out, and told.
    Nobody,
}

/// What is done to make it happen.
#[derive(Clone, Debug)]
pub enum Act {
    /// The platform fails.
    Faults(Vec<Fault>),
    /// A network fails.
    Link(Link, Network),
    /// Redis or PostgreSQL fails.
    Store(Store, Mishap),
    /// The process that runs apart is killed, and started anew.
    Killed,
    /// The process that runs apart stands still, and goes on.
    Stopped,
    /// The board's clock steps by so many seconds.
    ClockStep(i64),
    /// A secret's file of the deployment says something wrong.
    WrongSecret(&'static str),
}

/// A network that a proxy stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// To the board.
    Redis,
    /// To the ledger.
    Postgres,
    /// To the EventStore's WebSocket.
    Sockets,
    /// To the EventStore's REST pages.
    Pages,
    /// To the registry of each frame.
    Registries,
}

/// A server that the canary keeps something in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The board's.
    Redis,
    /// The ledger's.
    Postgres,
}

/// What happens to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is killed, and started again in the end.
    Down,
    /// It is killed and started again at once.
    Restarted,
    /// It stands still, and goes on in the end.
    Paused,
    /// It loses what the canary has put there.
    Emptied,
}

/// How long a fault stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Until each path's first test under it has its verdict.
    Judged,
    /// So many seconds, whatever is judged: while it lasts nothing may be.
    Seconds(u64),
}

/// One line.
pub struct Case {
    /// What happens, in words.
    pub name: String,
    /// Whose it is.
    pub whose: Whose,
    /// How it is struck.
    pub acts: Vec<Act>,
    /// How long it stays.
    pub hold: Hold,
    /// The stage that it breaks, by path, backend or `*`; the first that fits counts, others have none. What is the
    /// canary's own has no stage: [`OWN`].
    pub truth: &'static [(&'static str, &'static str)],
    /// The verdict depends on the moment at which it strikes: whether the canary gets over it, or could not know.
    pub varies: bool,
    /// What an operator should conclude, and why.
    pub why: &'static str,
}

/// In [`Case::truth`]: this path can't be judged, for a reason of the canary's own.
pub const OWN: &str = "own";

/// What a verdict blames.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing: the transfer was whole.
    None,
    /// The canary itself.
    Canary,
    /// One or the other of these, by the moment of the fault.
    NoneOrCanary,
    /// A stage of the platform's.
    Platform(String),
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("nothing"),
            Self::Canary => f.write_str("the canary itself"),
            Self::NoneOrCanary => f.write_str("nothing or the canary itself"),
            Self::Platform(stage) => f.write_str(stage),
        }
    }
}

impl Case {
    /// A fault of the platform's that breaks these stages.
    pub fn platform(name: impl Into<String>, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Whose::Platform, name, vec![Act::Faults(faults.into_iter().collect())])
    }

    /// Something untidy.
    pub fn harmless(name: impl Into<String>, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Whose::Nobody, name, vec![Act::Faults(faults.into_iter().collect())])
    }

    /// A fault of the canary's own.
    pub fn own(name: impl Into<String>, acts: impl IntoIterator<Item = Act>) -> Self {
        Self::of(Whose::Canary, name, acts.into_iter().collect())
    }

    fn of(whose: Whose, name: impl Into<String>, acts: Vec<Act>) -> Self {
        let name = name.into();
        Self { name, whose, acts, hold: Hold::Judged, truth: &[], varies: false, why: "" }
    }

    /// Breaks these.
    pub fn breaks(self, truth: &'static [(&'static str, &'static str)]) -> Self {
        Self { truth, ..self }
    }

    /// For this reason.
    pub fn why(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    /// Stays so long, and what comes of it depends on the moment.
    pub fn lasts(self, seconds: u64) -> Self {
        Self { hold: Hold::Seconds(seconds), varies: true, ..self }
    }

    /// What the verdict on a path has to blame.
    pub fn truth_of(&self, path: &str, backend: &str) -> Class {
        let fits = |(pattern, _): &&(&str, &str)| [path, backend, "*"].contains(pattern);
        match self.truth.iter().find(fits) {
            None if self.varies => Class::NoneOrCanary,
            None => Class::None,
            Some((_, OWN)) => Class::Canary,
            Some((_, stage)) => Class::Platform((*stage).to_owned()),
        }
    }

    /// The platform's faults among the acts.
    pub fn faults(&self) -> FaultSet {
        let of = |act: &Act| match act {
            Act::Faults(faults) => faults.clone(),
            Act::Link(..)
            | Act::Store(..)
            | Act::Killed
            | Act::Stopped
            | Act::ClockStep(_)
            | Act::WrongSecret(_) => Vec::new(),
        };
        FaultSet::of(self.acts.iter().flat_map(of))
    }
}
