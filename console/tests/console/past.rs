//! A ledger with a past, for what is shown of it: rows are written before a console looks, or while it does.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{
    Backend, Facts, LatencyBasis, Moment, Origin, Outcome, Reason, Test, TestId, Verdict, parse_iso,
};
use canary_store::{FactsRow, Ledger, MemoryBoard, PostgresLedger, Unfired};
use chrono::TimeDelta;
use serde_json::Value;

use crate::stand::{Stand, local};

/// What the stand's clock says: half past one.
pub fn now() -> Moment {
    at("2026-11-21T01:30:00Z")
}

pub fn at(text: &str) -> Moment {
    parse_iso(text).unwrap()
}

/// So many minutes before [`now`].
pub fn ago(minutes: i64) -> Moment {
    now() - TimeDelta::minutes(minutes)
}

/// The cycle that begins at a moment; a minute each.
pub fn cycle(at: Moment) -> i64 {
    at.timestamp() / 60
}

pub struct Past {
    pub ledger: Arc<dyn Ledger>,
    /// Its address, with which another client may reach it.
    pub url: String,
}

impl Past {
    pub async fn begin() -> anyhow::Result<Self> {
        let url = canary_test_servers::shared_postgres().create_database()?;
        let ledger = Arc::new(PostgresLedger::connect(&url.clone().into(), "test")?);
        ledger.migrate().await?;
        Ok(Self { ledger, url })
    }

    /// A console that looks at it.
    pub async fn console(&self) -> anyhow::Result<Stand> {
        let board = Arc::new(MemoryBoard::new());
        let stand = Stand::over(board, Arc::clone(&self.ledger), local(), tempfile::tempdir()?).await?;
        until(&stand, "/api/v1/canaries", |board| board["canary"] == "test").await?;
        Ok(stand)
    }

    /// Writes the slot of a path at a moment.
    pub async fn slot(&self, backend: Backend, at: Moment, outcome: Outcome) -> anyhow::Result<TestId> {
        self.test(test(backend, at), outcome).await
    }

    /// Writes a test. What was done took 100 ms.
    pub async fn test(&self, test: Test, outcome: Outcome) -> anyhow::Result<TestId> {
        let test_id = test.test_id;
        match outcome {
            Outcome::Pending => {
                self.ledger.claim(&test).await?;
            }
            Outcome::Skipped => self.unfired(test, Reason::Paused).await?,
            Outcome::Missed => self.unfired(test, Reason::NoLeader).await?,
            Outcome::Passed | Outcome::Late | Outcome::Failed | Outcome::Inconclusive => {
                self.judged(&[(test, outcome)]).await?;
            }
        }
        Ok(test_id)
    }

    /// Writes verdicts, and pending rows, in one transaction.
    pub async fn judged(&self, tests: &[(Test, Outcome)]) -> anyhow::Result<()> {
        let rows: Vec<FactsRow> = tests.iter().map(|(test, outcome)| row(test, *outcome)).collect();
        for rows in rows.chunks(1_000) {
            self.ledger.record(rows).await?;
        }
        Ok(())
    }

    async fn unfired(&self, test: Test, reason: Reason) -> anyhow::Result<()> {
        let at = test.registered_at;
        self.ledger.write_unfired(&[Unfired { test, reason, at }]).await?;
        Ok(())
    }

    /// Rolls up all there is, as the judge does.
    pub async fn roll_up(&self) -> anyhow::Result<()> {
        self.ledger.roll_up(Moment::UNIX_EPOCH).await?;
        Ok(())
    }
}

/// A slot's test, with words that nobody may see in public.
pub fn test(backend: Backend, at: Moment) -> Test {
    Test {
        test_id: TestId::random(),
        canary: "test".into(),
        path: format!("p-{backend}"),
        backend,
        origin: Origin::Schedule,
        cycle: Some(cycle(at)),
        period_ms: Some(60_000),
        term: 4,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:secret-alpha".into(),
        receiver: "did:secret-bravo".into(),
        amount: "0.0123".parse().unwrap(),
        registered_at: at + TimeDelta::milliseconds(20),
        deadline: backend.rule().deadline,
        watch: Duration::from_secs(600),
    }
}

fn row(test: &Test, outcome: Outcome) -> FactsRow {
    let done = matches!(outcome, Outcome::Passed | Outcome::Late);
    let judged_at = test.registered_at + TimeDelta::seconds(5);
    let verdict = Verdict {
        outcome,
        reason: match outcome {
            Outcome::Failed => Some(Reason::Timeout),
            Outcome::Inconclusive => Some(Reason::ObserverBlind),
            Outcome::Passed | Outcome::Late | Outcome::Pending | Outcome::Skipped | Outcome::Missed => None,
        },
        missing: if outcome == Outcome::Failed { vec!["tokens_xfer"] } else { Vec::new() },
        decided_as_of: judged_at,
        completed_at: done.then_some(judged_at),
        latency_ms: done.then_some(100.0),
        latency_basis: done.then_some(LatencyBasis::Observed),
        clock_error_ms: None,
        landed: None,
    };
    let facts = Facts::registered(test.clone());
    FactsRow { facts, verdict: (outcome != Outcome::Pending).then_some(verdict), judged_at, judge_term: 1 }
}

/// What is answered once it is as wanted.
pub async fn until(stand: &Stand, path: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    let asking = async {
        loop {
            let answer = stand.get(path).await?;
            last = answer.json().await?;
            if wanted(&last) {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(20), asking).await {
        Ok(asked) => asked.map(|()| last),
        Err(_) => anyhow::bail!("{path} is still {last:#}"),
    }
}
