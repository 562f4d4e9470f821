//! The command line (design §7).

use std::path::PathBuf;
use std::time::Duration;

use canary_domain::Moment;
use canary_telemetry::LogFormat;
use chrono::{DateTime, NaiveDate, NaiveTime};
use clap::{Args, Parser, Subcommand};

use crate::RETENTION;

/// Moves real tokens over the calls that users make, watches the events that result, and says which phase broke.
#[derive(Debug, Parser)]
#[command(name = "canary", version)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, env = "CANARY_CONFIG", default_value = "canary.toml")]
    pub config: PathBuf,
    /// How log lines look: human or json. What is logged is chosen by RUST_LOG.
    #[arg(long, global = true, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, like `info,canary_judge=debug`.
    #[arg(long, global = true, env = "RUST_LOG", hide = true)]
    pub log_filter: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run sandbox and canary in one process on embedded stores, with a short cycle.
    Demo(DemoArgs),
    /// Run the canary as configured, until SIGTERM.
    Run,
    /// Make one test now and show its stages as they are seen. Exits 0 passed, 1 failed or late, 2 inconclusive.
    Probe(ProbeArgs),
    /// Run the two-frame platform alone.
    Sandbox(SandboxArgs),
    /// Validate the configuration, sign in, read balances, subscribe and reach the stores; a line each.
    Check,
    /// Say how the running canary is. Exits 0 healthy, 1 degraded, 2 unreachable.
    Status,
    /// Bring the ledger's schema up to date.
    Migrate,
    /// Push past results to a time-series store, as often as you like: the samples are the same each time.
    Export(ExportArgs),
    /// Send every receiver of webhooks a message for a trial. Exits 0 if all took it.
    Webhooks(WebhooksArgs),
    /// Judge past rows again by the present rules, and tell what would change. Exits 1 if anything would.
    Rejudge(RejudgeArgs),
    /// Delete old rows before their retention is over; the hours' rollups stay.
    Prune(PruneArgs),
    /// List the failpoints of this build, a line each.
    #[cfg(feature = "failpoints")]
    #[command(hide = true)]
    Failpoints,
}

/// Of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// End after so many whole cycles, with a table of outcomes; exits 0 only if all passed.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub cycles: Option<u32>,
    /// Faults of the sandbox, a JSON file like what `POST /sandbox/faults` takes.
    #[arg(long)]
    pub faults: Option<PathBuf>,
    /// Where the console listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// Push closed results there, too: an address for Prometheus remote write.
    #[arg(long, value_name = "URL")]
    pub export: Option<String>,
}

/// Of `probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The path, by its name in the configuration.
    pub path: String,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Write a row into the ledger.
    #[arg(long)]
    pub record: bool,
}

/// Of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// How far back, like 30d or 12h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Duration,
    /// Where to, instead of what the settings say: an address for Prometheus remote write.
    // A text: clap would show what is wrong with an address whole, and it may hold a password.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
    /// Read everything back and compare it with the ledger; exits 0 only if it is exactly that.
    #[arg(long)]
    pub verify: bool,
}

/// Of `webhooks`.
#[derive(Debug, Args)]
pub struct WebhooksArgs {
    /// Only the receiver of this name.
    #[arg(long, value_name = "NAME")]
    pub endpoint: Option<String>,
}

/// Of `rejudge`.
#[derive(Debug, Args)]
pub struct RejudgeArgs {
    /// How far back, like 30d or 12h.
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Duration,
    /// Amend the rows, each in its next revision; without it nothing is written.
    #[arg(long)]
    pub write: bool,
}

/// Of `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Delete rows registered before this day or moment (UTC), like 2026-10-01 or 2026-10-01T12:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub before: Moment,
}

fn date(text: &str) -> Result<Moment, String> {
    let midnight = || text.parse().ok().map(|day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc());
    let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc()).or_else(midnight);
    moment.ok_or_else(|| "that is no date; write it like 2026-10-01 or 2026-10-01T12:00:00Z".to_owned())
}

fn since(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text)
        .map_err(|error| format!("that is no length of time ({error}); write it like 30d"))?;
    if time > RETENTION { Err("rows are kept for 90 days".to_owned()) } else { Ok(time) }
}

/// Of `sandbox`.
#[derive(Debug, Args)]
pub struct SandboxArgs {
    /// Ports of frame a and frame b; free ones if left out.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub ports: Option<Vec<u16>>,
    /// Faults to begin with, a JSON file like what `POST /sandbox/faults` takes.
    #[arg(long)]
    pub faults: Option<PathBuf>,
    /// Write a configuration for `canary run` against this sandbox, with its secrets, into this folder.
    #[arg(long)]
    pub write_config: Option<PathBuf>,
}
