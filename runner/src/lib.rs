//! The runner: fires each slot once (design §2.1).
//!
//! The way of a slot: due → hold? → claim in the ledger → registration on the board → lease still ours? → call →
//! note. The races it lives with: another leader may claim the same slot (the unique row and the board's
//! claim decide), this process may stand still anywhere (the lease is checked last before the call, and the
//! idempotency key is the slot's own), and either store may be away (the other one's claim decides).

mod agents;
mod answer;
mod awake;
mod fire;
mod gaps;
mod holds;
mod orders;
mod platform;
mod points;
mod right;
mod runner;
mod settings;
mod slots;
mod under_way;

pub use agents::{Agents, SignInError};
pub use fire::{Fired, Firer};
pub use orders::{OrderDesk, OrderError, Orders};
pub use platform::{Calls, Platform, PlatformError};
pub use points::POINTS;
pub use right::{NoRight, Right};
pub use runner::Runner;
pub use settings::{Agent, Route, SecretSource, Settings};
