//! Chaos: real processes and servers under a seeded schedule of faults, and a checker of what they left behind.
//!
//! A schedule is a pure function of its seed ([`Schedule::of`]), so a seed can be played again. It has lanes that are
//! played side by side: instances, stores, links, the board's clock, the platform. What was seen of a run, by the
//! sandbox's own record, by SQL, over the API and in the logs, is its [`History`]; [`check`] holds that against I1 to I8
//! and knows nothing of the canary's insides but its rule of judging.
//!
//! Races it lives with: a fault is never struck exactly when it was planned, so it is noted when it was; a row's moments
//! are of the board's clock, which a lane steps, so the checks allow for every step that was in force.

mod blow;
mod checks;
mod fleet;
mod history;
mod lanes;
mod links;
mod observer;
mod platform;
mod report;
mod run;
mod schedule;
mod settle;
mod violation;

pub use blow::{Blow, Link, Target};
pub use checks::check;
pub use history::{History, Snapshot, Struck, Told, Uneven};
pub use platform::{FAULTS, PlatformFault};
pub use report::{headline, keep, told};
pub use run::{Ran, run};
pub use schedule::{Lane, Schedule, Step};
pub use violation::{Invariant, Violation};
