//! Five reactors that watch the local frame's EventStore and stamp what they see (design §1, §2.2, §13).
//!
//! A frame's way: `link` (socket; `arrival` notes the moment) → `reader` (`control` tells kinds apart,
//! `filter` throws users' traffic away, `event` reads the rest) → `desk` (`correlate` decides whose it is) → `outbox`
//! → `stamper` → board. The `backstop` fetches what no socket brings; `coverage` says how far all of that is certain.
//!
//! Races it lives with: events arrive before the answer, the announcement, or each other; announcements
//! get lost; the board is away or comes back empty; sockets break off, repeat and stall; this process is stopped in
//! the middle of it. None of them may turn into a sighting that was missed under coverage (I5).

mod arrival;
mod backstop;
mod control;
mod correlate;
mod coverage;
mod desk;
mod event;
mod feed;
mod filter;
mod held;
mod index;
mod link;
mod mapping;
mod outbox;
mod points;
mod reactor;
mod reader;
mod readiness;
mod replay;
mod resume;
mod scan;
mod settings;
mod stall;
mod stamper;
mod validators;
mod wanted;

#[cfg(test)]
mod correlate_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod reader_tests;

pub use mapping::{Mapping, MappingError};
pub use points::POINTS;
pub use readiness::Readiness;
pub use settings::{Credentials, Settings};
pub use validators::{Host, Validators, ValidatorsError};
