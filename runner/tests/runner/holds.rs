//! What an operator said right before a slot is due counts for it, and a ledger that does not say holds nobody up.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Cadence, Clock as _, Hold, HoldKind, Outcome, Reason};
use canary_runner::Route;
use canary_store::ResultRow;
use chrono::TimeDelta;
use sqlx::{Connection as _, PgConnection};

use crate::bench::Bench;
use crate::platform::Reply;

const PERIOD: Duration = Duration::from_secs(4);

/// The path `p` is due at the edge of a cycle, `q` a second later.
fn two_paths(bench: &mut Bench) {
    let q = Route { name: "q".into(), ..Route::clone(bench.route()) };
    bench.settings.routes.push(Arc::new(q));
    bench.settings.cadence = Cadence::new(PERIOD, Duration::from_secs(2)).unwrap();
}

fn pause(bench: &Bench, path: &str) -> Hold {
    Hold { kind: HoldKind::Pause, path: Some(path.into()), from: bench.clock.now(), until: None }
}

fn slot<'a>(rows: &'a [ResultRow], path: &str, cycle: i64) -> Option<&'a ResultRow> {
    rows.iter().find(|row| row.facts.test.path == path && row.facts.test.cycle == Some(cycle))
}

/// The cycle of the first slot of `p` that was claimed.
fn first(rows: &[ResultRow]) -> Option<i64> {
    let claimed = rows.iter().find(|row| row.facts.test.path == "p" && row.outcome == Outcome::Pending);
    claimed.and_then(|row| row.facts.test.cycle)
}

/// Waits until no slot of this cycle can start any more: the first that is fired is in time.
async fn until_a_cycle_is_over(bench: &Bench) {
    let cadence = bench.settings.cadence;
    let now = cadence.cycle_at(bench.clock.now());
    while bench.clock.now() < cadence.over(now) && cadence.cycle_at(bench.clock.now()) == now {
        tokio::task::yield_now().await;
    }
}

fn skipped(row: &ResultRow) -> bool {
    (row.outcome, row.reason) == (Outcome::Skipped, Some(Reason::Paused))
}

#[tokio::test]
async fn a_pause_between_the_cycles_edge_and_a_slots_due_moment_skips_the_slot() {
    let mut bench = Bench::on_servers().await;
    two_paths(&mut bench);
    until_a_cycle_is_over(&bench).await;
    let lead = bench.lead().await;
    let operator = async {
        let rows = bench.rows_when(|rows| first(rows).is_some()).await;
        let cycle = first(&rows).unwrap();
        let hold = pause(&bench, "q");
        assert!(bench.ledger.place_hold(&hold, "tester", "now").await.unwrap());
        let due = bench.settings.cadence.due(cycle, 1, 2);
        assert!(bench.clock.now() < due, "the machine is too slow for this test");
        let rows = bench.rows_when(|rows| slot(rows, "q", cycle).is_some()).await;
        assert!(skipped(slot(&rows, "q", cycle).unwrap()), "{rows:?}");
        // Resumed, its very next slot is fired.
        assert_eq!(bench.ledger.lift_pause("q", bench.clock.now()).await.unwrap(), 1);
        let rows = bench.rows_when(|rows| slot(rows, "q", cycle + 1).is_some()).await;
        assert_eq!(slot(&rows, "q", cycle + 1).unwrap().outcome, Outcome::Pending);
    };
    tokio::select! {
        () = operator => {}
        () = bench.run_forever(&lead) => panic!("the runner ended"),
    }
}

#[tokio::test]
async fn while_the_ledger_hangs_over_the_holds_slots_are_in_time_and_the_last_known_in_force() {
    let (mut bench, url) = Bench::on_servers_at().await;
    two_paths(&mut bench);
    bench.ledger.place_hold(&pause(&bench, "q"), "tester", "before").await.unwrap();
    let lead = bench.lead().await;
    let mut other = PgConnection::connect(&url).await.unwrap();
    let hanging = async {
        let rows = bench.rows_when(|rows| rows.iter().any(skipped)).await;
        let last = rows.iter().find(|row| skipped(row)).and_then(|row| row.facts.test.cycle).unwrap();
        let lock = "BEGIN; LOCK TABLE canary_holds IN ACCESS EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
        for cycle in [last + 1, last + 2] {
            let rows = bench.rows_when(|rows| slot(rows, "q", cycle).is_some()).await;
            assert!(skipped(slot(&rows, "q", cycle).unwrap()), "{rows:?}");
            let fired =
                |facts: &&canary_domain::Facts| facts.test.cycle == Some(cycle) && facts.fired_at.is_some();
            let all = bench.facts_when(|all| all.iter().any(|facts| fired(&facts))).await;
            let late = all.iter().find(fired).unwrap().fired_at.unwrap() - bench.settings.cadence.edge(cycle);
            assert!(late < TimeDelta::from_std(PERIOD / 4).unwrap(), "it was {late} late");
        }
    };
    tokio::select! {
        () = hanging => {}
        () = bench.run_forever(&lead) => panic!("the runner ended"),
    }
}

#[tokio::test]
async fn a_slot_that_starts_late_is_skipped_by_a_pause_that_came_meanwhile() {
    let mut bench = Bench::new().await;
    bench.settings.cadence = Cadence::new(Duration::from_secs(6), Duration::ZERO).unwrap();
    // The platform asks to be left alone into the next slot, but not beyond its half, even if the first call leaves as late
    // as a slot waits for the ledger.
    bench.platform.transfers([Reply::RetryAfter(7)]);
    until_a_cycle_is_over(&bench).await;
    let lead = bench.lead().await;
    let operator = async {
        let rows = bench.rows_when(|rows| first(rows).is_some()).await;
        let next = first(&rows).unwrap() + 1;
        let due = bench.settings.cadence.due(next, 0, 1);
        while bench.clock.now() <= due {
            tokio::task::yield_now().await;
        }
        bench.ledger.place_hold(&pause(&bench, "p"), "tester", "now").await.unwrap();
        let rows = bench.rows_when(|rows| slot(rows, "p", next).is_some()).await;
        assert!(skipped(slot(&rows, "p", next).unwrap()), "{rows:?}");
        assert_eq!(bench.platform.calls().len(), 1);
    };
    tokio::select! {
        () = operator => {}
        () = bench.run_forever(&lead) => panic!("the runner ended"),
    }
}
