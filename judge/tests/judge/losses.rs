//! A board that comes back empty, or forgets a test: what was in flight comes back from the ledger, and is never
//! blamed on the platform (I5).

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, Outcome, Reason, Role, Stage};
use canary_store::{Leadership, MemoryBoard, RedisBoard};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::stand::{CANARY, Stand, leading};
use crate::{life, on_both_stores};

on_both_stores! { a_decided_row_stays_decided_when_its_test_comes_back }

/// Runs a judge that leads until the condition holds.
pub async fn run_until(
    judge: canary_judge::Judge,
    mut holds: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let (seat, follow) = watch::channel(Some(leading(9)));
    let stop = CancellationToken::new();
    let run = judge.run(follow, stop.clone());
    let wait = async {
        let result = life::eventually(&mut holds).await;
        stop.cancel();
        result
    };
    let (ran, waited) = tokio::join!(run, wait);
    ran?;
    drop(seat);
    waited
}

#[tokio::test]
async fn a_flushed_redis_is_filled_again_and_its_tests_end_as_state_lost_never_failed() -> anyhow::Result<()>
{
    let mut redis = canary_test_servers::Redis::start()?;
    let board = Arc::new(RedisBoard::connect(&redis.url().into(), String::new())?);
    let database = canary_test_servers::shared_postgres().create_database()?.into();
    let ledger = Arc::new(canary_store::PostgresLedger::connect(&database, CANARY)?);
    let stand = Stand::over(board, ledger, tempfile::tempdir()?).await?;
    let (pending, landed, decided) = in_flight(&stand).await?;

    redis.restart()?;
    life::eventually(async || Ok(stand.board.open_count().await.is_ok())).await?;
    assert_eq!(stand.board.open_count().await?, 0);
    comes_back(&stand, [pending, landed, decided]).await
}

#[tokio::test]
async fn a_memory_board_that_comes_back_empty_is_filled_again_too() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ledger = Arc::new(canary_store::SqliteLedger::open(&folder.path().join("canary.db"), CANARY)?);
    let mut stand = Stand::over(Arc::new(MemoryBoard::new()), ledger, folder).await?;
    let tests = in_flight(&stand).await?;
    stand.board = Arc::new(MemoryBoard::new());
    comes_back(&stand, tests.into()).await
}

type Fired = crate::stand::Fired;

/// A test whose stamps the ledger has not, one whose landing it has, and one that is decided.
async fn in_flight(stand: &Stand) -> anyhow::Result<(Fired, Fired, Fired)> {
    let decided = stand.fire(Backend::Intra).await?;
    stand.clock.skip(40);
    stand.cover().await?;
    let pending = stand.fire(Backend::Intra).await?;
    let landed = stand.fire(Backend::Async).await?;
    stand.see(&landed, Stage::CfInitiated, 30).await?;
    stand.sweep().await?;
    assert_eq!(stand.row(&decided).await?.reason, Some(Reason::Timeout));
    stand.see(&pending, Stage::TokensXfer, 20_000).await?;
    Ok((pending, landed, decided))
}

/// The reactors go on and say that they have seen everything, the lost stamp too.
async fn comes_back(stand: &Stand, [pending, landed, decided]: [Fired; 3]) -> anyhow::Result<()> {
    stand.clock.skip(20);
    run_until(stand.judge(), async || Ok(stand.board.open_count().await? == 3)).await?;
    stand.clock.skip(400);
    stand.cover().await?;
    stand.sweep().await?;
    for fired in [pending, landed] {
        let row = stand.row(&fired).await?;
        assert_eq!((row.outcome, row.reason), (Outcome::Inconclusive, Some(Reason::StateLost)));
    }
    let row = stand.row(&decided).await?;
    assert_eq!((row.reason, row.revision), (Some(Reason::Timeout), 1), "a verdict is not taken back");

    // What arrives later still amends, for the tests came back with all that the ledger had.
    stand.see(&landed, Stage::CfSettledRemote, 200_000).await?;
    stand.see(&decided, Stage::TokensXfer, 200_000).await?;
    stand.sweep().await?;
    assert_eq!(stand.row(&landed).await?.outcome, Outcome::Passed);
    assert_eq!(stand.row(&decided).await?.outcome, Outcome::Late);
    assert_eq!(stand.ledger.accounting().await?.residual, 0);
    Ok(())
}

/// A replica that took over may lack the last second: what the row has is known all the same (I3, I6).
#[tokio::test]
async fn what_a_failover_lost_is_taken_from_the_row_and_what_comes_then_amends_it() -> anyhow::Result<()> {
    let mut stand = Stand::new(crate::stand::Make::Embedded).await?;
    let (passed, silent) = (stand.fire(Backend::Intra).await?, stand.fire(Backend::Intra).await?);
    stand.see(&passed, Stage::TokensXfer, 80).await?;
    stand.clock.skip(31);
    stand.cover().await?;
    stand.sweep().await?;
    let before = [stand.row(&passed).await?, stand.row(&silent).await?];
    assert_eq!((before[0].outcome, before[1].reason), (Outcome::Passed, Some(Reason::Timeout)));

    stand.fail_over(&[passed, silent]).await?;
    stand.clock.skip(70);
    stand.cover().await?;
    assert_eq!(stand.sweep().await?.changed, 0);
    assert_eq!([stand.row(&passed).await?, stand.row(&silent).await?], before);

    stand.see(&passed, Stage::FeeCollected, 90).await?;
    stand.see(&silent, Stage::TokensXfer, 45_000).await?;
    assert_eq!(stand.sweep().await?.changed, 2);
    let (passed, silent) = (stand.row(&passed).await?, stand.row(&silent).await?);
    assert_eq!((passed.outcome, passed.latency_ms, passed.revision), (Outcome::Passed, Some(80.0), 2));
    assert!(passed.facts.answer.is_some() && passed.facts.stamps.get(Stage::FeeCollected).is_some());
    assert_eq!((silent.outcome, silent.revision), (Outcome::Late, 2));
    assert!(silent.facts.answer.is_some());
    Ok(())
}

async fn a_decided_row_stays_decided_when_its_test_comes_back(stand: Stand) -> anyhow::Result<()> {
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    stand.sweep().await?;
    let before = stand.row(&fired).await?;
    stand.clock.skip(30);
    run_until(stand.judge(), async || Ok(stand.metric("judge_sweep_duration_seconds", "") >= 2.0)).await?;
    assert_eq!(stand.row(&fired).await?, before);
    Ok(())
}

/// A runner that dies between its claim and the board leaves a pending row that no board ever knew.
#[tokio::test]
async fn a_claim_that_never_reached_the_board_ends_without_blame() -> anyhow::Result<()> {
    let stand = Stand::new(crate::stand::Make::Embedded).await?;
    let test = stand.test(Backend::Intra);
    stand.ledger.claim(&test).await?;
    let fired = Fired { id: test.test_id, at: test.registered_at };
    stand.clock.skip(14);
    let judge = stand.watched_judge(10);
    run_until(judge, async || Ok(stand.spy.take_calls().iter().any(|(call, _)| *call == "accounting")))
        .await?;
    assert_eq!(stand.board.open_count().await?, 0, "it may still be on its way to the board");
    stand.clock.skip(100);
    stand.cover().await?;
    run_until(stand.judge(), async || Ok(stand.row(&fired).await?.outcome != Outcome::Pending)).await?;
    assert_eq!(stand.row(&fired).await?.reason, Some(Reason::RunnerLost));
    Ok(())
}

/// The board's queue may outlive a test's facts: the row decides whether it comes back.
#[tokio::test]
async fn a_test_whose_facts_expired_is_restored_if_its_row_is_pending_and_closed_if_not() -> anyhow::Result<()>
{
    let stand = Stand::new(crate::stand::Make::Embedded).await?;
    let pending = stand.fire(Backend::Intra).await?;
    let unknown = stand.fire_with(Backend::Async, false).await?;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3 * 3600)).await;
    tokio::time::resume();
    let lead = Leadership::new(
        Role::Judge,
        canary_store::Holder { node: "n1".into(), term: 1 },
        tokio::time::Instant::now() + crate::stand::LONG,
    );
    let report = stand.judge().sweep(&lead).await?;
    assert_eq!((report.restored, report.forgotten, report.closed), (1, 1, 1));
    stand.judge().sweep(&lead).await?;
    let row = stand.row(&pending).await?;
    assert_eq!(row.outcome, Outcome::Inconclusive, "{:?}", row.reason);
    assert!(stand.ledger.rows(&[unknown.id]).await?.is_empty());
    assert_eq!(stand.judge().sweep(&lead).await?.restored, 0);
    Ok(())
}
