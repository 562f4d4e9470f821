//! A row for tests: an `async` test of design §3.1, fired at 01:22:33, in whatever state a test needs.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Facts, FireStatus, Moment, Origin, Outcome, Reason, Stage, Stamp, Test, TestId, Via,
};
use canary_store::ResultRow;
use chrono::TimeDelta;

/// So many milliseconds after the firing.
pub(crate) fn after(ms: i64) -> Moment {
    canary_domain::parse_iso("2026-11-21T01:22:33Z").unwrap() + TimeDelta::milliseconds(ms)
}

pub(crate) fn stamp(ms: i64, via: Via) -> Stamp {
    Stamp { seen: after(ms), via, occurred: after(ms - 5), frame: "a".into(), position: 7, error_us: 100 }
}

/// Accepted, with its saga begun, and not judged.
pub(crate) fn row() -> ResultRow {
    let mut facts = Facts::registered(Test {
        test_id: TestId::random(),
        canary: "test".into(),
        path: "a-b-async".into(),
        backend: Backend::Async,
        origin: Origin::Schedule,
        cycle: Some(29_414_482),
        period_ms: Some(60_000),
        term: 3,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:alpha".into(),
        receiver: "did:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: after(-20),
        deadline: Duration::from_secs(330),
        watch: Duration::from_secs(600),
    });
    facts.fired_at = Some(after(0));
    facts.answer = Some(Answer {
        at: after(40),
        status: FireStatus::Accepted,
        code: Some(202),
        transfer_id: Some("t-1".into()),
        error: None,
    });
    facts.stamps.add(Stage::CfInitiated, stamp(30, Via::Live));
    let deadline_at = Some(facts.deadline_at());
    ResultRow {
        facts,
        deadline_at,
        outcome: Outcome::Pending,
        reason: None,
        missing: Vec::new(),
        completed_at: None,
        decided_as_of: None,
        judged_at: None,
        latency_ms: None,
        latency_basis: None,
        clock_error_ms: None,
        landed: None,
        revision: 0,
        judge_term: 0,
    }
}

/// The same, decided for this reason.
pub(crate) fn because(reason: Reason) -> ResultRow {
    ResultRow {
        outcome: reason.outcome(),
        reason: Some(reason),
        decided_as_of: Some(after(330_000)),
        judged_at: Some(after(333_000)),
        revision: 1,
        ..row()
    }
}
