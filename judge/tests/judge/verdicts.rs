//! What rows come to: the judge carries the rules of design §3 to the ledger.

use canary_domain::{Backend, LatencyBasis, Outcome, Reason, Stage};

use crate::on_both_stores;
use crate::stand::{Make, Stand, leading};

on_both_stores! {
    a_test_that_is_done_passes_with_the_latency_of_its_stamps_whenever_the_sweep_comes
    what_is_seen_while_a_sweep_reads_is_judged_no_earlier_than_it_was_seen
    silence_is_a_timeout_once_the_observers_have_looked
    silence_under_missing_coverage_is_the_observers_own_and_amended_when_coverage_comes
    a_refund_is_decided_at_once
    a_late_settlement_amends_the_timeout
    a_late_informational_stage_raises_the_revision_and_nothing_else
    facts_of_a_pending_test_reach_its_row
    a_test_is_closed_when_its_watch_is_over
    coverage_that_was_proved_once_is_not_forgotten
}

async fn a_test_that_is_done_passes_with_the_latency_of_its_stamps_whenever_the_sweep_comes(
    stand: Stand,
) -> anyhow::Result<()> {
    let mut news = stand.news();
    let soon = stand.fire(Backend::Async).await?;
    stand.see(&soon, Stage::CfInitiated, 30).await?;
    stand.see(&soon, Stage::CfSettledRemote, 1_250).await?;
    stand.see(&soon, Stage::CfSettledLocal, 1_400).await?;
    assert_eq!(stand.sweep().await?.changed, 1);

    let late = stand.fire(Backend::Async).await?;
    stand.see(&late, Stage::CfSettledLocal, 1_400).await?;
    stand.see(&late, Stage::CfSettledRemote, 1_250).await?;
    stand.see(&late, Stage::CfInitiated, 30).await?;
    stand.clock.skip(500);
    stand.sweep().await?;

    for fired in [soon, late] {
        let row = stand.row(&fired).await?;
        assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Passed, None, 1));
        assert_eq!(row.latency_ms, Some(1_250.0));
        assert_eq!(row.latency_basis, Some(LatencyBasis::Observed));
        assert_eq!(row.completed_at, Some(fired.after(1_250)));
        assert_eq!(row.decided_as_of, Some(fired.after(1_250)));
        let told = news.try_recv()?;
        assert_eq!((told.test_id, told.outcome, told.latency_ms), (fired.id, Outcome::Passed, Some(1_250.0)));
    }
    assert_eq!(stand.metric("tests_total", "passed"), 2.0);
    assert_eq!(stand.metric("latency_seconds", "p-async"), 2.0);
    assert_eq!(stand.metric("stage_latency_seconds", "async"), 6.0);
    assert_eq!(stand.metric("verdict_delay_seconds", ""), 2.0);
    let passed_at = stand.metric("last_pass_timestamp_seconds", "p-async");
    assert!((passed_at - late.after(1_250).timestamp_micros() as f64 / 1e6).abs() < 1e-3);
    Ok(())
}

async fn what_is_seen_while_a_sweep_reads_is_judged_no_earlier_than_it_was_seen(
    stand: Stand,
) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.spy.hold("due");
    let meanwhile = async {
        stand.spy.arrived.notified().await;
        stand.clock.skip(2);
        stand.see(&fired, Stage::TokensXfer, 1_500).await?;
        stand.spy.release.notify_one();
        anyhow::Ok(())
    };
    let (judge, lead) = (stand.watched_judge(10), leading(1));
    let (swept, seen) = tokio::join!(judge.sweep(&lead), meanwhile);
    seen?;
    assert_eq!(swept?.changed, 1);
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.completed_at), (Outcome::Passed, Some(fired.after(1_500))));
    assert!(row.judged_at >= row.completed_at, "{:?}", row.judged_at);
    Ok(())
}

async fn silence_is_a_timeout_once_the_observers_have_looked(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Async).await?;
    stand.see(&fired, Stage::CfInitiated, 30).await?;
    stand.clock.skip(329);
    stand.cover().await?;
    stand.sweep().await?;
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Pending, "its deadline has not passed");
    stand.clock.skip(2);
    stand.sweep().await?;
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Pending, "coverage has not reached its deadline");
    stand.clock.skip(5);
    stand.cover().await?;
    stand.sweep().await?;

    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Failed, Some(Reason::Timeout), 1));
    assert_eq!(row.missing, ["cf_settled"]);
    assert_eq!(row.decided_as_of, Some(fired.after(330_000)));
    assert_eq!(stand.metric("failures_total", "timeout"), 1.0);
    assert_eq!(stand.metric("consecutive_failures", "p-async"), 1.0);
    Ok(())
}

async fn silence_under_missing_coverage_is_the_observers_own_and_amended_when_coverage_comes(
    stand: Stand,
) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.cover().await?;
    stand.clock.skip(91);
    stand.sweep().await?;
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason), (Outcome::Inconclusive, Some(Reason::ObserverBlind)));
    assert_eq!(row.decided_as_of, Some(fired.after(90_000)));
    assert_eq!(stand.metric("failures_total", ""), 0.0);

    stand.cover().await?;
    stand.clock.skip(6);
    stand.sweep().await?;
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Failed, Some(Reason::Timeout), 2));
    Ok(())
}

async fn a_refund_is_decided_at_once(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Async).await?;
    stand.see(&fired, Stage::CfInitiated, 30).await?;
    stand.see(&fired, Stage::CfRefunded, 2_000).await?;
    stand.sweep().await?;
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason), (Outcome::Failed, Some(Reason::Refunded)));
    assert_eq!(row.decided_as_of, Some(fired.after(2_000)));
    Ok(())
}

async fn a_late_settlement_amends_the_timeout(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.clock.skip(40);
    stand.cover().await?;
    stand.sweep().await?;
    assert_eq!(stand.row(&fired).await?.reason, Some(Reason::Timeout));

    stand.see(&fired, Stage::TokensXfer, 45_000).await?;
    stand.clock.skip(10);
    stand.sweep().await?;
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Late, None, 2));
    assert_eq!(row.latency_ms, Some(45_000.0));
    assert!(row.missing.is_empty());
    assert_eq!(stand.metric("tests_total", "failed"), 1.0, "a counter never goes back");
    assert_eq!(stand.metric("tests_total", "late"), 1.0);
    Ok(())
}

async fn a_late_informational_stage_raises_the_revision_and_nothing_else(stand: Stand) -> anyhow::Result<()> {
    let (judge, lead) = (stand.judge(), leading(1));
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    judge.sweep(&lead).await?;
    let before = stand.row(&fired).await?;
    stand.see(&fired, Stage::FeeCollected, 90).await?;
    judge.sweep(&lead).await?;
    judge.sweep(&lead).await?;

    let after = stand.row(&fired).await?;
    assert_eq!((before.revision, after.revision), (1, 2));
    assert!(after.facts.stamps.get(Stage::FeeCollected).is_some());
    assert_eq!((after.outcome, after.latency_ms), (Outcome::Passed, before.latency_ms));
    assert_eq!(stand.metric("tests_total", "passed"), 1.0);
    assert_eq!(stand.metric("latency_seconds", "p-intra"), 1.0);
    assert_eq!(stand.metric("stage_latency_seconds", "fee_collected"), 1.0);
    assert_eq!(stand.metric("stage_latency_seconds", "tokens_xfer"), 1.0);
    Ok(())
}

async fn facts_of_a_pending_test_reach_its_row(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Async).await?;
    stand.see(&fired, Stage::CfInitiated, 30).await?;
    let report = stand.sweep().await?;
    assert_eq!((report.looked, report.decided, report.changed), (1, 0, 0));
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.revision), (Outcome::Pending, 0));
    assert_eq!(row.facts.fired_at, Some(fired.at));
    assert_eq!(row.facts.transfer_id(), Some(format!("t-{}", fired.id).as_str()));
    assert!(row.facts.stamps.get(Stage::CfInitiated).is_some());
    Ok(())
}

async fn a_test_is_closed_when_its_watch_is_over(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    assert_eq!(stand.sweep().await?.closed, 0);
    stand.clock.skip(599);
    assert_eq!(stand.sweep().await?.closed, 0);
    stand.clock.skip(2);
    assert_eq!(stand.sweep().await?.closed, 1);
    assert_eq!(stand.board.open_count().await?, 0);
    assert_eq!(stand.row(&fired).await?.revision, 1);
    Ok(())
}

/// A reactor that restarts covers from its restart on; a touch must not take back what was decided before (I3).
async fn coverage_that_was_proved_once_is_not_forgotten(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.clock.skip(40);
    stand.cover().await?;
    stand.sweep().await?;
    assert_eq!(stand.row(&fired).await?.reason, Some(Reason::Timeout));

    stand.cover_with("n1", None).await?;
    stand.clock.skip(100);
    stand.see(&fired, Stage::FeeCollected, 130_000).await?;
    stand.sweep().await?;
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Failed, Some(Reason::Timeout), 2));
    Ok(())
}

/// The same facts, judged every second or every thirty, come to the same rows (I4).
#[tokio::test]
async fn the_interval_of_the_sweeps_changes_no_row() -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for every in [1, 30] {
        let stand = Stand::new(Make::Embedded).await?;
        rows.push(told_every(&stand, every).await?);
    }
    assert_eq!(rows[0], rows[1]);
    Ok(())
}

/// Everything a row says but who it is and when it was judged; moments count from the firing.
async fn told_every(stand: &Stand, seconds: i64) -> anyhow::Result<Vec<String>> {
    let passed = stand.fire(Backend::Intra).await?;
    stand.see(&passed, Stage::TokensXfer, 120).await?;
    let refunded = stand.fire(Backend::Async).await?;
    stand.see(&refunded, Stage::CfRefunded, 900).await?;
    let silent = stand.fire(Backend::TwoPc).await?;
    for _ in 0..(120 / seconds) {
        stand.clock.skip(seconds);
        stand.cover().await?;
        stand.sweep().await?;
    }
    stand.see(&silent, Stage::TokensXfer, 110_000).await?;
    stand.sweep().await?;
    let mut told = Vec::new();
    for fired in [passed, refunded, silent] {
        let row = stand.row(&fired).await?;
        let since = |at: Option<canary_domain::Moment>| at.map(|at| at - fired.at);
        told.push(format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
            row.outcome,
            row.reason,
            row.missing,
            row.latency_ms,
            row.latency_basis,
            row.clock_error_ms,
            since(row.completed_at),
            since(row.decided_as_of),
            since(row.deadline_at),
            row.revision
        ));
    }
    Ok(told)
}
