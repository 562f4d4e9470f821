//! What is said of a run, and what is kept of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use chrono::TimeDelta;

use super::{Ran, Schedule, Uneven};
use crate::Row;

/// Counts that are no further apart are one span.
const NEXT: TimeDelta = TimeDelta::seconds(1);

/// A line on a run.
#[must_use]
pub fn headline(schedule: &Schedule, ran: &Ran) -> String {
    let Ran { history, violations } = ran;
    let mut outcomes = BTreeMap::<&str, usize>::new();
    for row in &history.rows {
        *outcomes.entry(&row.outcome).or_default() += 1;
    }
    let outcomes: Vec<String> = outcomes.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let repeated = history.record.calls.iter().filter(|call| call.repeated()).count();
    let verdict = if violations.is_empty() { "ok" } else { "VIOLATED" };
    format!(
        "seed {} {verdict}: {} faults, {} calls ({repeated} repeated), {} slots ({}), counted {} times, uneven {}",
        schedule.seed,
        history.struck.len(),
        history.record.calls.len(),
        history.rows.len(),
        outcomes.join(", "),
        history.counted,
        history.uneven.len(),
    )
}

/// The schedule, what really befell, and what must not be.
#[must_use]
pub fn told(schedule: &Schedule, ran: &Ran) -> String {
    let mut text = format!("{schedule}\n");
    for struck in &ran.history.struck {
        writeln!(text, "{} to {}  {}", struck.from, struck.until, struck.blow).unwrap();
    }
    for uneven in spans(&ran.history.uneven) {
        writeln!(text, "uneven {uneven}").unwrap();
    }
    for violation in &ran.violations {
        write!(text, "\n{violation}").unwrap();
    }
    text.push('\n');
    text
}

/// Moments of uneven counts that follow each other, joined.
fn spans(uneven: &[Uneven]) -> Vec<String> {
    let mut spans: Vec<(&Uneven, &Uneven)> = Vec::new();
    for count in uneven.iter().filter(|uneven| uneven.by == "SQL") {
        match spans.last_mut() {
            Some((_, last)) if count.at - last.at < NEXT && count.residual == last.residual => *last = count,
            Some(_) | None => spans.push((count, count)),
        }
    }
    spans.iter().map(|(from, to)| format!("{} to {}: {} slots", from.at, to.at, from.residual)).collect()
}

/// Writes all that is known of a run into a folder.
///
/// # Errors
/// If that can't be written.
pub fn keep(folder: &Path, schedule: &Schedule, ran: &Ran) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let Ran { history, .. } = ran;
    std::fs::write(folder.join("report.txt"), told(schedule, ran))?;
    let rows: Vec<String> =
        history.rows.iter().map(|row| format!("{}\n{row:#?}\n", Row::told(row))).collect();
    std::fs::write(folder.join("rows.txt"), rows.concat())?;
    let record = serde_json::to_string_pretty(&history.record)?;
    std::fs::write(folder.join("record.json"), record)?;
    for told in history.told.iter().filter(|told| told.by.ends_with(".log")) {
        std::fs::write(folder.join(&told.by), &told.text)?;
    }
    Ok(())
}
