//! What the canary says of itself: metrics (design §9) and logs.
//!
//! A struct a role; each metric is declared once, with its help text, and every label set it can have
//! exists from the start, so that a rate over a series never begins with a gap. No id, DID or error text
//! is ever a label.

mod clock;
mod judge;
mod lease;
mod logs;
mod outcomes;
mod reactors;
mod registry;
mod runner;

pub use clock::ClockMetrics;
pub use judge::JudgeMetrics;
pub use lease::LeaseMetrics;
pub use logs::{LogFormat, LogsError, init_logs};
pub use outcomes::OutcomeMetrics;
pub use reactors::{ReactorMetrics, ReactorTotals, RejectReason};
pub use registry::{PathLabels, new_registry, process_info};
pub use runner::RunnerMetrics;
