//! Runs a project's Vitest, and reads what it reports of itself.
//!
//! The counts come from Vitest's JSON report, which is written at the end: a run that dies, or is stopped at its
//! time limit, leaves none and counts as one failure. So does a run that fails though no test of it did.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cargo;
use crate::node::Project;
use crate::tally::Counts;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The Vitest of one project.
pub(crate) struct Vitest {
    /// From the workspace's root.
    pub folder: &'static str,
    /// Its name in the report.
    pub name: &'static str,
    /// After which its tests are stopped.
    pub limit: Duration,
    /// The binary to test.
    pub canary: Option<PathBuf>,
}

impl Vitest {
    /// Runs all tests.
    pub fn run(&self, project: &Project) -> anyhow::Result<Counts> {
        let Self { name, limit, canary, .. } = self;
        let report = cargo::target()?.join(format!("vitest-{name}.json"));
        if report.exists() {
            fs::remove_file(&report).with_context(|| format!("can't remove {}", report.display()))?;
        }
        let mut command = project.program("vitest");
        command.args(["run", "--reporter=default", "--reporter=json"]);
        command.arg(format!("--outputFile.json={}", report.display())).env("NO_COLOR", "1");
        if let Some(canary) = canary {
            command.env("CANARY_BIN", canary);
        }
        let Ok(mut child) = command.spawn() else {
            return Ok(Counts::failure(format!("{name}: vitest could not be run")));
        };
        Ok(match wait(&mut child, *limit)? {
            Some(status) => outcome(name, &report, status),
            None => Counts::failure(format!("{name} was stopped after {} s", limit.as_secs())),
        })
    }
}

/// Waits for its end, or ends it at the limit. Its own children go with it: they read from it.
#[expect(
    clippy::disallowed_methods,
    reason = "no runtime here, and std can't wait for a process with a limit"
)]
fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > limit {
            child.kill().context("can't stop vitest")?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn outcome(name: &str, report: &Path, status: ExitStatus) -> Counts {
    let counts = fs::read_to_string(report).map_err(anyhow::Error::from).and_then(|text| read(name, &text));
    match counts {
        Ok(counts) if counts.passed_all() && !status.success() => {
            Counts::failure(format!("{name} ended with {status}, see its output"))
        }
        Ok(counts) => counts,
        Err(_) => Counts::failure(format!("{name} ended without a result ({status})")),
    }
}

/// Reads a report. A file that could not be loaded has no tests, and is a failure of its own.
fn read(name: &str, report: &str) -> anyhow::Result<Counts> {
    let report: Value = serde_json::from_str(report)?;
    let mut counts = Counts::default();
    let files = report["testResults"].as_array().context("a report without testResults")?;
    for file in files {
        let in_file = Path::new(text(file, "name")?).file_name().unwrap_or_default().to_string_lossy();
        let tests = file["assertionResults"].as_array().context("a file without assertionResults")?;
        let failed_before = counts.failed;
        for test in tests {
            match text(test, "status")? {
                "passed" => counts.passed += 1,
                "failed" => counts.fail(format!("{name} {in_file}: {}", text(test, "fullName")?)),
                "pending" | "skipped" | "todo" | "disabled" => counts.skipped += 1,
                other => bail!("a test with the status {other}"),
            }
        }
        if text(file, "status")? == "failed" && counts.failed == failed_before {
            counts.fail(format!("{name} {in_file} could not be run"));
        }
    }
    Ok(counts)
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value[key].as_str().with_context(|| format!("no {key} in the report"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const REPORT: &str = r#"{"success": false, "testResults": [
        {"name": "/w/tests/log.test.ts", "status": "failed", "assertionResults": [
            {"fullName": "the log keeps 200", "status": "passed"},
            {"fullName": "the log counts what is hidden", "status": "failed"},
            {"fullName": "later", "status": "todo"}]},
        {"name": "/w/tests/broken.test.ts", "status": "failed", "assertionResults": []}]}"#;

    #[test]
    fn tests_are_counted_and_failed_ones_named_with_their_file() {
        let counts = read("page", REPORT).unwrap();
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 2, 1));
        assert_eq!(
            counts.failures,
            ["page log.test.ts: the log counts what is hidden", "page broken.test.ts could not be run"]
        );
    }

    #[test]
    fn a_report_of_an_unknown_form_is_no_result() {
        for report in ["", "{}", r#"{"testResults": [{"name": "a", "status": "passed"}]}"#] {
            assert!(read("page", report).is_err(), "{report}");
        }
    }

    #[test]
    fn a_run_that_fails_without_a_failed_test_is_a_failure() {
        let status = |code| Command::new("/bin/sh").args(["-c", &format!("exit {code}")]).status().unwrap();
        let folder = std::env::temp_dir().join(format!("canary-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let good = folder.join("good.json");
        fs::write(&good, r#"{"testResults": []}"#).unwrap();
        assert!(outcome("page", &good, status(0)).passed_all());
        assert_eq!(outcome("page", &good, status(1)).failed, 1);
        assert_eq!(outcome("page", &folder.join("none.json"), status(0)).failed, 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_run_beyond_its_limit_is_stopped() {
        let mut child = Command::new("/bin/sh").args(["-c", "exec tail -f /dev/null"]).spawn().unwrap();
        assert!(wait(&mut child, Duration::from_millis(50)).unwrap().is_none());
        assert!(child.try_wait().unwrap().is_some());
    }
}
