//! `canary check`: everything the canary needs, tried once; a line each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use canary_domain::Clock as _;
use canary_export::{Dropped, Receiver};
use canary_runner::Agent;
use canary_store::BoardClock;
use tokio::time::timeout;

use crate::base::Base;
use crate::settings::{BoardSettings, ExportSettings, Settings};
use crate::stores;
use crate::supervisor::Supervisor;

/// How long the reactors may take to subscribe.
const SUBSCRIBED: Duration = Duration::from_secs(15);

/// Counts what failed.
#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn line<T>(&mut self, what: &str, result: Result<T, String>, good: impl FnOnce(T) -> String) {
        match result {
            Ok(value) => println!("ok      {what}: {}", good(value)),
            Err(error) => {
                self.failed += 1;
                println!("failed  {what}: {error}");
            }
        }
    }
}

pub(super) async fn run(settings: Settings) -> Result<u8> {
    let mut report = Report::default();
    println!("ok      configuration: {} paths, local frame {}", settings.routes.len(), settings.local.name);
    for warning in &settings.warnings {
        println!("warning {warning}");
    }
    stores(&settings, &mut report).await;
    if let Some(export) = &settings.export {
        receiver(export, &mut report).await;
    }
    aftermath(&settings, &mut report);
    let mut supervisor = Supervisor::new();
    let own = Settings { board: BoardSettings::Memory, ..settings };
    let Some(base) = Base::build(own, &supervisor.stop()).await? else { return Ok(1) };
    agents(&base, &mut report).await;
    let ready = base.start_validators(&mut supervisor)?;
    supervisor.run(subscriptions(ready, &base, &mut report)).await?;
    Ok(u8::from(report.failed > 0))
}

/// What receivers are told with can be read; nothing is sent.
fn aftermath(settings: &Settings, report: &mut Report) {
    for endpoint in settings.webhooks.iter().flat_map(|webhooks| &webhooks.endpoints) {
        report.line(&format!("webhook {}", endpoint.name), endpoint.check(), |()| {
            "address and key can be used; `canary webhooks` sends a message for a trial".to_owned()
        });
    }
    if let Some(search) = &settings.log_search {
        let auth = search.auth.as_ref().map_or(Ok(()), |auth| auth.read().map(drop));
        report.line("log search", search.url.read().and(auth), |()| {
            "address and header can be read".to_owned()
        });
    }
}

async fn stores(settings: &Settings, report: &mut Report) {
    let board = async {
        let board = stores::board(settings).map_err(|error| format!("{error:#}"))?;
        let clock = BoardClock::start(&*board).await.map_err(|error| error.to_string())?;
        Ok((board.describe(), clock.error_bound()))
    };
    report.line("board", board.await, |(name, error)| format!("{name}, its clock known within {error:?}"));
    let ledger = async {
        let ledger = stores::ledger(settings).map_err(|error| format!("{error:#}"))?;
        ledger
            .ping()
            .await
            .map_err(|error| format!("{error}; `canary migrate` brings the schema up to date"))?;
        Ok(ledger.describe())
    };
    report.line("ledger", ledger.await, |name| name);
}

/// Whether the receiver takes what is pushed, and whether it keeps it: one that doesn't says so nowhere else.
async fn receiver(export: &ExportSettings, report: &mut Report) {
    let reached = async {
        let receiver = Receiver::new(&export.remote_write).map_err(|error| error.to_string())?;
        receiver.reach().await.map_err(|error| error.to_string())?;
        Ok(receiver)
    };
    let reached: Result<Receiver, String> = reached.await;
    let dropped = match &reached {
        Ok(receiver) => receiver.dropped().await,
        Err(_) => Ok(Vec::new()),
    };
    report.line("receiver", reached, |receiver| format!("{} takes what is pushed", receiver.name()));
    match dropped {
        Ok(dropped) => dropped.iter().for_each(|dropped| println!("warning receiver: {}", silently(dropped))),
        Err(error) => println!("warning receiver: can't say whether it drops samples silently: {error}"),
    }
}

fn silently(dropped: &Dropped) -> String {
    let Dropped { reason, rows } = dropped;
    let remedy = match reason.as_str() {
        "small_timestamp" => "; they are older than its retention: give it -retentionPeriod=60d",
        _ => "",
    };
    format!("since it started it dropped {rows} samples silently ({reason}), whoever sent them{remedy}")
}

async fn agents(base: &Base, report: &mut Report) {
    let senders: BTreeMap<&str, &Arc<Agent>> =
        base.settings.routes.iter().map(|route| (route.from.name.as_str(), &route.from)).collect();
    for (name, agent) in senders {
        let balance = async {
            base.firer.agents().token(agent).await.map_err(|error| error.to_string())?;
            let route = base.settings.routes.iter().find(|route| route.from.name == name);
            let balance = match route {
                Some(route) => base.firer.prepare(route).await,
                None => None,
            };
            balance.ok_or_else(|| "signed in, but the balance can't be read".to_owned())
        };
        report.line(&format!("agent {name}"), balance.await, |balance| {
            format!("signed in, balance {balance} AVT")
        });
    }
}

async fn subscriptions(
    mut ready: tokio::sync::watch::Receiver<canary_validators::Readiness>,
    base: &Base,
    report: &mut Report,
) {
    let all = timeout(SUBSCRIBED, ready.wait_for(canary_validators::Readiness::ready)).await;
    let result = match all {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err("the reactors have ended".to_owned()),
        Err(_) => Err(format!(
            "not subscribed at {} within {SUBSCRIBED:?}; RUST_LOG=warn says why",
            base.settings.local.event_store_ws
        )),
    };
    report.line("event store", result, |()| "subscribed to all five event types".into());
}
