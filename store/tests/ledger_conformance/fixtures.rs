//! Tests, facts and verdicts to write.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Facts, FireStatus, LatencyBasis, Moment, Origin, Outcome, Reason, Stage, Stamp, Test,
    TestId, Verdict, Via,
};
use canary_store::{FactsRow, Ledger, ResultRow, Unfired};
use chrono::{DateTime, TimeDelta};

use crate::home::CANARY;

pub const PERIOD_MS: i64 = 60_000;
/// A cycle to count from; it begins an hour.
pub const CYCLE: i64 = 29_880_000;

pub fn edge(cycle: i64) -> Moment {
    DateTime::from_timestamp_millis(cycle * PERIOD_MS).unwrap()
}

/// A moment so many microseconds after the first cycle's edge.
pub fn at(us: i64) -> Moment {
    edge(CYCLE) + TimeDelta::microseconds(us)
}

/// A scheduled test, due at its cycle's edge.
pub fn test(path: &str, cycle: i64) -> Test {
    Test {
        test_id: TestId::random(),
        canary: CANARY.into(),
        path: path.into(),
        backend: Backend::Intra,
        origin: Origin::Schedule,
        cycle: Some(cycle),
        period_ms: Some(PERIOD_MS),
        term: 7,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:avt:alpha".into(),
        receiver: "did:avt:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: edge(cycle),
        deadline: Duration::from_secs(30),
        watch: Duration::from_secs(600),
    }
}

/// One that an operator asked for.
pub fn fired_by_hand(path: &str) -> Test {
    Test { origin: Origin::Fire, cycle: None, period_ms: None, ..test(path, CYCLE) }
}

pub fn stamp(seen: Moment) -> Stamp {
    Stamp {
        seen,
        via: Via::Live,
        occurred: seen - TimeDelta::microseconds(1_500),
        frame: "a".into(),
        position: 5_679,
        error_us: 120,
    }
}

/// Fired, accepted and seen: all but the verdict.
pub fn seen(test: Test) -> Facts {
    let fired_at = test.registered_at + TimeDelta::microseconds(1_234);
    let mut facts = Facts { fired_at: Some(fired_at), fired_error_us: 80, ..Facts::registered(test) };
    facts.answer = Some(Answer {
        at: fired_at + TimeDelta::microseconds(20_000),
        status: FireStatus::Accepted,
        code: Some(200),
        transfer_id: Some(format!("tx-{}", facts.test.test_id)),
        error: None,
    });
    facts.stamps.add(Stage::TokensXfer, stamp(fired_at + TimeDelta::microseconds(45_678)));
    facts
}

pub fn passed(facts: &Facts) -> Verdict {
    let completed_at = facts.start() + TimeDelta::microseconds(45_678);
    Verdict {
        outcome: Outcome::Passed,
        reason: None,
        missing: vec![],
        decided_as_of: completed_at,
        completed_at: Some(completed_at),
        latency_ms: Some(45.678),
        latency_basis: Some(LatencyBasis::Observed),
        clock_error_ms: Some(0.2),
        landed: None,
    }
}

pub fn because(facts: &Facts, reason: Reason) -> Verdict {
    Verdict {
        outcome: reason.outcome(),
        reason: Some(reason),
        missing: vec!["tokens_xfer"],
        decided_as_of: facts.deadline_at(),
        completed_at: None,
        latency_ms: None,
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
    }
}

/// What a judge of term 1 would write a little after the deadline.
pub fn judged(facts: Facts, verdict: Option<Verdict>) -> FactsRow {
    let judged_at = facts.deadline_at() + TimeDelta::seconds(2);
    FactsRow { facts, verdict, judged_at, judge_term: 1 }
}

/// A row for each outcome a judge can give to a fired test.
pub fn with_outcome(test: Test, outcome: Outcome) -> FactsRow {
    let facts = seen(test);
    let verdict = match outcome {
        Outcome::Pending => None,
        Outcome::Passed => Some(passed(&facts)),
        Outcome::Late => {
            Some(Verdict { outcome: Outcome::Late, latency_ms: Some(31_000.5), ..passed(&facts) })
        }
        Outcome::Failed => Some(because(&facts, Reason::Timeout)),
        Outcome::Inconclusive => Some(because(&facts, Reason::ObserverBlind)),
        Outcome::Skipped | Outcome::Missed => panic!("{outcome} is no outcome of a fired test"),
    };
    judged(facts, verdict)
}

pub fn not_fired(test: Test, reason: Reason) -> Unfired {
    let at = test.registered_at + TimeDelta::seconds(40);
    Unfired { test, reason, at }
}

/// Writes one passed row and answers its test.
pub async fn write_passed(ledger: &dyn Ledger, test: Test) -> TestId {
    let id = test.test_id;
    ledger.record(&[with_outcome(test, Outcome::Passed)]).await.unwrap();
    id
}

/// The one row of a test.
pub async fn row(ledger: &dyn Ledger, test: TestId) -> ResultRow {
    let mut rows = ledger.rows(&[test]).await.unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}
