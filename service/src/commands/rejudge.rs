//! `canary rejudge`: past rows judged again by the present rules. It tells what would change; with `--write` it amends,
//! beside a running canary or without one.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_domain::{Clock as _, Moment, iso};
use canary_judge::{Rejudge, RejudgeReport};
use canary_store::{AuditEntry, BoardClock, Ledger};
use comfy_table::Table;

use super::COMMAND_LINE;
use crate::bar::{Bar, Step};
use crate::cli::RejudgeArgs;
use crate::settings::Settings;
use crate::stores;

/// On an embedded board the running canary's is out of sight: this one is empty, and a row is left alone until its watch is
/// over.
pub(super) async fn run(settings: Settings, args: RejudgeArgs) -> Result<u8> {
    let (board, ledger) = (stores::board(&settings)?, stores::ledger(&settings)?);
    ledger.ping().await.context("the ledger can't be read")?;
    let clock = BoardClock::start(&*board).await.context("the board does not say what time it is")?;
    let now = clock.now();
    let rejudge = Rejudge {
        ledger: Arc::clone(&ledger),
        board,
        clock: Arc::new(clock),
        blind_after: settings.times.blind_after,
    };
    let mut bar = Bar::new("judged");
    let report = rejudge
        .run(now - args.since, args.write, |progress| {
            bar.show(&Step { share: progress.share, done: format!("{} rows", progress.rows), waiting: None });
        })
        .await;
    bar.end();
    let report = report?;
    tell(&report, args.write);
    if report.amended > 0 {
        note(&*ledger, &report, now).await?;
    }
    Ok(u8::from(!args.write && !report.shifts.is_empty()))
}

fn tell(report: &RejudgeReport, write: bool) {
    let RejudgeReport { since, rows, left, shifts, amended } = report;
    println!("judged    {rows} rows since {}", iso(*since));
    if *left > 0 {
        println!("left out  {left} rows that are pending or still watched: they are the judge's");
    }
    if shifts.is_empty() {
        println!("the same  every row has the verdict that it would get today");
        return;
    }
    let mut table = Table::new();
    table.set_header(["rows", "say", "would say", "the newest", "path"]);
    for ((was, is), shift) in shifts {
        table.add_row([&shift.rows.to_string(), was, is, &shift.newest.to_string(), &shift.path]);
    }
    println!("\n{table}\n");
    if write {
        println!("amended   {amended} rows, each in its next revision");
        println!("          their samples stay where they were exported: docs/export.md says what to do");
    } else {
        println!("nothing was written: --write amends these rows");
    }
}

async fn note(ledger: &dyn Ledger, report: &RejudgeReport, at: Moment) -> Result<()> {
    let detail = format!("{} rows since {}", report.amended, iso(report.since));
    let entry = AuditEntry {
        at,
        actor: COMMAND_LINE.to_owned(),
        role: "operator".to_owned(),
        action: "rejudge".to_owned(),
        path: None,
        detail: Some(detail),
        remote: None,
    };
    ledger.audit(&entry).await.context("the rows are amended; the audit trail was not written")
}
