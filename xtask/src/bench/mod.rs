//! `cargo xtask bench`: the budgets of design §12, measured one after the other, and the page that says what came of it.
//!
//! Each benchmark is a program of the crate that it is about and prints its figures; this builds them and the canary for
//! release, runs them on a machine that has nothing else to do, and collects. What a benchmark came to is kept beside its
//! program, so that one can be run again alone and the page still has all the others.

mod page;
mod results;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};
use canary_figures::Figure;
use serde_json::Value;

use self::results::Results;
use crate::node::Project;
use crate::steps::Steps;
use crate::{cargo, packages, ui};

/// As in sysexits.h: something that this needs is not available.
const EXIT_UNAVAILABLE: u8 = 69;
const BUILD_CANARY: [&str; 7] =
    ["build", "--release", "--locked", "--package", "canary-service", "--bin", "canary"];
const BROWSER: &str = "tests/browser";
/// After which a benchmark is stopped: it hangs. Many kills take longer.
const LIMIT_SECONDS: &str = "7200";

/// A benchmark.
#[derive(Debug)]
pub(crate) struct Bench {
    pub name: &'static str,
    package: &'static str,
    /// Its section's heading.
    pub title: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
}

/// All of them, in the order in which they run and stand on the page.
pub(crate) const BENCHES: [Bench; 9] = [
    Bench {
        name: "throughput",
        package: "canary-validators",
        title: "Reading the stream",
        about: "One reactor, a bare loop that throws every frame away and one that parses every frame read the same \
                stream of 650-byte events in turn, many times for a moment each; 1 in 1,000 is a canary's. A rate \
                counts the time that the reading thread had a processor; a ratio is the median of the rounds'.",
    },
    Bench {
        name: "seeing",
        package: "canary-validators",
        title: "The moment of seeing",
        about: "From the moment when the bytes of a canary's event are handed to the kernel to the moment of seeing, \
                while 100,000 users' events a second pass the same socket. The bytes are made beforehand, since a \
                sandbox beside it would need the processors that are measured. The bare loop only reads the clock \
                when the frame comes out of its socket: its figures are the machine's.",
    },
    Bench {
        name: "latency",
        package: "canary-tests",
        title: "True latencies",
        about: "The real binary on Redis and PostgreSQL. What it writes down as latency, against the moments at which \
                the sandbox had the call and logged the event. The sandbox's firehose makes the users' events on the \
                same machine.",
    },
    Bench {
        name: "sweep",
        package: "canary-judge",
        title: "The judge's sweep",
        about: "Tests in flight on Redis, their rows in PostgreSQL, and sweeps in which more or fewer have news. A \
                decided test is read, judged, written to the ledger and given its next look. In steady state of \
                100,000 tests under watch about 1,000 have news in the 5 s between two sweeps: that is what the \
                budget holds. Medians of seven sweeps, but where all have news at once.",
    },
    Bench {
        name: "ledger",
        package: "canary-store",
        title: "Writing the ledger",
        about: "Rows a second, on one connection after the other. 30 paths a minute need half a row a second.",
    },
    Bench {
        name: "export",
        package: "canary-export",
        title: "The export",
        about: "30 days of 30 paths, a slot a minute, from PostgreSQL to VictoriaMetrics; afterwards every sample is \
                compared.",
    },
    Bench {
        name: "console",
        package: "canary-tests",
        title: "The console",
        about: "The real binary over 30 days of 30 paths (1.3 million rows) in PostgreSQL, live. Each question is \
                asked 200 times; the page is opened in Chromium with an empty cache.",
    },
    Bench {
        name: "takeover",
        package: "canary-tests",
        title: "Takeovers",
        about: "Leaders are killed (SIGKILL) at any moment of a cycle of 20 s, and instances started anew in their \
                place. The platform's own record is held against the rows.",
    },
    Bench {
        name: "process",
        package: "canary-tests",
        title: "What a canary takes",
        about: "The real binary, all parts, on Redis and PostgreSQL.",
    },
];

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    /// Only these: throughput, seeing, latency, sweep, ledger, export, console, takeover, process.
    names: Vec<String>,
    /// Less of everything, in a few minutes; changes no page.
    #[arg(long)]
    quick: bool,
    /// How many leaders are killed.
    #[arg(long)]
    kills: Option<u32>,
}

/// Runs them; the exit code is 0, 1 if a budget is broken or a benchmark failed, or 69.
pub(crate) fn run(wanted: &Wanted) -> anyhow::Result<ExitCode> {
    let benches = chosen(&wanted.names)?;
    let mut steps = Steps::default();
    if !steps.step("packages", packages::ensure_for_tests)? {
        return Ok(ExitCode::from(EXIT_UNAVAILABLE));
    }
    let mut programs = None;
    steps.step("build", || {
        programs = build(&benches)?;
        Ok(programs.is_some())
    })?;
    let Some(programs) = programs else { return Ok(ExitCode::FAILURE) };
    let mut ran = Vec::new();
    for bench in &benches {
        steps.step(bench.name, || {
            let program = programs.get(bench.name).with_context(|| format!("no program {}", bench.name))?;
            let results = measure(bench, program, wanted)?;
            let sound = results.is_some();
            ran.extend(results.map(|results| (*bench, results)));
            Ok(sound)
        })?;
    }
    println!("\n{}", page::budgets(&ran));
    if wanted.quick {
        println!("A quick run: the page is left as it is.");
    } else {
        println!("{}", page::write(&BENCHES)?);
    }
    println!("\n{steps}");
    let over = ran.iter().flat_map(|(_, results)| &results.figures).any(Figure::is_over);
    Ok(if over || !steps.failed().is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Bench>> {
    if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|bench| bench.name != **name)) {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        bail!("there is no benchmark {unknown}; there are {}", known.join(", "));
    }
    let asked = |bench: &&Bench| names.is_empty() || names.iter().any(|name| name == bench.name);
    Ok(BENCHES.iter().filter(asked).collect())
}

/// The page, the canary and the benchmarks, so that nothing is built while something is measured; answers where the
/// benchmarks are, or nothing if something could not be built.
fn build(benches: &[&Bench]) -> anyhow::Result<Option<BTreeMap<String, PathBuf>>> {
    let of_the_binary = |bench: &&Bench| bench.package == "canary-tests";
    if benches.iter().any(of_the_binary) {
        let ready = ui::build()? && Project::at(BROWSER).install()? && cargo::run(&BUILD_CANARY)?.success();
        if !ready {
            return Ok(None);
        }
    }
    // All in one go and always the same ones, so that what they share is built once.
    let mut arguments = vec!["bench", "--locked", "--no-run", "--message-format=json-render-diagnostics"];
    for bench in &BENCHES {
        arguments.extend(["--package", bench.package, "--bench", bench.name]);
    }
    let output =
        cargo::command(&arguments).stderr(Stdio::inherit()).output().context("can't run cargo bench")?;
    Ok(output.status.success().then(|| programs(&String::from_utf8_lossy(&output.stdout))))
}

/// The programs that cargo says it has built, by name.
fn programs(messages: &str) -> BTreeMap<String, PathBuf> {
    let program = |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    };
    messages.lines().filter_map(program).collect()
}

/// Runs one to its end, its output passed on as it comes; `None` if it failed.
fn measure(bench: &Bench, program: &Path, wanted: &Wanted) -> anyhow::Result<Option<Results>> {
    let mut results = Results::begin(wanted.quick)?;
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", LIMIT_SECONDS]).arg(program);
    command.current_dir(cargo::root()).stdin(Stdio::null()).stdout(Stdio::piped());
    if wanted.quick {
        command.arg("--quick");
    }
    if let Some(kills) = wanted.kills {
        command.args(["--kills", &kills.to_string()]);
    }
    let mut child = command.spawn().with_context(|| format!("can't run {}", program.display()))?;
    let output = child.stdout.take().context("a benchmark without an output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        match Figure::read(&line) {
            Some(figure) => {
                println!("{}", page::told(&figure));
                results.figures.push(figure);
            }
            None => println!("{line}"),
        }
    }
    if !child.wait()?.success() || results.figures.is_empty() {
        return Ok(None);
    }
    if !wanted.quick {
        results.keep(bench.name)?;
    }
    Ok(Some(results))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_what_cargo_says() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"canary_store"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"sweep"},"executable":"/w/target/release/deps/sweep-1"}
{"reason":"build-finished","success":true}"#;
        let expected =
            BTreeMap::from([("sweep".to_owned(), PathBuf::from("/w/target/release/deps/sweep-1"))]);
        assert_eq!(programs(messages), expected);
    }

    #[test]
    fn benchmarks_are_chosen_by_name_and_all_without_one() {
        let names = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            chosen(&given).map(|benches| benches.iter().map(|bench| bench.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["sweep", "seeing"]).unwrap(), ["seeing", "sweep"]);
        assert_eq!(names(&[]).unwrap().len(), BENCHES.len());
        assert!(names(&["swept"]).is_err());
    }
}
