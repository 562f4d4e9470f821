//! Adds up what `cargo test` says of many test programs, as its lines come, and what other runners report.
//!
//! Names of failed tests come from the list at each program's end, not from the lines of single tests: what tests print
//! may break into those. A program that dies leaves no result, and counts as one failure.

use std::fmt::{Display, Formatter};

/// What one run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// The failed tests' names.
    pub failures: Vec<String>,
}

impl Counts {
    /// A run that failed as a whole.
    pub fn failure(what: String) -> Self {
        let mut counts = Self::default();
        counts.fail(what);
        counts
    }

    pub fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }

    pub fn passed_all(&self) -> bool {
        self.failed == 0
    }
}

/// Sums over all test programs; displays as the run's closing line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    sum: Counts,
    program: String,
    has_result: bool,
    listed: Vec<String>,
}

impl Tally {
    /// Takes in one line of output.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(program) = header(line) {
            self.program = program;
            self.has_result = false;
            self.listed.clear();
        } else if line == "failures:" {
            self.listed.clear();
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            self.add(counts);
        } else if let Some(name) = line.strip_prefix("    ") {
            self.listed.push(name.to_owned());
        } else if is_verdict_of_cargo(line) && !self.has_result {
            self.sum.fail(format!("{} ended without a result", self.program));
        }
    }

    /// Closes what cargo said, in a tally that holds nothing else; cargo may have failed for a reason that is no test's.
    pub(crate) fn end(&mut self, cargo_succeeded: bool) {
        if !cargo_succeeded && self.passed_all() {
            self.sum.fail("cargo test failed, see its output".to_owned());
        }
    }

    /// Adds another run's.
    pub(crate) fn add_counts(&mut self, counts: Counts) {
        self.sum.passed += counts.passed;
        self.sum.failed += counts.failed;
        self.sum.skipped += counts.skipped;
        self.sum.failures.extend(counts.failures);
    }

    /// What it came to.
    pub(crate) fn into_counts(self) -> Counts {
        self.sum
    }

    pub(crate) fn passed_all(&self) -> bool {
        self.sum.passed_all()
    }

    /// The failed tests, each with its test program's name before it.
    pub(crate) fn failures(&self) -> &[String] {
        &self.sum.failures
    }

    fn add(&mut self, counts: &str) {
        self.has_result = true;
        self.sum.passed += count(counts, "passed");
        self.sum.skipped += count(counts, "ignored");
        let failed = count(counts, "failed");
        self.sum.failed += failed;
        if failed > 0 {
            let program = &self.program;
            self.sum.failures.extend(self.listed.drain(..).map(|name| format!("{program}: {name}")));
        }
    }
}

impl Display for Tally {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let Counts { passed, failed, skipped, .. } = &self.sum;
        write!(out, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The test program that cargo starts now: `     Running tests/slots.rs (target/debug/deps/slots-0b75681c)`.
fn header(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(package) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{package} (doc)"));
    }
    let (_, file) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once('/')?;
    Some(file.rsplit_once('-')?.0.to_owned())
}

fn is_verdict_of_cargo(line: &str) -> bool {
    line.starts_with("error: test failed, to rerun") || line.starts_with("error: doctest failed, to rerun")
}

/// The number before a word in `ok. 2 passed; 0 failed; 1 ignored; …`.
fn count(counts: &str, word: &str) -> u64 {
    let words: Vec<&str> = counts.split([' ', ';']).filter(|part| !part.is_empty()).collect();
    let number = words.windows(2).find(|pair| pair[1] == word).map(|pair| pair[0].parse());
    number.and_then(Result::ok).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str, cargo_succeeded: bool) -> (String, Vec<String>) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.line(line));
        tally.end(cargo_succeeded);
        assert_eq!(tally.passed_all(), tally.failures().is_empty());
        (tally.to_string(), tally.into_counts().failures)
    }

    const GOOD: &str = "     Running unittests src/lib.rs (target/debug/deps/canary_domain-0b75681c5d57dac7)\n\
        running 3 tests\n\
        test one ... ok\n\n\
        test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s\n";

    const BAD: &str = "     Running tests/slots.rs (target/debug/deps/slots-ec4f40afe0b175fa)\n\
        running 2 tests\n\
        test a_slot ... noise in the middle FAILED\n\n\
        failures:\n\n\
        ---- a_slot stdout ----\n\
        \x20   an indented line of the test's own\n\n\
        failures:\n\
        \x20   a_slot\n\n\
        test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\n\
        error: test failed, to rerun pass `-p canary-store --test slots`\n";

    const DEAD: &str = "     Running tests/faults.rs (target/debug/deps/faults-ec4f40afe0b175fb)\n\
        running 2 tests\n\
        error: test failed, to rerun pass `-p canary-tests --test faults`\n\n\
        Caused by:\n  process didn't exit successfully: `faults` (signal: 9, SIGKILL: kill)\n";

    #[test]
    fn counts_are_summed_over_all_programs() {
        let (line, failures) = tally(&[GOOD, GOOD].concat(), true);
        assert_eq!((line.as_str(), failures.len()), ("4 passed, 0 failed, 2 skipped", 0));
    }

    #[test]
    fn failed_tests_are_named_with_their_program() {
        let (line, failures) = tally(&[GOOD, BAD, GOOD].concat(), false);
        assert_eq!(line, "5 passed, 1 failed, 2 skipped");
        assert_eq!(failures, ["slots: a_slot"]);
    }

    #[test]
    fn a_program_that_dies_is_a_failure() {
        let (line, failures) = tally(&[DEAD, GOOD].concat(), false);
        assert_eq!(line, "2 passed, 1 failed, 1 skipped");
        assert_eq!(failures, ["faults ended without a result"]);
    }

    #[test]
    fn a_failed_documentation_test_is_named() {
        let output = [
            GOOD,
            &BAD.replace(
                "Running tests/slots.rs (target/debug/deps/slots-ec4f40afe0b175fa)",
                "Doc-tests canary_store",
            ),
        ];
        let (line, failures) = tally(&output.concat(), false);
        assert_eq!(line, "3 passed, 1 failed, 1 skipped");
        assert_eq!(failures, ["canary_store (doc): a_slot"]);
    }

    #[test]
    fn other_runs_are_added() {
        let mut tally = Tally::default();
        GOOD.lines().for_each(|line| tally.line(line));
        tally.add_counts(Counts { passed: 3, failed: 1, skipped: 2, failures: vec!["page: a".to_owned()] });
        assert_eq!(tally.to_string(), "5 passed, 1 failed, 3 skipped");
        assert_eq!(tally.failures(), ["page: a"]);
    }

    #[test]
    fn cargo_failing_by_itself_is_a_failure() {
        let (line, failures) = tally("error: could not compile `canary-store`\n", false);
        assert_eq!((line.as_str(), failures.len()), ("0 passed, 1 failed, 0 skipped", 1));
    }
}
