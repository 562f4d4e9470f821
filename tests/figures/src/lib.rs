//! What benchmarks measure, a line each, and the budgets it is held against (design §12).
//!
//! A benchmark is a program that prints. What it prints for people is its own; a figure is one more line, which
//! `cargo xtask bench` finds among them. Both use this crate, so that neither guesses what the other means.
#![expect(clippy::print_stdout, reason = "a figure is printed: that is what this crate is for")]

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a figure's line begins with; no other line of a benchmark does.
const MARK: &str = "figure ";

/// What a figure may be at most or has to be at least, in the figure's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Budget {
    /// How much of the budget is left, as a part of it; below 0 by how much it is overdrawn.
    #[must_use]
    pub fn left(self, value: f64) -> f64 {
        match self {
            Self::AtMost(0.0) => -value,
            Self::AtMost(limit) => 1.0 - value / limit,
            Self::AtLeast(limit) => value / limit - 1.0,
        }
    }

    /// Whether it is kept.
    #[must_use]
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// One thing that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is of.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of what: `ms`, `rows/s`; `×` for a ratio, empty for a count.
    pub unit: String,
    /// What it is held against, if anything.
    pub budget: Option<Budget>,
    /// What has to be known to read it.
    pub note: Option<String>,
}

impl Figure {
    /// A figure without a budget.
    pub fn new(what: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { what: what.into(), value, unit: unit.into(), budget: None, note: None }
    }

    /// A time in milliseconds.
    pub fn ms(what: impl Into<String>, took: Duration) -> Self {
        Self::new(what, took.as_secs_f64() * 1_000.0, "ms")
    }

    /// Holds it against an upper limit.
    #[must_use]
    pub fn at_most(self, limit: f64) -> Self {
        Self { budget: Some(Budget::AtMost(limit)), ..self }
    }

    /// Holds it against a lower limit.
    #[must_use]
    pub fn at_least(self, limit: f64) -> Self {
        Self { budget: Some(Budget::AtLeast(limit)), ..self }
    }

    /// Says what has to be known to read it.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// Whether its budget is overdrawn.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| !budget.is_met(self.value))
    }

    /// Prints its line.
    pub fn print(&self) {
        println!("{}", self.line());
    }

    fn line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_else(|error| panic!("{}: {error}", self.what));
        format!("{MARK}{json}")
    }

    /// The figure that a line is; `None` if it is another line.
    #[must_use]
    pub fn read(line: &str) -> Option<Self> {
        serde_json::from_str(line.strip_prefix(MARK)?).ok()
    }
}

/// The number, with as many digits as say something, and the unit.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number(self.value))?;
        if self.unit.is_empty() { Ok(()) } else { write!(f, " {}", self.unit) }
    }
}

/// A number with three digits that say something; whole above a hundred.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        0.0 => 0,
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    if places == 0 { grouped(&text) } else { text }
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether this benchmark was asked to be quick (`--quick`): less of everything, for people who wait.
#[must_use]
pub fn quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// The number behind an argument like `--kills`.
///
/// # Panics
/// If what is there is none.
#[must_use]
pub fn asked(argument: &str) -> Option<usize> {
    let given = std::env::args().skip_while(|given| given != argument).nth(1)?;
    Some(given.parse().unwrap_or_else(|_| panic!("{argument} takes a number, not {given:?}")))
}

/// The value below or at which so many percent of the values lie; 0 for none.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank among the values that are there"
)]
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_the_figure_that_it_was_printed_from() {
        let plain = Figure::new("reactor / parse", 5.25, "×");
        for figure in [plain.clone(), plain.at_least(5.0).note("median")] {
            assert_eq!(Figure::read(&figure.line()), Some(figure));
        }
        assert_eq!(Figure::read("figures follow"), None);
        assert_eq!(Figure::read("figure of speech"), None);
    }

    #[test]
    fn a_budget_is_kept_up_to_its_limit() {
        let figure = Figure::new("a", 5.0, "ms");
        assert!(!figure.is_over());
        assert!(!figure.clone().at_most(5.0).is_over() && figure.clone().at_most(4.9).is_over());
        assert!(!figure.clone().at_least(5.0).is_over() && figure.at_least(5.1).is_over());
        assert!((Budget::AtMost(4.0).left(5.0) + 0.25).abs() < 1e-9);
        assert!((Budget::AtLeast(4.0).left(5.0) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let texts = [0.0, 0.072, 1.5, 33.33, 512.7, 1_310_720.4, -1_234.0].map(number);
        assert_eq!(texts, ["0", "0.072", "1.50", "33.3", "513", "1,310,720", "-1,234"]);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=1_000).rev().map(f64::from).collect();
        assert_eq!([50.0, 99.0, 99.9, 100.0].map(|p| percentile(&values, p)), [500.0, 990.0, 999.0, 1_000.0]);
        assert_eq!(percentile(&[7.0], 99.9), 7.0);
    }
}
