//! Pushes closed rows to a receiver of Prometheus remote write, so that each is there once (design §2.4, §13).
//!
//! Remote write has no transactions: what was answered 204 may still be lost with the receiver's memory, what was not
//! answered may be stored all the same. So everything rests on repetition: a row gives the same samples whenever
//! it is read, a receiver keeps the same sample once, and the mark in the ledger only moves past what was accepted two
//! minutes ago. Whoever dies anywhere between leaves nothing but samples to be sent again.
//!
//! What makes a row give the same samples for ever is that it is closed ([`closed`]): its watch is over, and the judge
//! has closed its test. Rows are taken in the order of the ledger's change feed, up to the first that is not
//! closed. A pending row is not in the feed and holds nothing up; it gets its place at the end when it is judged,
//! however late. A row in the feed waits for its watch at most, so nothing is held up for longer than that.

mod backfill;
mod closed;
mod course;
mod delivery;
mod exporter;
mod leading;
mod outage;
mod points;
mod readback;
mod receiver;
mod samples;
mod verify;

pub use backfill::{Backfill, BackfillError, BackfillReport, Progress};
pub use exporter::{Exporter, Parts, SeatLost, Settings};
pub use points::{POINTS, WAITS};
pub use readback::{ReadBack, ReadBackError};
pub use receiver::{Dropped, Receiver, ReceiverError};
pub use verify::{Verification, VerifyError};
