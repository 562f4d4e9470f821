//! Tests and stamps in few words.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Coverage, EventType, Facts, FireStatus, Interval, Moment, Origin, Patience, Stage,
    Stamp, Test, TestId, Via,
};
use chrono::{DateTime, TimeDelta};

pub const PATIENCE: Patience =
    Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(1) };

/// A moment so many milliseconds after the test's firing.
pub fn at(ms: i64) -> Moment {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::milliseconds(ms)
}

/// A test that was fired at `at(0)` and accepted at `at(100)`.
pub fn fired(backend: Backend) -> Facts {
    let mut facts = unsent(backend);
    facts.fired_at = Some(at(0));
    facts.answer = Some(answer(FireStatus::Accepted, 200));
    facts
}

/// A test that was registered at `at(-50)` and of which nothing else is known.
pub fn unsent(backend: Backend) -> Facts {
    Facts::registered(Test {
        test_id: TestId::random(),
        canary: "prod".into(),
        path: "p".into(),
        backend,
        origin: Origin::Schedule,
        cycle: Some(1),
        period_ms: Some(60_000),
        term: 1,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: "did:s".into(),
        receiver: "did:r".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: at(-50),
        deadline: backend.rule().deadline,
        watch: Duration::from_secs(600),
    })
}

pub fn answer(status: FireStatus, code: u16) -> Answer {
    Answer { at: at(100), status, code: Some(code), transfer_id: None, error: None }
}

pub fn stamp(seen_ms: i64, via: Via) -> Stamp {
    Stamp {
        seen: at(seen_ms),
        via,
        occurred: at(seen_ms - 20),
        frame: "a".into(),
        position: 7,
        error_us: 300,
    }
}

pub fn with(mut facts: Facts, stamps: &[(Stage, i64)]) -> Facts {
    for (stage, seen_ms) in stamps {
        facts.stamps.add(*stage, stamp(*seen_ms, Via::Live));
    }
    facts
}

/// Coverage of every type from before the registration to so many milliseconds after firing.
pub fn covered(until_ms: i64) -> Coverage {
    let mut coverage = Coverage::default();
    for event_type in EventType::ALL {
        coverage.add(*event_type, Interval { from: at(-1_000), until: at(until_ms) });
    }
    coverage
}
