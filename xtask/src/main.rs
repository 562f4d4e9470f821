//! The developers' commands: `cargo xtask demo` and `cargo xtask test`.
//!
//! They are all that a fresh Debian machine with Rust needs, so this crate has few dependencies and builds in seconds.
#![expect(clippy::print_stdout, reason = "commands for a terminal: what they print is their result")]

mod cargo;
mod demo;
mod packages;
mod steps;
mod tally;
mod test;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The developers' commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds the canary (release) and runs `canary demo` with the arguments given; its exit code is the demo's.
    #[command(disable_help_flag = true)]
    Demo {
        /// Passed on to `canary demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Installs what the tests need, checks format and lints, builds, and runs all tests.
    ///
    /// Exit code 0: all passed; 1: something failed; 69: a package is missing and can't be installed from here.
    Test,
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Demo { arguments } => demo::run(&arguments),
        Command::Test => test::run(),
    }
}
