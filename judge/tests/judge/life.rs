//! Running a judge, and waiting on conditions; the chores of a leader, and its end.

use std::time::Duration;

use canary_domain::{Backend, Outcome, Role, Stage, Term};
use canary_judge::{Judge, SeatLost};
use canary_store::{Holder, Leadership};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::losses::run_until;
use crate::stand::{Fired, LONG, Make, Stand, leading};

/// Asks until it holds, at most half a minute.
pub async fn eventually(mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let wait = async {
        loop {
            if holds().await? {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), wait).await?
}

async fn a_minute_passes() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
}

/// Leads until long after every test, whatever the time.
pub fn leading_now(term: Term) -> Leadership {
    Leadership::new(Role::Judge, Holder { node: "n1".into(), term }, Instant::now() + 100 * LONG)
}

/// Runs a judge that leads while something else happens.
pub async fn run_for(judge: Judge, meanwhile: impl AsyncFnOnce()) -> anyhow::Result<()> {
    let (seat, follow) = watch::channel(Some(leading_now(1)));
    let stop = CancellationToken::new();
    let happens = async {
        meanwhile().await;
        stop.cancel();
    };
    let (ran, ()) = tokio::join!(judge.run(follow, stop.clone()), happens);
    drop(seat);
    Ok(ran?)
}

#[tokio::test]
async fn a_leader_rolls_up_accounts_and_counts_what_is_in_flight() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let passed = stand.fire(Backend::Intra).await?;
    stand.see(&passed, Stage::TokensXfer, 80).await?;
    stand.fire(Backend::Async).await?;
    stand.fire(Backend::Async).await?;
    let judge = stand.watched_judge(10);
    let mut calls = Vec::new();
    run_until(judge, async || {
        calls.extend(stand.spy.take_calls().into_iter().map(|(call, _)| call));
        let counted = (stand.metric("in_flight", "async"), stand.metric("in_flight", "intra")) == (2.0, 0.0);
        let told = stand.metric("last_pass_timestamp_seconds", "p-intra") > 0.0;
        Ok(calls.contains(&"accounting") && counted && told)
    })
    .await?;
    assert!(calls.contains(&"roll_up"));
    assert_eq!(stand.metric("in_flight", ""), 0.0, "whoever leads then counts");
    assert_eq!(stand.metric("accounting_residual", ""), 0.0);
    assert!(stand.metric("judge_last_sweep_timestamp_seconds", "") > 0.0);
    Ok(())
}

/// Counting all slots reads the whole history: once at the start, and then once an hour.
#[tokio::test]
async fn a_slot_that_gets_lost_shows_within_a_minute_without_counting_all() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    stand.fire(Backend::Intra).await?;
    let judge = stand.watched_judge(10);
    run_for(judge, async || {
        let mut calls = Vec::new();
        let mut called = async |call: &str| {
            calls.extend(stand.spy.take_calls().into_iter().map(|(call, _)| call));
            anyhow::Ok(calls.iter().filter(|made| **made == call).count())
        };
        eventually(async || Ok(called("accounting").await? == 1)).await.unwrap();
        stand.test(Backend::Intra);
        stand.fire(Backend::Intra).await.unwrap();
        a_minute_passes().await;
        eventually(async || Ok(stand.metric("accounting_residual", "p-intra") == 1.0)).await.unwrap();
        assert_eq!(called("accounting").await.unwrap(), 1);
        assert!(called("accounting_since").await.unwrap() >= 1);
    })
    .await
}

#[tokio::test]
async fn a_leader_prunes_what_is_beyond_the_retention_but_not_in_its_first_minute() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let old = stand.fire(Backend::Intra).await?;
    stand.see(&old, Stage::TokensXfer, 80).await?;
    stand.sweep().await?;
    stand.clock.skip(91 * 86_400);
    let young = stand.fire(Backend::Intra).await?;
    stand.see(&young, Stage::TokensXfer, 80).await?;
    let has_row = async |fired: &Fired| anyhow::Ok(!stand.ledger.rows(&[fired.id]).await?.is_empty());
    let judge = stand.watched_judge(10);
    run_for(judge, async || {
        let mut calls = Vec::new();
        let begun = async || {
            calls.extend(stand.spy.take_calls().into_iter().map(|(call, _)| call));
            Ok(calls.contains(&"accounting"))
        };
        eventually(begun).await.unwrap();
        assert!(!calls.contains(&"prune"));
        a_minute_passes().await;
        eventually(async || Ok(!has_row(&old).await?)).await.unwrap();
    })
    .await?;
    assert!(has_row(&young).await?);
    Ok(())
}

#[tokio::test]
async fn a_judge_that_does_not_lead_does_nothing_and_stops_when_told() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    let (seat, follow) = watch::channel(None);
    let stop = CancellationToken::new();
    let judge = stand.watched_judge(10);
    let (ran, ()) = tokio::join!(judge.run(follow, stop.clone()), async {
        tokio::task::yield_now().await;
        stop.cancel();
    });
    ran?;
    assert_eq!(stand.spy.take_calls(), []);
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Pending);
    drop(seat);
    Ok(())
}

#[tokio::test]
async fn a_seat_without_a_keeper_ends_the_judge_with_an_error() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let (seat, follow) = watch::channel(None);
    drop(seat);
    assert_eq!(stand.judge().run(follow, CancellationToken::new()).await, Err(SeatLost));
    Ok(())
}

/// The keeper of the lease takes a moment to empty the seat; a judge must not lead on a lease that has run out.
#[tokio::test]
async fn a_judge_waits_for_a_new_lease_when_the_one_in_its_seat_has_run_out() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    let dead = Leadership::new(Role::Judge, Holder { node: "n1".into(), term: 1 }, Instant::now());
    let (seat, follow) = watch::channel(Some(dead));
    let stop = CancellationToken::new();
    let judge = stand.watched_judge(10);
    let (ran, waited) = tokio::join!(judge.run(follow, stop.clone()), async {
        tokio::task::yield_now().await;
        assert_eq!(stand.spy.take_calls(), []);
        seat.send_replace(Some(leading(2)));
        let passed = eventually(async || Ok(stand.row(&fired).await?.outcome == Outcome::Passed)).await;
        stop.cancel();
        passed
    });
    ran?;
    waited
}
