//! A judge that ends anywhere in a sweep: the next sweep comes to the same rows (I3, I6).

use canary_domain::{Backend, Outcome, Reason, Stage};

use crate::stand::{Fired, Make, Stand, leading};

/// A pass, a refund, a test that is still open and one whose watch is over: every branch of a sweep.
async fn scene(stand: &Stand) -> anyhow::Result<[Fired; 4]> {
    let over = stand.fire(Backend::Intra).await?;
    stand.see(&over, Stage::TokensXfer, 70).await?;
    stand.clock.skip(601);
    let passed = stand.fire(Backend::Intra).await?;
    stand.see(&passed, Stage::TokensXfer, 80).await?;
    let refunded = stand.fire(Backend::Async).await?;
    stand.see(&refunded, Stage::CfRefunded, 900).await?;
    let open = stand.fire(Backend::Async).await?;
    Ok([over, passed, refunded, open])
}

async fn expect(stand: &Stand, [over, passed, refunded, open]: [Fired; 4]) -> anyhow::Result<()> {
    for (fired, outcome, reason, revision) in [
        (over, Outcome::Passed, None, 1),
        (passed, Outcome::Passed, None, 1),
        (refunded, Outcome::Failed, Some(Reason::Refunded), 1),
        (open, Outcome::Pending, None, 0),
    ] {
        let row = stand.row(&fired).await?;
        assert_eq!((row.outcome, row.reason, row.revision), (outcome, reason, revision));
    }
    assert_eq!(stand.board.open_count().await?, 3, "only the test whose watch is over is closed");
    let accounting = stand.ledger.accounting().await?;
    assert_eq!(accounting.residual, 0, "{accounting:?}");
    Ok(())
}

async fn crash_everywhere(make: Make) -> anyhow::Result<usize> {
    for point in 1.. {
        let stand = Stand::new(make).await?;
        let tests = scene(&stand).await?;
        stand.spy.stop_at(point);
        let judge = stand.watched_judge(2);
        let lead = leading(1);
        let crashed = tokio::select! {
            swept = judge.sweep(&lead) => { swept?; false }
            () = stand.spy.stopped.notified() => true,
        };
        if crashed {
            drop(judge);
            stand.judge().sweep(&leading(2)).await?;
        }
        expect(&stand, tests).await?;
        if !crashed {
            return Ok(point - 1);
        }
    }
    unreachable!("a sweep has an end")
}

#[tokio::test]
async fn a_judge_that_crashes_at_any_await_leaves_rows_that_the_next_one_completes() -> anyhow::Result<()> {
    let points = crash_everywhere(Make::Embedded).await?;
    assert!(points >= 14, "only {points} points were tried");
    Ok(())
}

#[tokio::test]
async fn a_judge_that_crashes_at_any_await_on_redis_and_postgres_loses_nothing_either() -> anyhow::Result<()>
{
    let points = crash_everywhere(Make::Servers).await?;
    assert!(points >= 14, "only {points} points were tried");
    Ok(())
}
