//! How true a latency is (design §12): what the canary writes down, against the moments at which the sandbox itself had the
//! call and the event, while 100,000 users' events a second pass the same socket. Once with a sweep every second and once
//! every 30 s: the observer is never in it (I4).
//!
//! `cargo bench -p canary-tests --bench latency`. The canary is the real binary on Redis and PostgreSQL; the sandbox makes,
//! sends and counts the traffic in this process, on the same machine.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::collections::BTreeMap;
use std::time::Duration;

use canary_figures::{Figure, number, percentile, quick};
use canary_sandbox::{EventType, FaultSet, Record, What};
use canary_tests::{Deployment, Instance, Plan, Route, Row, run, until};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

const PER_SECOND: u64 = 100_000;
/// Fifteen a second, in cycles of two.
const PATHS: usize = 30;
const FIRE_EVERY: Duration = Duration::from_secs(2);
const BUDGET_MS: f64 = 2.0;

fn main() {
    run(async {
        for seconds in [1, 30] {
            measure(seconds).await;
        }
    });
}

async fn measure(sweep_seconds: u64) {
    let stage = Deployment::start(plan(sweep_seconds)).await;
    let canary = stage.launch_ready().await;
    canary.takes_the_lead().await;
    let types = vec![EventType::TokensTransferred];
    let firehose = What::Firehose { per_second: PER_SECOND, event_types: types, bytes: 650 };
    stage.sandbox().faults().set(FaultSet::of([firehose.into()]));
    // Past the first second, in which everything is new.
    until("traffic", 30, async || stage.sandbox().record().firehose_events > 2 * PER_SECOND).await;
    let (from, started, before) = (fired(&stage).await, Instant::now(), passed_by(&canary).await);
    let wanted = if quick() { 150 } else { 600 };
    until("enough tests", 120, async || fired(&stage).await >= from + wanted).await;
    let rate = (passed_by(&canary).await - before) / started.elapsed().as_secs_f64();
    let last = fired(&stage).await;
    let judged = |rows: &[Row]| rows.iter().take(last).all(Row::judged);
    let rows = stage.rows_when("a verdict on all", 90, judged).await;
    stage.sandbox().faults().clear();
    report(sweep_seconds, &rows[from..last], &stage.sandbox().record(), rate);
}

/// A sweep of 30 s still judges before anything is over.
fn plan(sweep_seconds: u64) -> Plan {
    let named = |number: usize| Route { name: format!("a-{number}").leak(), ..Route::MATRIX[0] };
    Plan {
        fire_every: FIRE_EVERY,
        spread: FIRE_EVERY / 2,
        sweep_every: Duration::from_secs(sweep_seconds),
        watch: Duration::from_secs(180),
        deadlines: [Duration::from_secs(90); 3],
        routes: (0..PATHS).map(named).collect(),
        log: "warn".into(),
        ..Plan::default()
    }
}

async fn fired(stage: &Deployment) -> usize {
    let sql = "SELECT count(*) FROM canary_test_results";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(stage.sql()).await.unwrap();
    usize::try_from(count).unwrap()
}

/// Events that the canary has read.
async fn passed_by(canary: &Instance) -> f64 {
    let metrics = canary.metrics().await;
    metrics.sum("canary_reactor_events_total", &[("event", "TokensTransferred")]).unwrap()
}

fn report(sweep_seconds: u64, rows: &[Row], record: &Record, rate: f64) {
    let truth = truth(record);
    let observed: Vec<&Row> =
        rows.iter().filter(|row| row.latency_basis.as_deref() == Some("observed")).collect();
    let error = |row: &&Row| {
        let (called, entered) = truth[&row.test_id.to_string()];
        (row.total_latency_ms.unwrap() - ms(entered - called)).abs()
    };
    let seeing = |row: &&Row| {
        let (_, entered) = truth[&row.test_id.to_string()];
        ms(row.tokens_xfer_seen_at.unwrap() - entered)
    };
    let errors: Vec<f64> = observed.iter().map(error).collect();
    let seeing: Vec<f64> = observed.iter().map(seeing).collect();
    println!("sweep every {sweep_seconds} s: {} tests, {} observed live", rows.len(), observed.len());
    assert!(observed.len() * 10 >= rows.len() * 9, "most events are seen when they come");
    let name = |what: &str| format!("sweep every {sweep_seconds} s: {what}");
    let figure = Figure::new(name("error of a latency, p99"), percentile(&errors, 99.0), "ms");
    figure
        .at_most(BUDGET_MS)
        .note(format!("p50 {} ms, {} tests", number(percentile(&errors, 50.0)), errors.len()))
        .print();
    Figure::new(name("from the sandbox's log to the moment of seeing, p99"), percentile(&seeing, 99.0), "ms")
        .note(format!("p50 {} ms", number(percentile(&seeing, 50.0))))
        .print();
    Figure::new(name("users' events that the reactor read meanwhile"), rate, "events/s").print();
}

/// Of each test: when the sandbox had its call, and when its log had the event.
fn truth(record: &Record) -> BTreeMap<String, (DateTime<Utc>, DateTime<Utc>)> {
    assert_eq!(record.forgotten, 0, "the record is whole");
    let transferred =
        |event: &&canary_sandbox::EmittedEvent| event.event_type == EventType::TokensTransferred;
    let entered: BTreeMap<&str, DateTime<Utc>> = record
        .events
        .iter()
        .filter(transferred)
        .map(|event| (event.data.transfer_id.as_str(), event.at))
        .collect();
    let moments = |call: &canary_sandbox::TransferCall| {
        let entered = entered.get(call.transfer_id.as_deref()?)?;
        Some((call.idempotency_key.clone()?, (call.at, *entered)))
    };
    record.calls.iter().filter_map(moments).collect()
}

fn ms(span: chrono::TimeDelta) -> f64 {
    span.as_seconds_f64() * 1_000.0
}
