//! `canary status`: how the running canary is, as its console says.

use std::time::Duration;

use anyhow::{Context as _, Result};
use canary_domain::{Origin, Outcome};
use canary_store::{Filter, Ledger, ResultRow};
use reqwest::Client;

use crate::settings::Settings;
use crate::stores;

const HEALTHY: u8 = 0;
const DEGRADED: u8 = 1;
const UNREACHABLE: u8 = 2;
/// Rows a path among which its last outcome is looked for: more than can be in flight.
const RECENT: i64 = 500;
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(settings: Settings) -> Result<u8> {
    let listen = settings.console.metrics_listen.unwrap_or(settings.console.listen);
    let client =
        Client::builder().timeout(PATIENCE).no_proxy().build().context("the HTTP client can't be set up")?;
    let answer = match client.get(format!("http://{listen}/readyz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            println!("unreachable: no console answers at {listen}: {}", error.without_url());
            return Ok(UNREACHABLE);
        }
    };
    let ready = answer.status().is_success();
    let said = answer.text().await.unwrap_or_default();
    println!("{} {}", if ready { "ready" } else { "not ready:" }, if ready { "" } else { said.trim() });
    let ledger = stores::ledger(&settings)?;
    let outcomes = match outcomes(&*ledger, &settings).await {
        Ok(good) => good,
        Err(error) => {
            println!("the ledger can't be read: {error:#}");
            false
        }
    };
    Ok(if ready && outcomes { HEALTHY } else { DEGRADED })
}

/// Prints the last outcome of each path; answers whether all is well.
async fn outcomes(ledger: &dyn Ledger, settings: &Settings) -> Result<bool> {
    let mut good = true;
    for route in &settings.routes {
        let filter = Filter { path: Some(route.name.clone()), ..Filter::default() };
        let rows = ledger.results(&filter, None, RECENT).await?.rows;
        let last = rows
            .iter()
            .find(|row| row.facts.test.origin == Origin::Schedule && row.outcome != Outcome::Pending);
        good &= last.is_some_and(|row| row.outcome == Outcome::Passed);
        println!("{:<20} {}", route.name, last.map_or_else(|| "no outcome yet".into(), describe));
    }
    let residual = ledger.accounting().await?.residual;
    println!("{:<20} {residual}", "accounting residual");
    Ok(good && residual == 0)
}

fn describe(row: &ResultRow) -> String {
    let reason = row.reason.map(|reason| format!("/{reason}")).unwrap_or_default();
    let latency = row.latency_ms.map(|ms| format!(" in {ms:.1} ms")).unwrap_or_default();
    let at = row.judged_at.map(|at| at.format(" at %H:%M:%S UTC").to_string()).unwrap_or_default();
    format!("{}{reason}{latency}{at}", row.outcome)
}
