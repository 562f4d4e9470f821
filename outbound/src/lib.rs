//! What follows a verdict outside of the canary: receivers are told when a path begins to fail and when it has recovered
//! ([`Webhooks`]), and the platform's logs are searched for a transfer that failed ([`LogSearches`]).
//!
//! Both begin where the judge has ended, at the ledger, and hold nothing up there: each is a task of its own with its own
//! limits, so a receiver or a log server that hangs delays nobody but itself. Both work while this instance leads as
//! judge. What is left to do is in the ledger and not in memory, so it survives the leader.

mod following;
mod outage;
mod searches;
mod secret;
mod webhooks;
mod wire;

pub use following::SeatLost;
pub use searches::{LogSearches, SearchParts, SearchSettings, TemplateError};
pub use secret::Secret;
pub use webhooks::{Endpoint, KeyError, Keys, WebhookParts, WebhookSettings, Webhooks};
pub use wire::ClientError;
