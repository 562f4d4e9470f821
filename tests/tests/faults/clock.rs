//! A step of the board's clock, which is everybody's, is nobody's fault (I5).

use std::net::{Ipv4Addr, SocketAddr};

use canary_tests::{Deployment, Plan, Row, SteppingClock, run, until};

use crate::support::{
    assert_moved_once, assert_not_blamed, assert_one_row_a_slot, no_gaps, now, quick_on, residual, seconds,
};

#[test]
fn a_step_of_the_boards_clock_either_way_fails_nothing_and_fires_nothing_twice() {
    run(async {
        tokio::join!(stepped_by(15), stepped_by(-15));
    });
}

async fn stepped_by(by: i64) {
    let mut stage = Deployment::start(Plan { own_redis: true, ..quick_on(&["a-intra", "a-async-b"]) }).await;
    let clock = SteppingClock::default();
    let upstream = SocketAddr::from((Ipv4Addr::LOCALHOST, stage.redis().port()));
    let network = clock.proxy(upstream);
    stage.write("redis.url", &format!("redis://127.0.0.1:{}", network.port()));
    let canary = stage.launch_ready().await;
    stage.rows_when("rows", 20, |rows| rows.iter().filter(|row| row.outcome == "passed").count() > 3).await;
    clock.set(by);
    until("the step is noticed", 30, async || canary.log().contains("the board's clock has stepped")).await;
    let since = now(&stage).await;
    // Rows bear the stepped clock. What it went back over was fired before and is not fired again.
    let on = since + seconds(by.max(0)) + seconds(1);
    let resumed = |rows: &[Row]| {
        rows.iter().filter(|row| row.registered_at > on && row.outcome == "passed").count() > 3
    };
    stage.rows_when("it fires on the new clock", 50, resumed).await;
    let rows = stage.rows().await;
    let rows =
        stage.rows_when("no pending row", 40, |now| now.iter().take(rows.len()).all(Row::judged)).await;
    assert_not_blamed(&rows);
    assert_one_row_a_slot(&no_gaps(&stage).await);
    assert_moved_once(&stage.sandbox().record());
    assert_eq!(residual(&canary).await, Some(0));
}
