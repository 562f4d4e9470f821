//! What the canary says of itself: metrics (design §9), logs, and the bytes in which samples travel ([`remote_write`]).
//!
//! A struct a role; each metric is declared once, with its help text, and every label set it can have
//! exists from the start, so that a rate over a series never begins with a gap. No id, DID or error text
//! is ever a label.

mod clock;
mod export;
mod judge;
mod lease;
mod logs;
mod outbound;
mod outcomes;
mod reactors;
mod registry;
pub mod remote_write;
mod runner;

pub use clock::ClockMetrics;
pub use export::{ExportMetrics, Exported};
pub use judge::JudgeMetrics;
pub use lease::LeaseMetrics;
pub use logs::{LogFormat, LogsError, init_logs};
pub use outbound::{Delivered, SearchMetrics, Searched, WebhookMetrics};
pub use outcomes::OutcomeMetrics;
pub use reactors::{ReactorMetrics, ReactorTotals, RejectReason};
pub use registry::{PathLabels, new_registry, process_info};
pub use runner::RunnerMetrics;
