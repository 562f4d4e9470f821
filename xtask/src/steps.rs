//! Named steps, each with its duration and how it ended.

use std::fmt::{Display, Formatter};
use std::time::{Duration, Instant};

use anyhow::Context;

struct Step {
    name: &'static str,
    took: Duration,
    passed: bool,
}

/// The steps of one run, in order; displays as a table.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
}

impl Steps {
    /// Does one step; `work` says whether it passed.
    #[expect(
        clippy::disallowed_methods,
        reason = "no runtime here: a step's duration is shown to a developer"
    )]
    pub(crate) fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> anyhow::Result<bool>,
    ) -> anyhow::Result<bool> {
        println!("==> {name}");
        let started = Instant::now();
        let passed = work().with_context(|| format!("step {name}"))?;
        let step = Step { name, took: started.elapsed(), passed };
        println!("<== {step}");
        self.done.push(step);
        Ok(passed)
    }

    /// The names of the steps that failed.
    pub(crate) fn failed(&self) -> Vec<&'static str> {
        self.done.iter().filter(|step| !step.passed).map(|step| step.name).collect()
    }
}

impl Display for Step {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.passed { "ok" } else { "FAILED" };
        write!(out, "{:<12} {:>8.1} s  {verdict}", self.name, self.took.as_secs_f64())
    }
}

impl Display for Steps {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        for step in &self.done {
            writeln!(out, "{step}")?;
        }
        let total: Duration = self.done.iter().map(|step| step.took).sum();
        write!(out, "{:<12} {:>8.1} s", "total", total.as_secs_f64())
    }
}
