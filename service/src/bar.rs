//! How far a long work has come: one line that is rewritten on a terminal, a line each tenth elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};

use canary_export::Progress;

/// Cells of the bar: with its words the line stays below 80 columns, since one that wraps can't be rewritten.
const CELLS: usize = 24;
/// Parts of the work, after each of which a plain line is written.
const PARTS: f64 = 10.0;

/// How far a work has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    /// The share that is done, 0 to 1.
    pub share: f64,
    /// What was dealt with, in words.
    pub done: String,
    /// Why it stands still, while something is waited for.
    pub waiting: Option<String>,
}

impl From<Progress> for Step {
    fn from(progress: Progress) -> Self {
        let Progress { rows, samples, share, waiting } = progress;
        let rows = if rows > 0 { format!("{rows} rows, ") } else { String::new() };
        Self { share, done: format!("{rows}{samples} samples"), waiting }
    }
}

/// Speaks on standard error, so that what came of the work is alone on standard output.
pub(crate) struct Bar {
    what: &'static str,
    terminal: bool,
    /// Parts that were told.
    told: usize,
    waiting: Option<String>,
}

impl Bar {
    /// Has told nothing yet of work that is called so.
    pub fn new(what: &'static str) -> Self {
        Self { what, terminal: stderr().is_terminal(), told: 0, waiting: None }
    }

    /// Tells how far the work has come. Why it waits is a line of its own, once.
    pub fn show(&mut self, step: &Step) {
        if let Some(line) = self.line(step) {
            // Whoever has closed standard error does not want to know.
            write!(stderr(), "{line}").ok();
        }
    }

    /// Leaves the line as it is.
    pub fn end(&self) {
        if self.terminal {
            writeln!(stderr()).ok();
        }
    }

    fn line(&mut self, step: &Step) -> Option<String> {
        let mut line = String::new();
        if step.waiting != self.waiting {
            self.waiting.clone_from(&step.waiting);
            if let Some(cause) = &self.waiting {
                line = format!("{}waiting for the receiver: {cause}\n", self.begin());
            }
        }
        let parts = scaled(step.share, PARTS);
        if self.terminal || parts > self.told {
            self.told = parts;
            line += &format!("{}{}{}", self.begin(), self.state(step), self.close());
        }
        (!line.is_empty()).then_some(line)
    }

    fn begin(&self) -> &'static str {
        if self.terminal { "\r\x1b[K" } else { "" }
    }

    fn close(&self) -> &'static str {
        if self.terminal { "" } else { "\n" }
    }

    fn state(&self, step: &Step) -> String {
        let Step { share, done, .. } = step;
        let percent = scaled(*share, 100.0);
        let told = format!("{percent:>3} %  {} {done}", self.what);
        if !self.terminal {
            return told;
        }
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        let full = scaled(*share, CELLS as f64);
        format!("{}{} {told}", "█".repeat(full), "░".repeat(CELLS - full))
    }
}

/// The whole parts of so many that a share comes to.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and `parts`")]
fn scaled(share: f64, parts: f64) -> usize {
    (share.clamp(0.0, 1.0) * parts) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(share: f64, waiting: Option<&str>) -> Step {
        Progress { rows: 7, samples: 21, share, waiting: waiting.map(str::to_owned) }.into()
    }

    #[test]
    fn a_terminal_has_one_line_rewritten() {
        let mut bar = Bar { terminal: true, ..Bar::new("pushed") };
        let line = bar.line(&at(0.5, None)).unwrap();
        assert_eq!(
            line,
            format!("\r\x1b[K{}{}  50 %  pushed 7 rows, 21 samples", "█".repeat(12), "░".repeat(12))
        );
        let waiting = bar.line(&at(0.5, Some("503"))).unwrap();
        assert!(waiting.starts_with("\r\x1b[Kwaiting for the receiver: 503\n\r\x1b[K█"), "{waiting:?}");
    }

    #[test]
    fn elsewhere_each_tenth_and_each_wait_is_a_line_once() {
        let mut bar = Bar { terminal: false, ..Bar::new("pushed") };
        assert_eq!(bar.line(&at(0.05, None)), None);
        assert_eq!(bar.line(&at(0.31, None)).unwrap(), " 31 %  pushed 7 rows, 21 samples\n");
        assert_eq!(bar.line(&at(0.39, None)), None);
        assert_eq!(bar.line(&at(0.39, Some("503"))).unwrap(), "waiting for the receiver: 503\n");
        assert_eq!(bar.line(&at(0.39, Some("503"))), None);
        assert_eq!(bar.line(&at(1.0, None)).unwrap(), "100 %  pushed 7 rows, 21 samples\n");
    }
}
