//! Past rows judged again on order: the same rules change nothing (I3), others amend only what they were told to (I6).

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{
    Answer, Backend, Clock, FireStatus, Outcome, Patience, Reason, Stage, TestId, Verdict, judge,
};
use canary_judge::{Rejudge, RejudgeReport};
use canary_store::{FactsRow, Filter, ResultRow, Unfired};
use chrono::TimeDelta;

use crate::on_both_stores;
use crate::stand::{Fired, Stand};

on_both_stores! {
    the_same_rules_change_no_row_of_any_kind
    a_verdict_that_the_rules_no_longer_give_is_told_and_amended_only_on_order
    what_is_watched_or_open_is_left_to_the_judge
    silence_that_was_never_certain_is_not_held_against_the_platform
}

async fn rejudge(stand: &Stand, write: bool) -> anyhow::Result<RejudgeReport> {
    let order = Rejudge {
        ledger: Arc::clone(&stand.ledger),
        board: Arc::clone(&stand.board),
        clock: Arc::clone(&stand.clock) as Arc<dyn Clock>,
        blind_after: Duration::from_secs(60),
    };
    let mut shares = Vec::new();
    let since = stand.clock.now() - TimeDelta::days(30);
    let report = order.run(since, write, |progress| shares.push(progress.share)).await?;
    anyhow::ensure!(shares.is_sorted() && shares.last() == Some(&1.0), "{shares:?}");
    Ok(report)
}

async fn all(stand: &Stand) -> anyhow::Result<Vec<ResultRow>> {
    Ok(stand.ledger.results(&Filter::default(), None, 500).await?.rows)
}

/// Every test that was fired is seen to its end, and none is open any more.
async fn close(stand: &Stand) -> anyhow::Result<()> {
    stand.clock.skip(700);
    stand.sweep().await?;
    anyhow::ensure!(stand.board.open_count().await? == 0, "all are closed");
    Ok(())
}

/// Its call was answered badly.
async fn refused(stand: &Stand, status: FireStatus, code: u16) -> anyhow::Result<Fired> {
    let test = stand.test(Backend::Intra);
    let mut facts = canary_domain::Facts::registered(test);
    let at = facts.start();
    facts.fired_at = Some(at);
    facts.answer = Some(Answer {
        at: at + TimeDelta::milliseconds(40),
        status,
        code: Some(code),
        transfer_id: None,
        error: None,
    });
    write(stand, facts).await
}

/// Writes a row as a judge without any coverage would, at once.
async fn write(stand: &Stand, facts: canary_domain::Facts) -> anyhow::Result<Fired> {
    let fired = Fired { id: facts.test.test_id, at: facts.start() };
    let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(5) };
    let verdict = judge(&facts, &canary_domain::Coverage::default(), &patience, stand.clock.now()).verdict;
    let row = FactsRow { facts, verdict, judged_at: stand.clock.now(), judge_term: 1 };
    stand.ledger.record(&[row]).await?;
    Ok(fired)
}

async fn the_same_rules_change_no_row_of_any_kind(stand: Stand) -> anyhow::Result<()> {
    let passed = stand.fire(Backend::Async).await?;
    stand.see(&passed, Stage::CfInitiated, 30).await?;
    stand.see(&passed, Stage::CfSettledRemote, 1_250).await?;
    let refunded = stand.fire(Backend::Async).await?;
    stand.see(&refunded, Stage::CfInitiated, 30).await?;
    stand.see(&refunded, Stage::CfRefunded, 2_000).await?;
    let late = stand.fire(Backend::TwoPc).await?;
    let silent = stand.fire(Backend::Async).await?;
    stand.see(&silent, Stage::CfInitiated, 30).await?;
    refused(&stand, FireStatus::Rejected, 422).await?;
    refused(&stand, FireStatus::Unavailable, 503).await?;
    let unfired = [Reason::Paused, Reason::Overrun].map(|reason| Unfired {
        test: stand.test(Backend::Intra),
        reason,
        at: stand.clock.now(),
    });
    stand.ledger.write_unfired(&unfired).await?;
    stand.clock.skip(340);
    stand.cover().await?;
    stand.sweep().await?;
    stand.see(&late, Stage::TokensXfer, 90_000).await?;
    let blind = stand.fire(Backend::Intra).await?;
    close(&stand).await?;

    let rows = all(&stand).await?;
    let says =
        |fired: &Fired| rows.iter().find(|row| row.facts.test.test_id == fired.id).map(|row| row.outcome);
    assert_eq!(
        [&passed, &refunded, &late, &silent, &blind].map(says).map(Option::unwrap),
        [Outcome::Passed, Outcome::Failed, Outcome::Late, Outcome::Failed, Outcome::Inconclusive]
    );
    // Whatever the observers have seen since: what they had not when it was written proves nothing.
    stand.cover().await?;
    let report = rejudge(&stand, true).await?;
    assert_eq!((report.rows, report.left, report.amended), (rows.len() as u64, 0, 0), "{report:?}");
    assert_eq!(report.shifts.len(), 0, "{report:?}");
    assert_eq!(all(&stand).await?, rows);
    Ok(())
}

/// What another version's rules may have said of a test that is done.
async fn misjudge(stand: &Stand, id: TestId) -> anyhow::Result<()> {
    let row = stand.ledger.rows(&[id]).await?.remove(0);
    let verdict = Verdict {
        outcome: Outcome::Failed,
        reason: Some(Reason::Timeout),
        missing: vec!["cf_settled"],
        decided_as_of: row.facts.deadline_at(),
        completed_at: None,
        latency_ms: None,
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
    };
    let judged_at = row.judged_at.unwrap_or_default();
    let changed = stand
        .ledger
        .record(&[FactsRow { facts: row.facts, verdict: Some(verdict), judged_at, judge_term: 5 }])
        .await?;
    anyhow::ensure!(changed.len() == 1);
    Ok(())
}

async fn a_verdict_that_the_rules_no_longer_give_is_told_and_amended_only_on_order(
    stand: Stand,
) -> anyhow::Result<()> {
    let (done, right) = (stand.fire(Backend::Async).await?, stand.fire(Backend::Async).await?);
    for fired in [&done, &right] {
        stand.see(fired, Stage::CfInitiated, 30).await?;
        stand.see(fired, Stage::CfSettledRemote, 1_250).await?;
    }
    stand.sweep().await?;
    close(&stand).await?;
    misjudge(&stand, done.id).await?;
    stand.ledger.roll_up(done.at - TimeDelta::days(1)).await?;
    let before = all(&stand).await?;

    let told = rejudge(&stand, false).await?;
    assert_eq!(told.amended, 0);
    let shifts: Vec<_> = told.shifts.iter().map(|((was, is), shift)| (&**was, &**is, shift.rows)).collect();
    assert_eq!(shifts, [("failed/timeout", "passed", 1)]);
    assert_eq!(told.shifts.values().next().map(|shift| shift.newest), Some(done.id));
    assert_eq!(all(&stand).await?, before, "nothing is written unless that is ordered");

    assert_eq!(rejudge(&stand, true).await?.amended, 1);
    let row = stand.row(&done).await?;
    assert_eq!((row.outcome, row.reason, row.revision), (Outcome::Passed, None, 3));
    assert_eq!((row.latency_ms, row.judge_term), (Some(1_250.0), 5));
    assert_eq!(stand.row(&right).await?.revision, 1);
    let hours = stand.ledger.hours(done.at - TimeDelta::hours(2), done.at + TimeDelta::hours(2)).await?;
    assert_eq!(
        hours.iter().map(|hour| (hour.passed, hour.failed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)),
        (2, 0)
    );

    let again = rejudge(&stand, true).await?;
    assert_eq!((again.amended, again.shifts.len()), (0, 0));
    Ok(())
}

async fn what_is_watched_or_open_is_left_to_the_judge(stand: Stand) -> anyhow::Result<()> {
    let open = stand.fire(Backend::Intra).await?;
    stand.see(&open, Stage::TokensXfer, 30).await?;
    stand.sweep().await?;
    misjudge(&stand, open.id).await?;
    stand.fire(Backend::Intra).await?;
    let watched = rejudge(&stand, true).await?;
    assert_eq!((watched.rows, watched.left, watched.amended), (0, 2, 0));
    // Its watch is over, and the judge, which is away, has not closed it.
    stand.clock.skip(700);
    let still_open = rejudge(&stand, true).await?;
    assert_eq!((still_open.rows, still_open.left), (0, 2), "they are open on the board");
    assert_eq!(stand.row(&open).await?.reason, Some(Reason::Timeout));
    Ok(())
}

/// A row says that it was done, and its facts don't bear that out by the rules of today.
async fn silence_that_was_never_certain_is_not_held_against_the_platform(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Async).await?;
    stand.see(&fired, Stage::CfInitiated, 30).await?;
    stand.clock.skip(700);
    stand.cover().await?;
    let facts = stand.board.open_tests().await?.remove(0);
    stand.board.close(&[fired.id]).await?;
    let done = facts.start() + TimeDelta::milliseconds(30);
    let verdict = Verdict {
        outcome: Outcome::Passed,
        reason: None,
        missing: Vec::new(),
        decided_as_of: done,
        completed_at: Some(done),
        latency_ms: Some(30.0),
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
    };
    let row = FactsRow { facts, verdict: Some(verdict), judged_at: stand.clock.now(), judge_term: 1 };
    stand.ledger.record(&[row]).await?;

    let report = rejudge(&stand, true).await?;
    assert_eq!(report.amended, 1);
    let row = stand.row(&fired).await?;
    assert_eq!((row.outcome, row.reason), (Outcome::Inconclusive, Some(Reason::ObserverBlind)));
    assert_eq!(row.missing, ["cf_settled"]);
    Ok(())
}
