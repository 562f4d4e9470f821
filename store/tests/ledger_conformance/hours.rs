//! Rollups and pruning.

use std::collections::BTreeMap;

use canary_domain::{Backend, Histogram, Outcome, Reason, Test};
use canary_store::{Filter, Ledger, PathHour};
use chrono::TimeDelta;

use crate::fixtures::{CYCLE, edge, fired_by_hand, not_fired, test, with_outcome, write_passed};
use crate::home::Home;

/// Each row of the rollup as `path backend hour`, its counts, and its histogram.
async fn rollups(home: &Home) -> BTreeMap<String, ([i64; 7], Histogram)> {
    let hour = match home {
        Home::Postgres { .. } => "to_char(hour AT TIME ZONE 'UTC', 'DD HH24:MI')",
        Home::Sqlite { .. } => "substr(hour, 9, 2) || ' ' || substr(hour, 12, 5)",
    };
    let sql = format!(
        "SELECT path || ' ' || backend || ' ' || {hour} || '|' || passed || ' ' || late || ' ' || failed || ' ' || \
         inconclusive || ' ' || skipped || ' ' || missed || ' ' || pending || '|' || latencies FROM canary_hourly"
    );
    let rows = home.texts(&sql).await.into_iter().flatten();
    let read = |row: String| {
        let [key, counts, latencies] = row.split('|').collect::<Vec<_>>().try_into().unwrap();
        let counts: Vec<i64> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
        (key.to_owned(), (counts.try_into().unwrap(), serde_json::from_str(latencies).unwrap()))
    };
    rows.map(read).collect()
}

/// The same, from the rows themselves.
async fn counted(ledger: &dyn Ledger) -> BTreeMap<String, ([i64; 7], Histogram)> {
    let mut hours: BTreeMap<String, ([i64; 7], Histogram)> = BTreeMap::new();
    for row in ledger.results(&Filter::default(), None, 1_000).await.unwrap().rows {
        let Some(cycle) = row.facts.test.cycle else { continue };
        let begin = edge(cycle).format("%d %H:00");
        let (counts, latencies) =
            hours.entry(format!("{} {} {begin}", row.facts.test.path, row.facts.test.backend)).or_default();
        let place = match row.outcome {
            Outcome::Passed => 0,
            Outcome::Late => 1,
            Outcome::Failed => 2,
            Outcome::Inconclusive => 3,
            Outcome::Skipped => 4,
            Outcome::Missed => 5,
            Outcome::Pending => 6,
        };
        counts[place] += 1;
        if place < 2 {
            latencies.add(row.latency_ms.unwrap());
        }
    }
    hours
}

async fn write_two_hours(ledger: &dyn Ledger) {
    let outcomes = [Outcome::Passed, Outcome::Late, Outcome::Failed, Outcome::Inconclusive, Outcome::Pending];
    let mut rows: Vec<_> = (0..90)
        .map(|n| with_outcome(test("p", CYCLE + n), outcomes[usize::try_from(n % 5).unwrap()]))
        .collect();
    let other = Test { backend: Backend::Async, ..test("q", CYCLE) };
    rows.extend([with_outcome(other, Outcome::Passed), with_outcome(fired_by_hand("p"), Outcome::Passed)]);
    ledger.record(&rows).await.unwrap();
    let unfired =
        [not_fired(test("p", CYCLE + 90), Reason::Paused), not_fired(test("p", CYCLE + 91), Reason::Overrun)];
    ledger.write_unfired(&unfired).await.unwrap();
}

pub async fn rollups_equal_the_counts_of_their_rows(home: &Home) {
    let ledger = home.ledger();
    write_two_hours(&*ledger).await;
    assert_eq!(ledger.roll_up(edge(CYCLE)).await.unwrap(), 3);
    let rolled = rollups(home).await;
    assert_eq!(rolled, counted(&*ledger).await);
    assert_eq!(rolled.len(), 3);
    assert!(
        rolled.values().any(|(counts, _)| counts.iter().all(|count| *count > 0)),
        "every outcome was counted"
    );
}

pub async fn rolling_up_again_changes_nothing_and_a_new_verdict_changes_its_hour(home: &Home) {
    let ledger = home.ledger();
    write_two_hours(&*ledger).await;
    let claimed = test("p", CYCLE + 59);
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    let first = rollups(home).await;
    for _ in 0..2 {
        ledger.roll_up(edge(CYCLE)).await.unwrap();
    }
    assert_eq!(rollups(home).await, first);

    let pending = ledger.pending(edge(CYCLE + 60), 100).await.unwrap().pop().unwrap();
    assert_eq!(pending.test.cycle, claimed.cycle);
    ledger.record(&[with_outcome(pending.test, Outcome::Passed)]).await.unwrap();
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    let second = rollups(home).await;
    assert_ne!(second, first);
    assert_eq!(second, counted(&*ledger).await);
}

pub async fn missed_rows_count_in_the_hour_of_their_cycle(home: &Home) {
    let ledger = home.ledger();
    // Found a day later.
    let mut unfired = not_fired(test("p", CYCLE + 59), Reason::NoLeader);
    unfired.at += TimeDelta::days(1);
    ledger.write_unfired(&[unfired]).await.unwrap();
    assert_eq!(ledger.roll_up(edge(CYCLE) + TimeDelta::hours(23)).await.unwrap(), 1);
    assert_eq!(rollups(home).await, counted(&*ledger).await);
}

pub async fn an_hour_that_was_pruned_in_part_keeps_its_rollup(home: &Home) {
    let ledger = home.ledger();
    write_two_hours(&*ledger).await;
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    let whole = rollups(home).await;
    assert!(ledger.prune(edge(CYCLE + 30), 10).await.unwrap() > 0);
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    assert_eq!(rollups(home).await, whole);
}

pub async fn only_hours_judged_since_are_computed(home: &Home) {
    let ledger = home.ledger();
    write_passed(&*ledger, test("p", CYCLE)).await;
    let later = with_outcome(test("p", CYCLE + 60), Outcome::Passed);
    let judged_at = later.judged_at;
    ledger.record(&[later]).await.unwrap();
    assert_eq!(ledger.roll_up(judged_at).await.unwrap(), 1, "a row judged at that very moment counts");
    assert_eq!(ledger.roll_up(judged_at + TimeDelta::microseconds(1)).await.unwrap(), 0);
    assert_eq!(rollups(home).await.len(), 1);
}

pub async fn rollups_are_read_by_hour_and_path(home: &Home) {
    let ledger = home.ledger();
    assert_eq!(ledger.hours(edge(0), edge(2 * CYCLE)).await.unwrap(), []);
    write_two_hours(&*ledger).await;
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    let hours = ledger.hours(edge(CYCLE), edge(CYCLE + 61)).await.unwrap();
    let order: Vec<_> = hours.iter().map(|row| (row.hour, row.path.as_str())).collect();
    assert_eq!(order, [(edge(CYCLE), "p"), (edge(CYCLE), "q"), (edge(CYCLE + 60), "p")]);
    let read = |row: PathHour| {
        let counts =
            [row.passed, row.late, row.failed, row.inconclusive, row.skipped, row.missed, row.pending];
        (format!("{} {} {}", row.path, row.backend, row.hour.format("%d %H:00")), (counts, row.latencies))
    };
    assert_eq!(hours.into_iter().map(read).collect::<BTreeMap<_, _>>(), rollups(home).await);
    assert_eq!(
        ledger.hours(edge(CYCLE + 1), edge(CYCLE + 61)).await.unwrap().len(),
        1,
        "an hour that began before is not in"
    );
    assert_eq!(
        ledger.hours(edge(CYCLE), edge(CYCLE + 60)).await.unwrap().len(),
        2,
        "nor one that begins at the end"
    );
    assert_eq!(home.ledger_of("staging").hours(edge(0), edge(2 * CYCLE)).await.unwrap(), []);
}

pub async fn pruning_is_bounded_oldest_first_and_never_takes_a_pending_row(home: &Home) {
    let ledger = home.ledger();
    for n in 0..6 {
        write_passed(&*ledger, test("p", CYCLE + n)).await;
    }
    let open = test("q", CYCLE);
    ledger.claim(&open).await.unwrap();
    let before = edge(CYCLE + 5);
    assert_eq!(ledger.prune(before, 2).await.unwrap(), 2);
    assert_eq!(ledger.slot_spans(crate::fixtures::PERIOD_MS).await.unwrap()[0].first, CYCLE + 2);
    assert_eq!(ledger.prune(before, 100).await.unwrap(), 3, "the moment itself is not before it");
    assert_eq!(ledger.prune(before, 100).await.unwrap(), 0);
    assert_eq!(ledger.rows(&[open.test_id]).await.unwrap().len(), 1);
    assert_eq!(ledger.accounting().await.unwrap().residual, 0);
}

pub async fn pruning_leaves_spans_whole_behind_a_pending_row(home: &Home) {
    let ledger = home.ledger();
    for n in [0, 2, 3] {
        write_passed(&*ledger, test("p", CYCLE + n)).await;
    }
    write_passed(&*ledger, test("q", CYCLE + 2)).await;
    let open = test("p", CYCLE + 1);
    ledger.claim(&open).await.unwrap();
    ledger.claim(&Test { registered_at: edge(CYCLE), ..fired_by_hand("q") }).await.unwrap();
    assert_eq!(ledger.prune(edge(CYCLE + 9), 100).await.unwrap(), 2, "p's first and q's only one");
    assert_eq!(ledger.accounting().await.unwrap().residual, 0);
    ledger.record(&[with_outcome(open, Outcome::Passed)]).await.unwrap();
    assert_eq!(ledger.prune(edge(CYCLE + 9), 100).await.unwrap(), 3);
}

pub async fn old_rollups_are_pruned_in_bounds(home: &Home) {
    let ledger = home.ledger();
    for n in 0..4 {
        write_passed(&*ledger, test("p", CYCLE + 60 * n)).await;
    }
    ledger.roll_up(edge(CYCLE)).await.unwrap();
    let before = edge(CYCLE + 180);
    assert_eq!(ledger.prune_hourly(before, 2).await.unwrap(), 2);
    assert_eq!(ledger.prune_hourly(before, 2).await.unwrap(), 1);
    assert_eq!(home.ledger_of("staging").prune_hourly(edge(CYCLE + 999), 9).await.unwrap(), 0);
    assert_eq!(rollups(home).await.len(), 1);
}
