//! `cargo xtask test`: everything that has to hold before a change goes in.
//!
//! A failed check doesn't hide the others: format, lints, the page and tests are all reported, and the run fails if any did.
//! The last line is the tests' sum; what else failed is said before it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::node::Project;
use crate::steps::Steps;
use crate::tally::{Counts, Tally};
use crate::vitest::Vitest;
use crate::{cargo, failpoints, packages, ui};

const CLIPPY: [&str; 7] = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
/// The tests and the binary that they run, in one go: so all that they share is built once. It has failpoints, for the
/// tests that let it die at them.
const BUILD: [&str; 8] =
    ["build", "--workspace", "--locked", "--tests", "--bin", "canary", "--features", failpoints::FEATURE];
const TESTS: [&str; 6] =
    ["test", "--workspace", "--locked", "--no-fail-fast", "--features", failpoints::FEATURE];

/// The dashboard, the rules and the runbooks.
const MONITORING: &str = "monitoring";
/// The page's tests in a browser.
const BROWSER: &str = "tests/browser";
/// So that a browser that hangs does not hold up everything.
const PAGE_LIMIT: Duration = Duration::from_secs(120);
const MONITORING_LIMIT: Duration = Duration::from_secs(180);
const BROWSER_LIMIT: Duration = Duration::from_secs(420);

/// Tests of a program that run at once. Most of them wait for real processes, and leave two cores idle.
const AT_ONCE: &str = "4";

/// Not a line that a test prints.
const END: &str = "\u{4}end of cargo's output\u{4}";

/// Runs all steps; the exit code is 0, 1 or 69.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let mut steps = Steps::default();
    if !steps.step("packages", packages::ensure_for_tests)? {
        return Ok(ExitCode::from(packages::EXIT_UNAVAILABLE));
    }
    let mut tally = Tally::default();
    steps.step("fmt", || Ok(cargo::run(&["fmt", "--all", "--check"])?.success()))?;
    // Before anything that embeds it.
    let page_built = steps.step("page build", ui::build)?;
    steps.step("page", || test_page(&mut tally))?;
    steps.step("monitoring", || test_monitoring(&mut tally))?;
    steps.step("clippy", || Ok(cargo::run(&CLIPPY)?.success()))?;
    let built = steps.step("build", || Ok(cargo::run(&BUILD)?.success()))?;
    if built {
        steps.step("test", || test_rust(&mut tally))?;
    } else {
        tally.add_counts(Counts::failure("the Rust tests were not run".to_owned()));
    }
    if page_built && built {
        steps.step("browser", || test_in_browser(&mut tally))?;
    } else {
        tally.add_counts(Counts::failure("the tests in a browser were not run".to_owned()));
    }
    report(&steps, &tally);
    Ok(if steps.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn test_rust(tally: &mut Tally) -> anyhow::Result<bool> {
    let mut rust = Tally::default();
    let passed = run_tests(&mut rust)?;
    tally.add_counts(rust.into_counts());
    Ok(passed)
}

fn test_page(tally: &mut Tally) -> anyhow::Result<bool> {
    test_project(&Vitest { folder: ui::FOLDER, name: "page", limit: PAGE_LIMIT, canary: None }, tally)
}

fn test_monitoring(tally: &mut Tally) -> anyhow::Result<bool> {
    let vitest = Vitest { folder: MONITORING, name: "monitoring", limit: MONITORING_LIMIT, canary: None };
    test_project(&vitest, tally)
}

fn test_in_browser(tally: &mut Tally) -> anyhow::Result<bool> {
    let canary = Some(cargo::program("debug", "canary")?);
    test_project(&Vitest { folder: BROWSER, name: "browser", limit: BROWSER_LIMIT, canary }, tally)
}

fn test_project(vitest: &Vitest, tally: &mut Tally) -> anyhow::Result<bool> {
    let project = Project::at(vitest.folder);
    if !project.install()? {
        tally.add_counts(Counts::failure(format!("{}: its packages could not be installed", vitest.name)));
        return Ok(false);
    }
    let linted = project.npm(&["run", "--silent", "lint"])?;
    let counts = vitest.run(&project)?;
    let passed = counts.passed_all();
    tally.add_counts(counts);
    Ok(linted && passed)
}

/// Runs the tests, every line passed on as it comes. Both outputs go through one pipe, which keeps cargo's headers before
/// the results they belong to. A process that a test left behind may hold that pipe open for ever, so its end is a line
/// written into it once cargo has ended.
fn run_tests(tally: &mut Tally) -> anyhow::Result<bool> {
    let (reader, mut writer) = std::io::pipe().context("can't make a pipe")?;
    let mut cargo = cargo::command(&TESTS);
    cargo.env("CANARY_BIN", cargo::program("debug", "canary")?).env("CARGO_TERM_COLOR", "never");
    cargo.env("RUST_TEST_THREADS", AT_ONCE);
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

fn report(steps: &Steps, tally: &Tally) {
    println!("\n{steps}\n");
    let failed = steps.failed();
    if !failed.is_empty() {
        println!("failed steps: {}", failed.join(", "));
    }
    tally.failures().iter().for_each(|name| println!("failed: {name}"));
    println!("{tally}");
}
