//! The `canary` binary: `main` only wires.

use std::process::ExitCode;

use canary_service::cli::Cli;
use clap::Parser as _;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => canary_service::main(cli),
        Err(error) => canary_service::explain(&error),
    }
}
