//! The developers' commands: `cargo xtask demo`, `monitor`, `ui`, `test`, `chaos` and `bench`.
//!
//! They are all that a fresh Debian machine with Rust needs, so this crate has few dependencies and builds in seconds.
#![expect(clippy::print_stdout, reason = "commands for a terminal: what they print is their result")]

mod bench;
mod cargo;
mod chaos;
mod demo;
mod failpoints;
mod monitor;
mod node;
mod packages;
mod steps;
mod tally;
mod test;
mod ui;
mod vitest;

use std::ffi::OsString;
use std::path::PathBuf;
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
    /// Builds the page and the canary (release), and runs `canary demo` with the arguments given; its exit code is the demo's.
    #[command(disable_help_flag = true)]
    Demo {
        /// Passed on to `canary demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Starts `canary demo`, and Prometheus, Alertmanager and VictoriaMetrics that watch it; says where they are; until Ctrl-C.
    ///
    /// Exit code 1: the demo ended, or something did not start; 69: a server is missing and can't be installed from here.
    Monitor {
        /// This binary, instead of one that is built (release, with its page).
        #[arg(long, value_name = "PATH")]
        canary: Option<PathBuf>,
    },
    /// Builds the console's page, which the binary embeds, if anything changed since it was built.
    ///
    /// Exit code 0: it is there; 1: the build failed; 69: Node.js or npm is missing or too old.
    Ui,
    /// Installs what the tests need, checks format and lints, builds, and runs all tests, those of the page in a browser too.
    ///
    /// Exit code 0: all passed; 1: something failed; 69: a package is missing and can't be installed from here.
    Test,
    /// Measures the budgets on a machine with nothing else to do, about 25 minutes, and writes docs/performance.md.
    ///
    /// Exit code 0: every budget is met; 1: one is broken, or a benchmark failed; 69: a package is missing and can't be
    /// installed from here.
    Bench(bench::Wanted),
    /// Plays seeded schedules of faults on real processes, and holds what they left behind against the invariants.
    ///
    /// Exit code 0: all seeds held; 1: one did not, and its logs are kept; 69: a package is missing.
    #[command(disable_help_flag = true)]
    Chaos {
        /// `--seeds 20`, `--seed N`, `--minutes M`, `--print`; see `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Demo { arguments } => demo::run(&arguments),
        Command::Monitor { canary } => monitor::run(canary),
        Command::Ui => ui::run(),
        Command::Test => test::run(),
        Command::Bench(wanted) => bench::run(&wanted),
        Command::Chaos { arguments } => chaos::run(&arguments),
    }
}
