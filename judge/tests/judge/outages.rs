//! Stores that go away: rows come late, and none is lost (I6).

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{Backend, Facts, Outcome, Reason, Stage, Test};
use canary_judge::SweepError;
use canary_store::{MemoryBoard, PostgresLedger, SqliteLedger};
use tokio::time::sleep;
use tracing_subscriber::fmt::MakeWriter;

use crate::life::{eventually, run_for};
use crate::stand::{CANARY, Make, Stand, leading};

#[tokio::test]
async fn a_postgres_that_is_stopped_for_a_while_delays_rows_and_loses_none() -> anyhow::Result<()> {
    let mut postgres = canary_test_servers::Postgres::start()?;
    let ledger = Arc::new(PostgresLedger::connect(&postgres.create_database()?.into(), CANARY)?);
    let stand = Stand::over(Arc::new(MemoryBoard::new()), ledger, tempfile::tempdir()?).await?;
    let before = stand.fire(Backend::Intra).await?;
    stand.see(&before, Stage::TokensXfer, 80).await?;

    postgres.stop()?;
    let during = stand.fire_with(Backend::Intra, false).await?;
    stand.see(&during, Stage::TokensXfer, 90).await?;
    let silent = stand.fire_with(Backend::Intra, false).await?;
    let (judge, lead) = (stand.judge(), leading(1));
    for _ in 0..2 {
        let failed = judge.sweep(&lead).await.unwrap_err();
        assert!(matches!(&failed, SweepError::Ledger(_)), "{failed}");
        assert!(failed.to_string().contains(&postgres.port().to_string()), "it names the host: {failed}");
    }
    // Longer than the watch: the sweep that comes after is the only one.
    stand.clock.skip(700);
    stand.cover().await?;

    postgres.restart()?;
    eventually(async || Ok(judge.sweep(&lead).await.is_ok())).await?;
    for (fired, latency) in [(before, 80.0), (during, 90.0)] {
        let row = stand.row(&fired).await?;
        assert_eq!((row.outcome, row.latency_ms, row.revision), (Outcome::Passed, Some(latency), 1));
    }
    assert_eq!(stand.row(&silent).await?.reason, Some(Reason::Timeout));
    assert_eq!(stand.board.open_count().await?, 0);
    assert_eq!(stand.ledger.accounting().await?.residual, 0);
    Ok(())
}

#[tokio::test]
async fn a_redis_that_is_away_ends_a_sweep_cleanly_and_the_next_goes_on() -> anyhow::Result<()> {
    let mut redis = canary_test_servers::Redis::start()?;
    let folder = tempfile::tempdir()?;
    let ledger = Arc::new(SqliteLedger::open(&folder.path().join("canary.db"), CANARY)?);
    let board = Arc::new(canary_store::RedisBoard::connect(&redis.url().into(), String::new())?);
    let stand = Stand::over(board, ledger, folder).await?;
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    redis.pause()?;
    let failed = stand.judge().sweep(&leading(1)).await.unwrap_err();
    assert!(matches!(&failed, SweepError::Board(_)), "{failed}");
    redis.resume()?;
    eventually(async || Ok(stand.judge().sweep(&leading(1)).await.is_ok())).await?;
    assert_eq!(stand.row(&fired).await?.outcome, Outcome::Passed);
    Ok(())
}

/// Facts live on the board for an hour beyond their watch; an outage of five hours outlasts that.
#[tokio::test]
async fn an_outage_of_hours_forgets_no_test_of_many_pages() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let mut tests = Vec::new();
    for _ in 0..25 {
        let fired = stand.fire_with(Backend::Intra, false).await?;
        stand.see(&fired, Stage::TokensXfer, 80).await?;
        tests.push(fired);
    }
    stand.spy.away.store(true, Ordering::SeqCst);
    let ledger =
        Arc::new(crate::spy::SpyLedger { inner: Arc::clone(&stand.ledger), spy: Arc::clone(&stand.spy) });
    let judge = stand.judge_over(Arc::clone(&stand.board), ledger, 10);
    tokio::time::pause();
    run_for(judge, async || sleep(Duration::from_secs(5 * 3600)).await).await?;
    tokio::time::resume();

    let report = stand.judge().sweep(&crate::life::leading_now(2)).await?;
    assert_eq!((report.looked, report.changed, report.forgotten), (25, 25, 0));
    for fired in &tests {
        assert_eq!(stand.row(fired).await?.latency_ms, Some(80.0));
    }
    Ok(())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_outage_is_logged_once_at_its_start_and_once_at_its_end() -> anyhow::Result<()> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let stand = Stand::new(Make::Embedded).await?;
    let fired = stand.fire(Backend::Intra).await?;
    stand.see(&fired, Stage::TokensXfer, 80).await?;
    let ledger =
        Arc::new(crate::spy::SpyLedger { inner: Arc::clone(&stand.ledger), spy: Arc::clone(&stand.spy) });
    let judge = stand.judge_over(Arc::clone(&stand.board), ledger, 10);
    stand.spy.away.store(true, Ordering::SeqCst);
    run_for(judge, async || {
        let mut tried = 0;
        let tries_again = async || {
            tried += stand.spy.take_calls().iter().filter(|(call, _)| *call == "record").count();
            Ok(tried >= 3)
        };
        eventually(tries_again).await.unwrap();
        stand.spy.away.store(false, Ordering::SeqCst);
        eventually(async || Ok(stand.row(&fired).await?.outcome == Outcome::Passed)).await.unwrap();
    })
    .await?;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone())?;
    assert_eq!(log.matches("cannot judge for now").count(), 1, "{log}");
    assert!(log.contains("db.example:5432") && log.contains("connection refused"), "{log}");
    assert_eq!(log.matches("judging again").count(), 1, "{log}");
    Ok(())
}

/// It is a check: nothing waits for it, and no outage is made of it.
#[tokio::test]
async fn a_ledger_that_cannot_count_is_not_away() -> anyhow::Result<()> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let stand = Stand::new(Make::Embedded).await?;
    stand.fire(Backend::Intra).await?;
    stand.spy.fail(Some("accounting"));
    run_for(stand.watched_judge(10), async || {
        let mut calls = Vec::new();
        let swept_again = async || {
            calls.extend(stand.spy.take_calls().into_iter().map(|(call, _)| call));
            Ok(calls.iter().skip_while(|call| **call != "accounting").any(|call| *call == "due"))
        };
        eventually(swept_again).await.unwrap();
    })
    .await?;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone())?;
    assert_eq!(log.matches("could not be counted").count(), 1, "{log}");
    assert_eq!(log.matches("cannot judge for now").count(), 0, "{log}");
    Ok(())
}

/// One row that can't be written must not keep a page of others from being written.
#[tokio::test]
async fn a_row_that_the_ledger_refuses_holds_up_no_other() -> anyhow::Result<()> {
    let stand = Stand::new(Make::Embedded).await?;
    let good = stand.fire(Backend::Intra).await?;
    let bad = Test { canary: "another".into(), ..stand.test(Backend::Intra) };
    stand.board.restore(&[Facts::registered(bad)]).await?;
    stand.see(&good, Stage::TokensXfer, 80).await?;

    let report = stand.sweep().await?;
    assert_eq!((report.looked, report.changed, report.refused), (2, 1, 1));
    assert_eq!(stand.row(&good).await?.outcome, Outcome::Passed);
    assert_eq!(stand.sweep().await?.looked, 0, "it is not tried again at once");
    stand.clock.skip(61);
    assert_eq!(stand.judge().sweep(&leading(1)).await?.looked, 1, "but after a minute it is");
    Ok(())
}
