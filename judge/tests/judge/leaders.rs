//! Two judges at once: one leads, the other only believes it does.

use std::time::Duration;

use canary_domain::{Backend, Outcome, Reason, Role, Stage};
use canary_judge::SweepError;
use canary_store::{Holder, Leadership};
use tokio::time::Instant;

use crate::on_both_stores;
use crate::stand::{Stand, leading};

on_both_stores! {
    a_paused_judge_that_wakes_in_its_write_cannot_undo_what_its_successor_wrote
    a_judge_whose_lease_ran_out_while_it_read_writes_nothing
    what_two_judges_write_is_counted_once
}

async fn a_paused_judge_that_wakes_in_its_write_cannot_undo_what_its_successor_wrote(
    stand: Stand,
) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.clock.skip(40);
    stand.cover().await?;
    stand.spy.hold("record");
    let (older, old_lead) = (stand.watched_judge(10), leading(1));
    let paused = older.sweep(&old_lead);
    let meanwhile = async {
        stand.spy.arrived.notified().await;
        stand.see(&fired, Stage::TokensXfer, 35_000).await?;
        stand.judge().sweep(&leading(2)).await?;
        assert_eq!(stand.row(&fired).await?.outcome, Outcome::Late);
        stand.spy.release.notify_one();
        anyhow::Ok(())
    };
    let (slept, meanwhile) = tokio::join!(paused, meanwhile);
    meanwhile?;
    assert_eq!(slept?.changed, 0, "a timeout is what it meant to write");
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Late);

    stand.clock.skip(1);
    stand.see(&fired, Stage::FeeCollected, 36_000).await?;
    stand.judge().sweep(&leading(2)).await?;
    let row = stand.row(&fired).await?;
    assert!(row.facts.stamps.get(Stage::FeeCollected).is_some(), "the test is still open for the leader");
    Ok(())
}

async fn a_judge_whose_lease_ran_out_while_it_read_writes_nothing(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    stand.spy.hold("due");
    let judge = stand.watched_judge(10);
    let holder = Holder { node: "n1".into(), term: 1 };
    let lead = Leadership::new(Role::Judge, holder, Instant::now() + Duration::from_secs(1));
    let until_ended = async {
        stand.spy.arrived.notified().await;
        lead.ended().await;
        stand.spy.release.notify_one();
    };
    let (swept, ()) = tokio::join!(judge.sweep(&lead), until_ended);
    assert!(matches!(swept, Err(SweepError::NotLeading(_))), "{swept:?}");
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Pending);

    stand.sweep().await?;
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Passed, "it was still due");
    Ok(())
}

async fn what_two_judges_write_is_counted_once(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::CfRefunded, 80).await?;
    stand.clock.skip(40);
    stand.cover().await?;
    let (one, two) = (stand.judge(), stand.judge());
    let (first, second) = (leading(1), leading(2));
    let (one, two) = tokio::join!(one.sweep(&first), two.sweep(&second));
    assert_eq!(one?.changed + two?.changed, 1);
    assert_eq!(stand.row(&fired).await?.reason, Some(Reason::Timeout), "intra has no refund");
    assert_eq!(stand.metric("tests_total", "failed"), 1.0);
    Ok(())
}
