//! The words and the rules of the canary (design §1, §3): backends, stages, slots, verdicts.
//!
//! No I/O and no clock of its own: every function takes the moments it needs, so that the same facts
//! give the same answer wherever and whenever they are asked (invariant I3).

mod amount;
mod backend;
mod backoff;
mod clock;
mod coverage;
mod event;
mod facts;
mod histogram;
mod hold;
mod judge;
mod outcome;
mod role;
mod scrub;
mod slot;
mod stage;
mod state;
mod test_id;

pub use amount::{Amount, AmountError, MAX_DECIMALS, parse_decimal};
pub use backend::{Backend, BackendRule, Group};
pub use backoff::backoff;
pub use clock::{Clock, Moment, iso, parse_iso};
pub use coverage::{Coverage, Interval};
pub use event::EventType;
pub use facts::{Answer, Facts, FireError, FireStatus, Mismatch, Origin, Test, Withheld};
pub use histogram::Histogram;
pub use hold::{Hold, HoldKind};
pub use judge::{Judgement, LatencyBasis, Patience, Verdict, judge};
pub use outcome::{Outcome, Reason};
pub use role::{NodeId, Role, Term};
pub use scrub::scrub;
pub use slot::{Cadence, CadenceError};
pub use stage::{Sighting, Stage, Stamp, Stamps, Via};
pub use state::{Freshness, Heard, PathState};
pub use test_id::{SlotKey, SlotKeyError, TestId};
