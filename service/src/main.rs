//! The `canary` binary: `main` only wires.

use std::process::ExitCode;

use canary_service::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    canary_service::main(Cli::parse())
}
