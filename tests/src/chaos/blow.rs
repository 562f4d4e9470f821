//! What can befall a deployment.

use std::fmt::{Display, Formatter, Result};

use super::PlatformFault;
use crate::Network;

/// One of the connections that an instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the server at its other end")]
pub enum Link {
    Redis,
    Postgres,
    RegistryA,
    RegistryB,
    EventSocket,
    EventPages,
}

impl Link {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Redis, Self::Postgres, Self::RegistryA, Self::RegistryB, Self::EventSocket, Self::EventPages];
}

/// Which of the instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Whoever leads the runners at that moment; the first if nobody does.
    Leader,
    /// The one of this number.
    Number(usize),
    /// All of them.
    All,
}

/// One fault. It lasts as long as its step says.
#[derive(Clone, Debug, PartialEq)]
pub enum Blow {
    /// SIGKILL; started again at the end.
    Killed(Target),
    /// SIGSTOP, and SIGCONT at the end.
    Frozen(Target),
    /// SIGTERM to one after the other, each started again and ready before the next.
    Rolled,
    /// Redis is killed, and started again at the end: empty, unless it keeps a log.
    RedisCrashed,
    /// Redis is frozen until the end.
    RedisFrozen,
    /// `FLUSHALL`.
    RedisFlushed,
    /// PostgreSQL is killed, and started again at the end.
    PostgresCrashed,
    /// PostgreSQL is frozen until the end.
    PostgresFrozen,
    /// A link does this until the end.
    Cut(Link, Target, Network),
    /// Both links of all instances to the EventStore do this until the end.
    Blinded(Network),
    /// The board's clock is so many seconds off until the end.
    ClockStepped(i64),
    /// The platform does this until the end.
    Platform(&'static PlatformFault),
}

impl Blow {
    /// What kinds of faults it is, in words that don't depend on the instance or the time it lasts.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        let one = |word: &str| vec![word.to_owned()];
        match self {
            Self::Killed(_) => one("an instance is killed"),
            Self::Frozen(_) => one("an instance stands still"),
            Self::Rolled => one("all instances are replaced, one after the other"),
            Self::RedisCrashed => one("Redis is killed"),
            Self::RedisFrozen => one("Redis stands still"),
            Self::RedisFlushed => one("Redis is emptied"),
            Self::PostgresCrashed => one("PostgreSQL is killed"),
            Self::PostgresFrozen => one("PostgreSQL stands still"),
            Self::Cut(link, _, network) => {
                vec![format!("a link to {}", link.server()), format!("a link {}", does(*network))]
            }
            Self::Blinded(_) => one("nobody sees the EventStore"),
            Self::ClockStepped(by) if *by < 0 => one("the board's clock goes back"),
            Self::ClockStepped(_) => one("the board's clock goes forward"),
            Self::Platform(fault) => vec![format!("platform: {}", fault.name)],
        }
    }
}

impl Link {
    fn server(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Postgres => "PostgreSQL",
            Self::RegistryA => "registry a",
            Self::RegistryB => "registry b",
            Self::EventSocket => "the EventStore's socket",
            Self::EventPages => "the EventStore's pages",
        }
    }
}

fn does(network: Network) -> &'static str {
    match network {
        Network::Sound => "is sound",
        Network::Slow(_) => "is slow",
        Network::Sliced { .. } => "slices",
        Network::BlackHole => "carries nothing",
        Network::Resets => "resets",
        Network::HalfClosed => "half-closes",
        Network::Refused => "refuses",
    }
}

impl Display for Target {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Leader => out.write_str("the leader"),
            Self::Number(number) => write!(out, "instance {number}"),
            Self::All => out.write_str("all instances"),
        }
    }
}

impl Display for Blow {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Killed(target) => write!(out, "{target} killed"),
            Self::Frozen(target) => write!(out, "{target} frozen"),
            Self::ClockStepped(by) => write!(out, "the board's clock is {by:+} s off"),
            Self::Cut(link, target, network) => {
                write!(out, "link of {target} to {}: {network:?}", link.server())
            }
            Self::Blinded(network) => write!(out, "links of all instances to the EventStore: {network:?}"),
            Self::Rolled
            | Self::RedisCrashed
            | Self::RedisFrozen
            | Self::RedisFlushed
            | Self::PostgresCrashed
            | Self::PostgresFrozen
            | Self::Platform(_) => out.write_str(&self.kinds().concat()),
        }
    }
}
