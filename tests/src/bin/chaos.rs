//! Chaos for people: `cargo xtask chaos` builds the canary and runs this.
#![expect(clippy::print_stdout, reason = "a command for a terminal: what it prints is its result")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use canary_tests::chaos::{Schedule, headline, keep, run, told};
use clap::Parser;

/// Plays seeded schedules of faults on real processes, and holds what they left behind against the invariants.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed; alone, the only one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Minutes of faults a seed.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// Where the logs of seeds with a violation are kept.
    #[arg(long)]
    keep: PathBuf,
    /// Keeps the logs of all seeds.
    #[arg(long)]
    keep_all: bool,
    /// Prints each schedule and plays none.
    #[arg(long)]
    print: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let span = Duration::from_secs_f64(arguments.minutes.clamp(0.5, 600.0) * 60.0);
    let mut violated = Vec::new();
    for seed in arguments.seed..arguments.seed + arguments.seeds {
        let schedule = Schedule::of(seed, span);
        if arguments.print {
            println!("{schedule}");
            continue;
        }
        let ran = canary_tests::run(run(&schedule));
        println!("{}", headline(&schedule, &ran));
        let sound = ran.violations.is_empty();
        if !sound {
            println!("{}", told(&schedule, &ran));
            violated.push(seed);
        }
        if !sound || arguments.keep_all {
            let folder = arguments.keep.join(format!("seed-{seed}"));
            match keep(&folder, &schedule, &ran) {
                Ok(()) => println!("its logs are in {}", folder.display()),
                Err(error) => println!("its logs could not be kept in {}: {error}", folder.display()),
            }
        }
    }
    if violated.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("violated by the seeds {violated:?}");
    ExitCode::FAILURE
}
