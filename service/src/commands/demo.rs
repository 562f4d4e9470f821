//! `canary demo`: sandbox and canary in one process, on embedded stores and a short cycle.

use std::collections::BTreeMap;
use std::future::pending;

use anyhow::{Context as _, Result};
use canary_domain::{Clock as _, Origin, Outcome};
use canary_judge::OutcomeNews;
use canary_sandbox::{Config, Sandbox};
use canary_store::{Filter, Ledger, ResultRow};
use comfy_table::Table;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::sandbox::read_faults;
use crate::cli::DemoArgs;
use crate::instance::Instance;
use crate::sample;
use crate::settings::Settings;
use crate::supervisor::Supervisor;

pub(super) async fn run(args: DemoArgs) -> Result<u8> {
    let sandbox = Sandbox::start(Config::default()).await?;
    if let Some(file) = &args.faults {
        sandbox.faults().set(read_faults(file)?);
    }
    let folder = tempfile::tempdir().context("a temporary folder can't be made")?;
    let cadence = sample::Cadence {
        listen: args.listen.to_string(),
        export: args.export,
        ..sample::Cadence::default()
    };
    let settings = Settings::load(&sample::write_files(&sandbox, folder.path(), &cadence)?)?;
    let mut supervisor = Supervisor::new();
    let Some(instance) = Instance::build(settings, &mut supervisor).await? else { return Ok(0) };
    let news = instance.outcomes.subscribe();
    let first = instance.base.settings.cadence.cycle_at(instance.base.clock.now()) + 1;
    instance.start(&mut supervisor)?;
    greet(&instance, &sandbox);
    let wanted = args.cycles.map(|cycles| Wanted {
        first,
        last: first + i64::from(cycles) - 1,
        rows: instance.base.settings.routes.len() * cycles as usize,
    });
    let rows = supervisor.run(watch(news, wanted, &*instance.ledger)).await?;
    sandbox.shutdown().await;
    Ok(match rows {
        Some(rows) => summary(&rows?),
        // Told to end: early, if it was to go through some cycles.
        None => u8::from(args.cycles.is_some()),
    })
}

fn greet(instance: &Instance, sandbox: &Sandbox) {
    println!(
        "sandbox: frames a and b at {} and {}",
        sandbox.frame("a").registry,
        sandbox.frame("b").registry
    );
    println!("faults:  POST {}/faults", sandbox.frame("a").control);
    if let Some(console) = instance.console {
        println!("page:    http://{console}/ui#/admin/canaries");
        println!(
            "console: http://{console}/status  http://{console}/metrics  http://{console}/api/openapi.json"
        );
    }
    println!(
        "{} paths every {:?}; Ctrl-C ends it\n",
        instance.base.settings.routes.len(),
        instance.base.settings.cadence.period()
    );
}

/// The cycles that a demo with an end is about.
struct Wanted {
    first: i64,
    last: i64,
    rows: usize,
}

/// Prints outcomes as they come, until all slots of the wanted cycles have one; then answers their rows.
async fn watch(
    mut news: broadcast::Receiver<OutcomeNews>,
    wanted: Option<Wanted>,
    ledger: &dyn Ledger,
) -> Result<Vec<ResultRow>> {
    loop {
        match news.recv().await {
            Ok(outcome) => println!("{}", line(&outcome)),
            // The rows are read from the ledger below, so nothing is missed by missing a line.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => pending().await,
        }
        let Some(wanted) = &wanted else { continue };
        let rows: Vec<ResultRow> = ledger
            .results(&Filter::default(), None, 10_000)
            .await?
            .rows
            .into_iter()
            .filter(|row| wanted.counts(row))
            .collect();
        if rows.len() >= wanted.rows {
            // A sweep tells of all its rows once they are written: the last lines are on their way.
            while let Ok(outcome) = news.try_recv() {
                println!("{}", line(&outcome));
            }
            return Ok(rows);
        }
    }
}

impl Wanted {
    fn counts(&self, row: &ResultRow) -> bool {
        let test = &row.facts.test;
        let within = test.cycle.is_some_and(|cycle| (self.first..=self.last).contains(&cycle));
        test.origin == Origin::Schedule && within && row.outcome != Outcome::Pending
    }
}

fn line(news: &OutcomeNews) -> String {
    let latency = news.latency_ms.map_or_else(|| "       –".into(), |ms| format!("{ms:>6.1} ms"));
    let mut line =
        format!("{}  {:<10} {:<12} {latency}", news.judged_at.format("%H:%M:%S"), news.path, news.outcome);
    if let Some(reason) = news.reason {
        line = format!("{line}  {reason}");
    }
    if !news.missing.is_empty() {
        line = format!("{line}  missing {}", news.missing.join(", "));
    }
    line
}

/// Prints the table; answers the exit code.
fn summary(rows: &[ResultRow]) -> u8 {
    let mut paths: BTreeMap<&str, Vec<&ResultRow>> = BTreeMap::new();
    for row in rows {
        paths.entry(&row.facts.test.path).or_default().push(row);
    }
    let mut table = Table::new();
    table.set_header(["path", "backend", "slots", "passed", "median ms", "slowest ms", "otherwise"]);
    for (path, rows) in &paths {
        let mut latencies: Vec<f64> = rows.iter().filter_map(|row| row.latency_ms).collect();
        latencies.sort_by(f64::total_cmp);
        let ms = |value: Option<&f64>| value.map_or_else(|| "–".into(), |ms| format!("{ms:.1}"));
        let passed = rows.iter().filter(|row| row.outcome == Outcome::Passed).count();
        table.add_row([
            (*path).to_owned(),
            rows[0].facts.test.backend.to_string(),
            rows.len().to_string(),
            passed.to_string(),
            ms(latencies.get(latencies.len() / 2)),
            ms(latencies.last()),
            otherwise(rows),
        ]);
    }
    println!("\n{table}");
    u8::from(rows.iter().any(|row| row.outcome != Outcome::Passed))
}

fn otherwise(rows: &[&ResultRow]) -> String {
    let mut words: Vec<String> = rows
        .iter()
        .filter(|row| row.outcome != Outcome::Passed)
        .map(|row| {
            let reason = row.reason.map(|reason| format!("/{reason}")).unwrap_or_default();
            format!("{}{reason} {}", row.outcome, row.missing.join(", ")).trim_end().to_owned()
        })
        .collect();
    words.sort();
    words.dedup();
    words.join("; ")
}
