//! `docs/performance.md`, and the same as lines for a terminal.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

use anyhow::Context;
use canary_figures::{Budget, Figure, number};

use super::Bench;
use super::results::Results;
use crate::cargo;

const PAGE: &str = "docs/performance.md";
const INTRODUCTION: &str = "\
# Performance

What the canary takes and how fast it is, held against its budgets. Written by `cargo xtask bench`, which measures all of it in
one run and fails if a budget is broken; `cargo xtask bench --quick` takes a few minutes and writes nothing. Changes to this
page are overwritten.
";

/// Writes the page if there are results of every benchmark; answers what was done.
pub(crate) fn write(benches: &[Bench]) -> anyhow::Result<String> {
    let mut all = Vec::new();
    for bench in benches {
        match Results::last(bench.name)? {
            Some(results) => all.push((bench, results)),
            None => return Ok(format!("{PAGE} is left as it is: {} has not run here yet.", bench.name)),
        }
    }
    let path = cargo::root().join(PAGE);
    fs::write(&path, page(&all, &machine()?)).with_context(|| format!("can't write {}", path.display()))?;
    Ok(format!("{PAGE} is written."))
}

fn page(all: &[(&Bench, Results)], machine: &str) -> String {
    let mut page = format!("{INTRODUCTION}\nMeasured on {machine}.\n\n## Budgets\n\n");
    page += "| | measured | budget | |\n|---|---:|---:|---|\n";
    for figure in all.iter().flat_map(|(_, results)| &results.figures) {
        if let Some(budget) = figure.budget {
            let Figure { what, .. } = figure;
            let (limit, verdict) = (limit(figure, budget), verdict(figure, budget));
            page += &format!("| {what} | {figure} | {limit} | {verdict} |\n");
        }
    }
    for (bench, Results { at, load, figures, .. }) in all {
        let Bench { name, title, about, .. } = bench;
        page += &format!("\n## {title}\n\n{about}\n\n| | measured | |\n|---|---:|---|\n");
        for figure in figures {
            let note = figure.note.as_deref().unwrap_or_default();
            page += &format!("| {} | {figure} | {note} |\n", figure.what);
        }
        page += &format!("\n`cargo xtask bench {name}`, {at} UTC; load average before it {load}.\n");
    }
    page
}

/// All figures with a budget, for a terminal.
pub(crate) fn budgets(ran: &[(&Bench, Results)]) -> String {
    let mut text = String::new();
    for (bench, results) in ran {
        for figure in results.figures.iter().filter(|figure| figure.budget.is_some()) {
            // Writing into a string can't fail.
            writeln!(text, "{:<10} {}", bench.name, told(figure)).unwrap_or_default();
        }
    }
    text
}

/// A figure as a line.
pub(crate) fn told(figure: &Figure) -> String {
    let held = figure
        .budget
        .map(|budget| format!("  (budget {}: {})", limit(figure, budget), verdict(figure, budget)));
    let note = figure.note.as_ref().map(|note| format!("  {note}"));
    format!("{}: {figure}{}{}", figure.what, held.unwrap_or_default(), note.unwrap_or_default())
}

fn limit(figure: &Figure, budget: Budget) -> String {
    let (sign, limit) = match budget {
        Budget::AtMost(limit) => ("≤", limit),
        Budget::AtLeast(limit) => ("≥", limit),
    };
    // As it was set, without digits that say nothing.
    format!("{sign} {limit} {}", figure.unit).trim_end().to_owned()
}

fn verdict(figure: &Figure, budget: Budget) -> String {
    let left = budget.left(figure.value) * 100.0;
    match (budget, figure.is_over()) {
        (Budget::AtMost(0.0), false) => "met".to_owned(),
        (Budget::AtMost(0.0), true) => "**broken**".to_owned(),
        (_, false) => format!("met, {} % to spare", number(left)),
        (_, true) => format!("**broken** by {} %", number(-left)),
    }
}

/// Processors and memory.
fn machine() -> anyhow::Result<String> {
    let read = |file: &str| fs::read_to_string(file).with_context(|| format!("can't read {file}"));
    let (processors, memory) = (read("/proc/cpuinfo")?, read("/proc/meminfo")?);
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = value(&processors, "model name").unwrap_or_else(|| "an unnamed processor".to_owned());
    let kilobytes: u64 = value(&memory, "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse().ok())
        .context("no memory in /proc/meminfo")?;
    let cores = available_parallelism().context("can't count the processors")?;
    Ok(format!("{cores} cores of {model}, {} GB of memory", kilobytes.div_ceil(1 << 20)))
}

#[cfg(test)]
mod tests {
    use super::super::BENCHES;
    use super::*;

    fn results(figures: Vec<Figure>) -> Results {
        Results { at: "2026-11-21 01:22".into(), load: "0.10".into(), quick: false, figures }
    }

    #[test]
    fn a_budget_says_by_how_much_it_is_met_or_broken() {
        let figure = |value: f64| Figure::new("x", value, "ms");
        let said = |figure: Figure| verdict(&figure, figure.budget.unwrap());
        assert_eq!(said(figure(30.0).at_most(40.0)), "met, 25.0 % to spare");
        assert_eq!(said(figure(50.0).at_most(40.0)), "**broken** by 25.0 %");
        assert_eq!(said(figure(4.0).at_least(5.0)), "**broken** by 20.0 %");
        assert_eq!(said(figure(0.0).at_most(0.0)), "met");
        assert_eq!(said(figure(1.0).at_most(0.0)), "**broken**");
    }

    #[test]
    fn the_page_has_every_budget_and_every_figure() {
        let of_stream = results(vec![
            Figure::new("reactor / parse", 5.5, "×").at_least(5.0).note("median"),
            Figure::new("parse, at best", 123_456.0, "events/s"),
        ]);
        let page = page(&[(&BENCHES[0], of_stream)], "2 cores");
        assert!(page.contains("| reactor / parse | 5.50 × | ≥ 5 × | met, 10.0 % to spare |"), "{page}");
        assert!(page.contains("| reactor / parse | 5.50 × | median |"), "{page}");
        assert!(page.contains("| parse, at best | 123,456 events/s |  |"), "{page}");
        assert!(page.contains("2026-11-21 01:22 UTC; load average before it 0.10"), "{page}");
    }
}
