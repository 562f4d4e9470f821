//! `canary probe`: one test now, observed by this process alone, beside anything that runs (design §13).

use std::time::Duration;

use anyhow::{Context as _, Result};
use canary_domain::{
    Clock as _, Coverage, Facts, Origin, Outcome, Patience, SlotKey, Stage, Verdict, iso, judge,
};
use canary_runner::{Right, Route};
use canary_store::FactsRow;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::base::Base;
use crate::cli::ProbeArgs;
use crate::exit::{Usage, said};
use crate::settings::{BoardSettings, Settings};
use crate::stores;
use crate::supervisor::Supervisor;

/// The exit code when the canary couldn't know.
const INCONCLUSIVE: u8 = 2;
/// How long the reactors may take to subscribe.
const SUBSCRIBED: Duration = Duration::from_secs(15);
/// How often the board is asked for news: this delays what is printed, never what is measured.
const LOOK: Duration = Duration::from_millis(50);

pub(super) async fn run(settings: Settings, args: ProbeArgs) -> Result<u8> {
    let Some(route) = settings.routes.iter().find(|route| route.name == args.path).cloned() else {
        let known: Vec<&str> = settings.routes.iter().map(|route| route.name.as_str()).collect();
        return Err(Usage(format!("there is no path `{}`; there are {}", args.path, known.join(", "))).into());
    };
    let recorded = if args.record { Some(stores::ledger(&settings)?) } else { None };
    let verdict = async {
        let (facts, verdict) = probe(settings, &route, Printer { json: args.json }).await?;
        if let Some(ledger) = recorded {
            let judged_at = verdict.decided_as_of;
            let row = FactsRow { facts, verdict: Some(verdict.clone()), judged_at, judge_term: 0 };
            ledger.record(&[row]).await?;
        }
        anyhow::Ok(verdict)
    };
    Ok(match verdict.await.map(|verdict| verdict.outcome) {
        Ok(Outcome::Passed) => 0,
        Ok(Outcome::Late | Outcome::Failed) => 1,
        Ok(Outcome::Inconclusive | Outcome::Pending | Outcome::Skipped | Outcome::Missed) => INCONCLUSIVE,
        // Whatever kept the canary from knowing says nothing of the platform.
        Err(error) => {
            eprintln!("canary: {}", said(&error));
            INCONCLUSIVE
        }
    })
}

/// Fires one test and watches it to its verdict.
async fn probe(settings: Settings, route: &Route, printer: Printer) -> Result<(Facts, Verdict)> {
    let settings = Settings { board: BoardSettings::Memory, ..settings };
    let mut supervisor = Supervisor::new();
    let base = Base::build(settings, &supervisor.stop()).await?.context("interrupted")?;
    let mut ready = base.start_validators(&mut supervisor)?;
    let test = async {
        let ready = timeout(SUBSCRIBED, ready.wait_for(canary_validators::Readiness::ready)).await;
        ready.context("the reactors could not subscribe; `canary check` says more")??;
        let free = base.runner_settings(SlotKey::random());
        let test = free.free_test(route, Origin::Probe, base.clock.now());
        let facts = Facts::registered(test);
        if !base.board.register_free(&facts.test).await? {
            anyhow::bail!("the test could not be registered");
        }
        printer.say("registered", &facts.test.test_id.to_string());
        let right = Right::ordered();
        let (_, ended) = tokio::join!(base.firer.fire(&right, route, facts), observe(&base, &printer));
        ended
    };
    supervisor.run(test).await?.context("interrupted")?
}

/// Watches the one test on the board of this process until it can be judged.
async fn observe(base: &Base, printer: &Printer) -> Result<(Facts, Verdict)> {
    let patience = Patience { blind_after: base.settings.times.blind_after, look_again: LOOK };
    let mut seen: Vec<Stage> = Vec::new();
    let mut answered = false;
    loop {
        sleep(LOOK).await;
        let Some(facts) = base.board.open_tests().await?.pop() else { anyhow::bail!("the test is gone") };
        if let (false, Some(answer)) = (answered, &facts.answer) {
            answered = true;
            let said = answer.error.as_ref().map_or_else(String::new, |error| format!(": {}", error.detail));
            printer.say(&answer.status.to_string(), &format!("{}{said}", after(&facts, answer.at)));
        }
        for (stage, stamp) in facts.stamps.iter() {
            if !seen.contains(&stage) {
                seen.push(stage);
                printer.say(stage.as_str(), &format!("{} {}", after(&facts, stamp.counted()), stamp.via));
            }
        }
        let verdict = judge(&facts, &coverage(base).await?, &patience, base.clock.now()).verdict;
        if let Some(verdict) = verdict.filter(|_| answered || facts.withheld.is_some()) {
            printer.verdict(&facts, &verdict);
            return Ok((facts, verdict));
        }
    }
}

async fn coverage(base: &Base) -> Result<Coverage> {
    let mut coverage = Coverage::default();
    for state in base.board.reactors().await? {
        if let Some(covered) = state.covered {
            coverage.add(state.event_type, covered);
        }
    }
    Ok(coverage)
}

fn after(facts: &Facts, moment: canary_domain::Moment) -> String {
    facts.fired_at.map_or_else(String::new, |fired| {
        format!("+{} ms", (moment - fired).num_microseconds().unwrap_or(0) / 1_000)
    })
}

struct Printer {
    json: bool,
}

impl Printer {
    fn say(&self, what: &str, detail: &str) {
        if self.json {
            println!("{}", json!({ "what": what, "detail": detail }));
        } else {
            println!("{what:<18} {detail}");
        }
    }

    fn verdict(&self, facts: &Facts, verdict: &Verdict) {
        if self.json {
            let row = json!({
                "what": "verdict", "test_id": facts.test.test_id, "path": facts.test.path, "outcome": verdict.outcome,
                "failure_signal": verdict.reason, "missing_stages": verdict.missing, "total_latency_ms": verdict.latency_ms,
                "clock_error_ms": verdict.clock_error_ms, "decided_as_of": iso(verdict.decided_as_of),
            });
            println!("{row}");
            return;
        }
        let reason = verdict.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let missing = if verdict.missing.is_empty() {
            String::new()
        } else {
            format!(", missing {}", verdict.missing.join(", "))
        };
        let latency = verdict.latency_ms.map(|ms| format!(" in {ms:.1} ms")).unwrap_or_default();
        let error = verdict.clock_error_ms.map(|ms| format!(" ± {ms:.3} ms")).unwrap_or_default();
        println!("{:<18} {}{reason}{latency}{error}{missing}", "verdict", verdict.outcome);
    }
}
