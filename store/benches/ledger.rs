//! How many rows a second a ledger writes: a slot's claim at a time, as the runner does, and verdicts in the judge's pages,
//! on a real PostgreSQL and on a SQLite file.
//!
//! `cargo bench -p canary-store`. The design sets no budget; 30 paths a minute need half a row a second. The sum of
//! claims and verdicts says what is left beyond that.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Coverage, EventType, Facts, FireStatus, Interval, Moment, Origin, Patience, Stage,
    Stamp, Test, TestId, Via, judge,
};
use canary_figures::{Figure, quick};
use canary_store::{Claim, FactsRow, Ledger, PostgresLedger, SqliteLedger, wall};
use canary_test_servers::Postgres;
use chrono::TimeDelta;
use tokio::time::Instant;

const CANARY: &str = "bench";
/// As the judge writes them.
const PAGE: usize = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // As PostgreSQL comes; the tests' servers have less.
        let postgres = Postgres::start_with(&["shared_buffers=128MB"]).unwrap();
        let database = postgres.create_database().unwrap();
        measure("PostgreSQL", &PostgresLedger::connect(&database.as_str().into(), CANARY).unwrap()).await;
        let folder = tempfile::tempdir().unwrap();
        measure("SQLite", &SqliteLedger::open(&folder.path().join("canary.db"), CANARY).unwrap()).await;
    });
}

async fn measure(make: &str, ledger: &dyn Ledger) {
    ledger.migrate().await.unwrap();
    let count = if quick() { 4_000 } else { 20_000 };
    let start = wall() - TimeDelta::days(1);
    let facts: Vec<Facts> = (0..count).map(|number| facts(number, start)).collect();
    let claimed = count / 10;
    let started = Instant::now();
    for facts in &facts[..claimed] {
        assert_eq!(ledger.claim(&facts.test).await.unwrap(), Claim::Claimed);
    }
    rate(&format!("{make}: slots claimed, one after the other"), claimed, started);

    let verdicts: Vec<FactsRow> = facts.into_iter().map(decided).collect();
    let (pending, new) = verdicts.split_at(claimed);
    let started = Instant::now();
    write(ledger, new, new.len()).await;
    rate(&format!("{make}: verdicts of new rows"), new.len(), started);
    let started = Instant::now();
    write(ledger, pending, pending.len()).await;
    rate(&format!("{make}: verdicts of claimed rows"), pending.len(), started);
    let started = Instant::now();
    write(ledger, &verdicts, 0).await;
    rate(&format!("{make}: rows looked at again, nothing changed"), count, started);
}

async fn write(ledger: &dyn Ledger, rows: &[FactsRow], changed: usize) {
    let mut changes = 0;
    for page in rows.chunks(PAGE) {
        changes += ledger.record(page).await.unwrap().len();
    }
    assert_eq!(changes, changed);
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows is exact")]
fn rate(what: &str, rows: usize, started: Instant) {
    Figure::new(what, rows as f64 / started.elapsed().as_secs_f64(), "rows/s").print();
}

/// A transfer over frames that passed.
fn facts(number: usize, start: Moment) -> Facts {
    let cycle = i64::try_from(number).unwrap();
    let registered_at = start + TimeDelta::seconds(cycle);
    let mut facts = Facts::registered(Test {
        test_id: TestId::random(),
        canary: CANARY.into(),
        path: "a-async-b".into(),
        backend: Backend::Async,
        origin: Origin::Schedule,
        cycle: Some(cycle),
        period_ms: Some(1_000),
        term: 1,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:avt:canary:5f1b6c0e9d7a4c31:alpha".into(),
        receiver: "did:avt:canary:5f1b6c0e9d7a4c31:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at,
        deadline: Duration::from_secs(330),
        watch: Duration::from_secs(600),
    });
    let at = |ms| registered_at + TimeDelta::milliseconds(ms);
    facts.fired_at = Some(at(2));
    facts.answer = Some(Answer {
        at: at(9),
        status: FireStatus::Accepted,
        code: Some(202),
        transfer_id: Some(TestId::random().to_string()),
        error: None,
    });
    for stage in [Stage::TokensXfer, Stage::FeeCollected, Stage::CfInitiated, Stage::CfSettledRemote] {
        let stamp = Stamp {
            seen: at(12),
            via: Via::Live,
            occurred: at(11),
            frame: "a".into(),
            position: cycle,
            error_us: 120,
        };
        facts.stamps.add(stage, stamp);
    }
    facts
}

fn decided(facts: Facts) -> FactsRow {
    let now = facts.watched_until();
    let mut coverage = Coverage::default();
    for event_type in EventType::ALL {
        coverage.add(*event_type, Interval { from: facts.start(), until: now });
    }
    let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(5) };
    let verdict = judge(&facts, &coverage, &patience, now).verdict;
    FactsRow { verdict, facts, judged_at: now, judge_term: 1 }
}
