//! `canary export`: pushes past results on order, and reads them back (docs/export.md). It works beside a running canary,
//! and without one.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_domain::iso;
use canary_export::{Backfill, BackfillReport, ReadBack, Receiver, Verification};
use canary_store::BoardClock;
use url::Url;

use crate::bar::Bar;
use crate::cli::ExportArgs;
use crate::exit::Usage;
use crate::settings::Settings;
use crate::stores;

pub(super) async fn run(settings: Settings, args: ExportArgs) -> Result<u8> {
    let receiver = receiver(&settings, args.to.as_deref())?;
    let back = if args.verify { Some(read_back(&receiver)?) } else { None };
    // Asked before anything is begun: later, a receiver that is away is waited for.
    receiver.reach().await?;
    let backfill = backfill(&settings, receiver).await?;
    let mut bar = Bar::new("pushed");
    let report = backfill.run(backfill.clock.now() - args.since, |progress| bar.show(&progress.into())).await;
    bar.end();
    let report = report?;
    tell(&report, backfill.receiver.name());
    let Some(back) = back else { return Ok(u8::from(report.set_aside > 0)) };
    let mut bar = Bar::new("read back");
    let verification = backfill.verify(&report, &back, |progress| bar.show(&progress.into())).await;
    bar.end();
    let verification = verification?;
    tell_verified(&verification);
    Ok(u8::from(report.set_aside > 0 || !verification.is_exact()))
}

/// Where to push: as ordered, else as set.
fn receiver(settings: &Settings, to: Option<&str>) -> Result<Receiver> {
    let url = match (to, &settings.export) {
        (Some(to), _) => {
            Url::parse(to).map_err(|error| Usage(format!("--to: this is no address: {error}")))?
        }
        (None, Some(export)) => export.remote_write.clone(),
        (None, None) => {
            let what = "the settings have no [export]: say where to push with --to URL";
            return Err(Usage(what.to_owned()).into());
        }
    };
    Receiver::new(&url).map_err(|error| Usage(error.to_string()).into())
}

fn read_back(receiver: &Receiver) -> Result<ReadBack> {
    ReadBack::beside(receiver).map_err(|error| Usage(format!("--verify: {error}")).into())
}

/// On an embedded board the running canary's is out of sight: this one is empty, and a row is closed once its watch is
/// over.
async fn backfill(settings: &Settings, receiver: Receiver) -> Result<Backfill> {
    let (board, ledger) = (stores::board(settings)?, stores::ledger(settings)?);
    ledger.ping().await.context("the ledger can't be read")?;
    let clock = BoardClock::start(&*board).await.context("the board does not say what time it is")?;
    Ok(Backfill { canary: settings.canary.clone(), ledger, board, clock: Arc::new(clock), receiver })
}

fn tell(report: &BackfillReport, to: &str) {
    let BackfillReport { since, rows, samples, set_aside, not_closed, .. } = report;
    println!("pushed    {rows} rows since {}, {samples} samples, to {to}", iso(*since));
    if *not_closed > 0 {
        println!("left out  {not_closed} rows whose watch is not over: the leader of the export pushes them");
    }
    if *set_aside > 0 {
        println!(
            "refused   {set_aside} samples that the receiver takes from nobody; the log above names them"
        );
    }
}

fn tell_verified(verification: &Verification) {
    let Verification { exact, missing, different, doubled, unknown, examples } = verification;
    if verification.is_exact() {
        println!("verified  all {exact} samples are there, exact");
        return;
    }
    println!(
        "differs   {exact} samples exact, {missing} missing, {different} different, {doubled} doubled, {unknown} unknown"
    );
    for example in examples {
        println!("          {example}");
    }
    if *missing > 0 {
        println!("`canary check` tells whether the receiver drops samples silently");
    }
    if *doubled > 0 {
        println!("VictoriaMetrics deduplicates with -dedup.minScrapeInterval=1ms");
    }
}
