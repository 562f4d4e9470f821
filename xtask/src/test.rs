//! `cargo xtask test`: everything that has to hold before a change goes in.
//!
//! A failed check doesn't hide the others: format, lints and tests are all reported, and the run fails if any did. The last
//! line is the tests' sum; what else failed is said before it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use crate::steps::Steps;
use crate::tally::Tally;
use crate::{cargo, packages};

/// As in sysexits.h: something that this needs is not available.
const EXIT_UNAVAILABLE: u8 = 69;

const CLIPPY: [&str; 7] = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
const BUILD_CANARY: [&str; 6] = ["build", "--locked", "--package", "canary-service", "--bin", "canary"];
const BUILD_TESTS: [&str; 5] = ["test", "--workspace", "--locked", "--no-fail-fast", "--no-run"];
const TESTS: [&str; 4] = ["test", "--workspace", "--locked", "--no-fail-fast"];

/// Not a line that a test prints.
const END: &str = "\u{4}end of cargo's output\u{4}";

/// Runs all steps; the exit code is 0, 1 or 69.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    if !steps.step("packages", packages::ensure_installed)? {
        return Ok(ExitCode::from(EXIT_UNAVAILABLE));
    }
    steps.step("fmt", || Ok(cargo::run(&["fmt", "--all", "--check"])?.success()))?;
    steps.step("clippy", || Ok(cargo::run(&CLIPPY)?.success()))?;
    let built = steps.step("build", || Ok(cargo::run(&BUILD_CANARY)?.success()))?
        && steps.step("build tests", || Ok(cargo::run(&BUILD_TESTS)?.success()))?;
    let mut tally = Tally::default();
    if built {
        steps.step("test", || run_tests(&mut tally))?;
    }
    report(&steps, built.then_some(&tally));
    Ok(if steps.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the tests, every line passed on as it comes. Both outputs go through one pipe, which keeps cargo's headers before
/// the results they belong to. A process that a test left behind may hold that pipe open for ever, so its end is a line
/// written into it once cargo has ended.
fn run_tests(tally: &mut Tally) -> anyhow::Result<bool> {
    let (reader, mut writer) = std::io::pipe().context("can't make a pipe")?;
    let mut cargo = cargo::command(&TESTS);
    cargo.env("CANARY_BIN", cargo::program("debug", "canary")?).env("CARGO_TERM_COLOR", "never");
    cargo.stdout(writer.try_clone()?).stderr(writer.try_clone()?);
    let mut child = cargo.spawn().context("can't run cargo test")?;
    let ending = std::thread::spawn(move || {
        let status = child.wait();
        write!(writer, "\n{END}\n").and(status)
    });
    pass_on(reader, tally)?;
    let status = ending.join().map_err(|_| anyhow!("the thread that waits for cargo panicked"))??;
    tally.end(status.success());
    Ok(tally.passed_all())
}

fn pass_on(output: impl Read, tally: &mut Tally) -> std::io::Result<()> {
    let mut output = BufReader::new(output);
    let mut terminal = std::io::stdout().lock();
    let mut bytes = Vec::new();
    while output.read_until(b'\n', &mut bytes)? > 0 {
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches(['\n', '\r']);
        if line == END {
            break;
        }
        tally.line(line);
        terminal.write_all(&bytes)?;
        bytes.clear();
    }
    Ok(())
}

fn report(steps: &Steps, tests: Option<&Tally>) {
    println!("\n{steps}\n");
    let failed = steps.failed();
    if !failed.is_empty() {
        println!("failed steps: {}", failed.join(", "));
    }
    match tests {
        Some(tally) => {
            tally.failures().iter().for_each(|name| println!("failed: {name}"));
            println!("{tally}");
        }
        None => println!("the tests were not run"),
    }
}
