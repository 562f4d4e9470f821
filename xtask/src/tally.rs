//! Adds up what `cargo test` says of many test programs, as its lines come.
//!
//! Names of failed tests come from the list at each program's end, not from the lines of single tests: what tests print
//! may break into those. A program that dies leaves no result, and counts as one failure.

use std::fmt::{Display, Formatter};

/// Sums over all test programs; displays as the run's closing line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
    failures: Vec<String>,
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
            self.fail(format!("{} ended without a result", self.program));
        }
    }

    /// Closes the tally; cargo may have failed for a reason that is no test's.
    pub(crate) fn end(&mut self, cargo_succeeded: bool) {
        if !cargo_succeeded && self.failed == 0 {
            self.fail("cargo test failed, see its output".to_owned());
        }
    }

    pub(crate) fn passed_all(&self) -> bool {
        self.failed == 0
    }

    /// The failed tests, each with its test program's name before it.
    pub(crate) fn failures(&self) -> &[String] {
        &self.failures
    }

    fn add(&mut self, counts: &str) {
        self.has_result = true;
        self.passed += count(counts, "passed");
        self.skipped += count(counts, "ignored");
        let failed = count(counts, "failed");
        self.failed += failed;
        if failed > 0 {
            let program = &self.program;
            self.failures.extend(self.listed.drain(..).map(|name| format!("{program}: {name}")));
        }
    }

    fn fail(&mut self, what: String) {
        self.failed += 1;
        self.failures.push(what);
    }
}

impl Display for Tally {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
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
        (tally.to_string(), tally.failures)
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
    fn cargo_failing_by_itself_is_a_failure() {
        let (line, failures) = tally("error: could not compile `canary-store`\n", false);
        assert_eq!((line.as_str(), failures.len()), ("0 passed, 1 failed, 0 skipped", 1));
    }
}
