//! The board and the ledger (design §4, §5), the lease and the clock that rest on them.
//!
//! The only crate that speaks Redis and SQL. A board holds what is in flight and may come back empty at
//! any time; a ledger holds what was decided and must not. Each has two makes behind one trait, held to
//! the same behaviour by one conformance suite each.

mod board;
mod clock;
mod error;
mod lease;
mod ledger;
mod source;

pub use board::{
    AgentState, Announcement, Announcements, Board, Due, Holder, MemoryBoard, ReactorState, RedisBoard,
    Registration,
};
pub use clock::{BoardClock, Comparison, Finding, wall};
pub use error::{Result, StoreError};
pub use lease::{Leadership, LeaseTimes, Leases, NotLeading, Seat};
pub use ledger::{
    Accounting, Annotation, AuditEntry, Brief, Change, Claim, Ending, Evidence, ExportMark, ExportRow,
    FactsRow, Filter, KeptRow, Ledger, LogSearch, Notice, Observation, Outbox, Page, PathAccount, PathHour,
    PlacedHold, PostgresLedger, ResultRow, Route, SlotSpan, SqliteLedger, Step, Telling, Told, ToldState,
    Unfired, Unsearched, Watcher,
};
