//! The service: settings, wiring, supervision and commands of the one binary, `canary`.
//!
//! Load, build, run: settings are read and checked as a whole, then everything is built from them, then the
//! supervisor owns what runs. A command is a file in `commands/`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "commands speak to the person who called them"
)]

mod aftermath;
mod bar;
mod base;
pub mod cli;
mod clock;
mod commands;
mod credentials;
mod exit;
#[cfg(feature = "failpoints")]
mod failpoints;
mod front;
mod instance;
mod leading;
mod node;
mod plan;
mod preparation;
mod sample;
mod settings;
mod stores;
mod supervisor;

use std::process::ExitCode;
use std::time::Duration;

use canary_telemetry::init_logs;
use cli::{Cli, Command};

/// How long rows are kept (design §5).
pub(crate) const RETENTION: Duration = Duration::from_secs(90 * 24 * 3_600);

/// Prints what is wrong with a command line, or the help that it asked for. A mistake is 64: clap's own 2 has a meaning
/// here (design §7).
#[must_use]
pub fn explain(error: &clap::Error) -> ExitCode {
    // Whoever has closed the output does not want to know.
    error.print().ok();
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}

/// Runs a command; its result is the process's exit code.
#[must_use]
pub fn main(cli: Cli) -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = match failpoints::arm() {
        Ok(armed) => armed,
        Err(unknown) => {
            eprintln!("canary: FAILPOINTS: there is no {unknown}; `canary failpoints` lists what there is");
            return ExitCode::from(exit::USAGE);
        }
    };
    let quiet = match cli.command {
        Command::Run | Command::Sandbox(_) => "info",
        // They name what could not be done as ordered: samples refused, rows of another slot key.
        Command::Export(_) | Command::Rejudge(_) | Command::Prune(_) => "warn",
        #[cfg(feature = "failpoints")]
        Command::Failpoints => "error",
        Command::Demo(_)
        | Command::Probe(_)
        | Command::Check
        | Command::Status
        | Command::Migrate
        | Command::Webhooks(_) => "error",
    };
    let filter = cli.log_filter.as_deref().unwrap_or(quiet);
    if let Err(error) = init_logs(cli.log_format, filter) {
        eprintln!("canary: {error}");
        return ExitCode::from(exit::USAGE);
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("canary: a TLS provider was installed before ours");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("canary: the runtime can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("canary: {}", exit::said(&error));
            ExitCode::from(exit::of(&error))
        }
    }
}
