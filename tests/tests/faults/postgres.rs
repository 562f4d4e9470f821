//! A ledger that is away delays rows and loses none (I6).

use canary_tests::{Plan, Row, run, until};

use crate::support::{Stand, assert_fired_once, assert_not_blamed, no_gaps, now, quick, residual};

#[test]
fn a_ledger_that_is_away_for_several_cycles_stops_no_firing_and_loses_no_row() {
    run(async {
        let mut stand = Stand::ready(Plan { own_postgres: true, ..quick() }).await;
        stand.stage.rows_when("rows", 20, |rows| rows.iter().any(|row| row.outcome == "passed")).await;
        stand.stage.postgres().stop().unwrap();
        let away = now(&stand.stage).await;
        let sandbox = stand.stage.sandbox();
        let fired = || sandbox.record().calls.iter().filter(|call| call.at > away).count();
        until("four cycles", 30, async || fired() >= 4 * 6).await;
        stand.stage.postgres().restart().unwrap();
        let back = now(&stand.stage).await;
        let record = stand.stage.sandbox().record();
        let keys: Vec<String> = record.calls.iter().filter_map(|call| call.idempotency_key.clone()).collect();
        let complete = |rows: &[Row]| {
            let passed = |key: &String| {
                rows.iter().any(|row| row.test_id.to_string() == *key && row.outcome == "passed")
            };
            keys.iter().all(passed)
        };
        // Before the watch is over: its end writes each row once more, and would hide one that was lost.
        stand.stage.rows_when("every call's row", 25, complete).await;
        let done = |rows: &[Row]| {
            rows.iter().filter(|row| row.registered_at > back && row.outcome == "passed").count() > 6
        };
        let rows = stand.stage.rows_when("it goes on", 20, done).await;
        assert_not_blamed(&rows);
        assert_fired_once(&stand.stage, &no_gaps(&stand.stage).await);
        until("an even account", 10, async || residual(&stand.canary).await == Some(0)).await;
    });
}
