//! `canary prune`: deletes rows before their retention is over, in bounded batches, beside a running canary or without
//! one. It may be stopped and given again at any time.

use anyhow::{Context as _, Result};
use canary_domain::{Clock, Moment, TestId, iso};
use canary_store::{AuditEntry, BoardClock, Ledger};
use chrono::TimeDelta;
use uuid::Uuid;

use super::COMMAND_LINE;
use crate::bar::{Bar, Step};
use crate::cli::PruneArgs;
use crate::exit::Usage;
use crate::settings::Settings;
use crate::stores;

/// Rows deleted in one step, as the judge does.
const BATCH: i64 = 5_000;
/// What is rolled up before rows go, as a new leader does: all that the judge may not have come to yet.
const ROLLED_UP: TimeDelta = TimeDelta::days(1);

pub(super) async fn run(settings: Settings, args: PruneArgs) -> Result<u8> {
    let (board, ledger) = (stores::board(&settings)?, stores::ledger(&settings)?);
    ledger.ping().await.context("the ledger can't be read")?;
    let clock = BoardClock::start(&*board).await.context("the board does not say what time it is")?;
    let now = clock.now();
    let watch = settings.times.watch;
    if args.before > now - watch {
        let watch = humantime::format_duration(watch);
        let what = format!(
            "--before {}: what is younger than the watch ({watch}) may still change, and is not deleted",
            iso(args.before)
        );
        return Err(Usage(what).into());
    }
    ledger
        .roll_up(now - ROLLED_UP)
        .await
        .context("the hours could not be rolled up, so nothing was deleted")?;
    let rows = delete(&*ledger, args.before).await?;
    println!("deleted   {rows} rows registered before {}; their hours' rollups stay", iso(args.before));
    if let Some(oldest) = oldest(&*ledger, args.before).await? {
        println!(
            "kept      rows from {} on: a pending one stays, with what follows it on its path",
            iso(oldest)
        );
    }
    if rows > 0 {
        note(&*ledger, args.before, rows, now).await?;
    }
    Ok(0)
}

async fn delete(ledger: &dyn Ledger, before: Moment) -> Result<u64> {
    let Some(first) = oldest(ledger, before).await? else { return Ok(0) };
    let (mut bar, mut rows) = (Bar::new("deleted"), 0);
    loop {
        let deleted = ledger.prune(before, BATCH).await.context("rows could not be deleted")?;
        rows += deleted;
        let reached = oldest(ledger, before).await?;
        let share = reached.map_or(1.0, |reached| share(first, reached, before));
        bar.show(&Step { share, done: format!("{rows} rows"), waiting: None });
        if deleted == 0 || reached.is_none() {
            break;
        }
    }
    bar.end();
    Ok(rows)
}

/// The registration of the oldest row, if that is before this moment.
async fn oldest(ledger: &dyn Ledger, before: Moment) -> Result<Option<Moment>> {
    let first = (Moment::UNIX_EPOCH, TestId::from(Uuid::nil()));
    let rows = ledger.briefs(first, None, 1).await.context("the oldest row can't be read")?;
    Ok(rows.first().map(|row| row.registered_at).filter(|at| *at < before))
}

#[expect(clippy::cast_precision_loss, reason = "a share of a progress bar")]
fn share(first: Moment, reached: Moment, before: Moment) -> f64 {
    let ms = |moment: Moment| (moment - first).num_milliseconds() as f64;
    ms(reached) / ms(before).max(1.0)
}

async fn note(ledger: &dyn Ledger, before: Moment, rows: u64, at: Moment) -> Result<()> {
    let entry = AuditEntry {
        at,
        actor: COMMAND_LINE.to_owned(),
        role: "operator".to_owned(),
        action: "prune".to_owned(),
        path: None,
        detail: Some(format!("{rows} rows before {}", iso(before))),
        remote: None,
    };
    ledger.audit(&entry).await.context("the rows are deleted; the audit trail was not written")
}
