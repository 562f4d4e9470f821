//! Rows to export.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Facts, FireStatus, LatencyBasis, Moment, Origin, Outcome, Reason, Stage, Stamp, Test,
    TestId, Verdict, Via,
};
use canary_store::{FactsRow, Unfired};
use chrono::TimeDelta;

pub const CANARY: &str = "test";
pub const WATCH: Duration = Duration::from_secs(600);

/// The test of a path's slot that was due then.
pub fn test(path: &str, due: Moment) -> Test {
    Test {
        test_id: TestId::random(),
        canary: CANARY.into(),
        path: path.into(),
        backend: Backend::Intra,
        origin: Origin::Schedule,
        cycle: Some(due.timestamp().div_euclid(60)),
        period_ms: Some(60_000),
        term: 1,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: "did:alpha".into(),
        receiver: "did:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: due,
        deadline: Duration::from_secs(30),
        watch: WATCH,
    }
}

/// What is known of it once it was fired, answered and, so many milliseconds later, seen.
pub fn seen(test: Test, ms: i64) -> Facts {
    let fired_at = test.registered_at + TimeDelta::microseconds(1_700);
    let mut facts = Facts { fired_at: Some(fired_at), ..Facts::registered(test) };
    facts.answer = Some(Answer {
        at: fired_at + TimeDelta::milliseconds(20),
        status: FireStatus::Accepted,
        code: Some(200),
        transfer_id: Some(format!("t-{}", facts.test.test_id)),
        error: None,
    });
    let moment = fired_at + TimeDelta::milliseconds(ms);
    let stamp = Stamp {
        seen: moment,
        via: Via::Live,
        occurred: moment,
        frame: "a".into(),
        position: ms,
        error_us: 9,
    };
    facts.stamps.add(Stage::TokensXfer, stamp);
    facts
}

pub fn passed(facts: Facts, judged_at: Moment) -> FactsRow {
    let stamp = facts.stamps.get(Stage::TokensXfer).unwrap();
    let latency = stamp.seen - facts.start();
    let verdict = Verdict {
        outcome: Outcome::Passed,
        reason: None,
        missing: vec![],
        completed_at: Some(stamp.seen),
        decided_as_of: stamp.seen,
        latency_ms: Some(latency.num_microseconds().unwrap() as f64 / 1e3),
        latency_basis: Some(LatencyBasis::Observed),
        clock_error_ms: None,
        landed: None,
    };
    FactsRow { facts, verdict: Some(verdict), judged_at, judge_term: 1 }
}

pub fn failed(test: Test, judged_at: Moment) -> FactsRow {
    let mut facts = seen(test, 0);
    facts.stamps = canary_domain::Stamps::default();
    let verdict = Verdict {
        outcome: Outcome::Failed,
        reason: Some(Reason::Timeout),
        missing: vec!["tokens_xfer"],
        completed_at: None,
        decided_as_of: facts.deadline_at(),
        latency_ms: None,
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
    };
    FactsRow { facts, verdict: Some(verdict), judged_at, judge_term: 1 }
}

pub fn skipped(test: Test) -> Unfired {
    let at = test.registered_at;
    Unfired { test, reason: Reason::Maintenance, at }
}
