//! One run of a schedule, from its empty stores to what it left behind.

use std::time::Duration;

use canary_sandbox::Config;
use canary_store::{Filter, Ledger as _, PostgresLedger, ResultRow};

use super::fleet::Fleet;
use super::lanes::{Field, play};
use super::links::Links;
use super::observer::Observer;
use super::platform::among_strangers;
use super::settle::{answers, settle};
use super::{History, Schedule, Violation, check};
use crate::{Deployment, Plan, SteppingClock};

const BOARD_PASSWORD: &str = "hidden-board-word";
const LEDGER_PASSWORD: &str = "hidden-ledger-word";
const DEADLINE: Duration = Duration::from_secs(5);

/// What a run came to.
pub struct Ran {
    /// What was seen.
    pub history: History,
    /// What must not be.
    pub violations: Vec<Violation>,
}

/// Plays a schedule on processes and servers of its own.
///
/// # Panics
/// If something that isn't tested can't be had: a server, a port, a process.
pub async fn run(schedule: &Schedule) -> Ran {
    let plan = plan(schedule);
    let mut stage = Deployment::start(plan.clone()).await;
    let url = std::fs::read_to_string(stage.folder().join("postgres.url")).unwrap();
    // The cluster trusts everybody, so any password will do.
    let url = url.replace("postgres@", &format!("postgres:{LEDGER_PASSWORD}@"));
    stage.write("postgres.url", &url);
    let clock = SteppingClock::default();
    let (links, detours) = Links::lay(&mut stage, &clock, schedule.instances);
    stage.sandbox().faults().set(among_strangers(Vec::new()));
    let mut fleet = Fleet::start(detours).await;
    let observer = Observer::start(stage.sql().clone(), fleet.consoles());
    let struck = {
        let (sandbox, redis, postgres) = stage.parts();
        let field = Field { fleet: &mut fleet, links: &links, clock: &clock, sandbox, redis, postgres };
        play(schedule, field).await
    };
    let (settled, mut noticed) = settle(&stage, &fleet).await;
    let seen = observer.end();
    let mut told = answers(&fleet).await;
    let (logs, complaints) = fleet.end().await;
    told.extend(logs);
    noticed.extend(complaints);
    let history = History {
        struck,
        rows: stage.rows().await,
        ledger: ledger(&stage, &url).await,
        record: stage.sandbox().record(),
        snapshots: seen.snapshots,
        counted: seen.counted,
        uneven: seen.uneven,
        told,
        secrets: secrets(&stage),
        settled,
        deadline: DEADLINE,
        call_timeout: plan.call_timeout,
        blind_after: plan.blind_after,
        noticed,
    };
    let violations = check(&history);
    Ran { history, violations }
}

fn plan(schedule: &Schedule) -> Plan {
    let seconds = Duration::from_secs;
    let mut redis_arguments = ["--requirepass", BOARD_PASSWORD].map(String::from).to_vec();
    if schedule.redis_log {
        redis_arguments.extend(["--appendonly", "yes", "--appendfsync", "always"].map(String::from));
    }
    Plan {
        sandbox: Config { token_ttl: seconds(20), ..Config::default() },
        own_redis: true,
        own_postgres: true,
        redis_arguments,
        fire_every: seconds(4),
        spread: seconds(1),
        watch: seconds(60),
        call_timeout: seconds(3),
        blind_after: seconds(5),
        silence_after: seconds(3),
        deadlines: [DEADLINE; 3],
        log: "info,canary_runner=debug,canary_store=debug".into(),
        ..Plan::default()
    }
}

fn secrets(stage: &Deployment) -> Vec<String> {
    let agents = stage.sandbox().agents().iter().map(|agent| agent.client_secret.clone());
    let token = stage.sandbox().frame("a").event_store_token;
    // The last is how a JWT begins.
    agents.chain([token, BOARD_PASSWORD.into(), LEDGER_PASSWORD.into(), "eyJ".into()]).collect()
}

/// All rows, as the canary reads them.
async fn ledger(stage: &Deployment, url: &str) -> Vec<ResultRow> {
    let ledger = PostgresLedger::connect(&url.to_owned().into(), stage.name()).unwrap();
    let (mut rows, mut cursor) = (Vec::new(), None);
    loop {
        let page = ledger.results(&Filter::default(), cursor, 500).await.unwrap();
        rows.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            return rows;
        }
    }
}
