//! Logs: for people, or as JSON a line.

use std::io::IsTerminal as _;

use strum::{Display, EnumString, VariantNames};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// At TRACE this library logs its requests whole, their bearer tokens among them (I8).
const TELLTALE: &str = "tungstenite";

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter can't be read.
    #[error(
        "the log filter `{filter}` (RUST_LOG) can't be read: {cause}; write it like `info,canary_judge=debug`"
    )]
    Filter {
        /// The filter as given.
        filter: String,
        /// What is wrong with it.
        cause: ParseError,
    },
    /// Something else in this process logs already.
    #[error("logging has begun already: {0}")]
    Begun(#[from] TryInitError),
}

/// Begins to log to standard error, filtered like `RUST_LOG`.
///
/// # Errors
/// When the filter can't be read, or logging has begun already.
pub fn init_logs(format: LogFormat, filter: &str) -> Result<(), LogsError> {
    let parsed = EnvFilter::builder()
        .parse(filter)
        .map_err(|cause| LogsError::Filter { filter: filter.to_owned(), cause })?;
    let colours = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr).with_ansi(colours);
    let discreet =
        filter_fn(|what| !what.target().starts_with(TELLTALE) || *what.level() <= LevelFilter::DEBUG);
    match format {
        LogFormat::Human => builder.finish().with(discreet).try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().with(discreet).try_init()?,
    }
    Ok(())
}
