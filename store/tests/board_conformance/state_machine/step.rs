//! The steps, in small numbers: which test, which leadership, which moment.

use std::time::Duration;

use canary_domain::{
    Answer, Backend, Facts, FireError, FireStatus, Mismatch, Moment, Origin, Reason, Role, Sighting, Stage,
    Stamp, Test, TestId, Via, Withheld,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::at;

/// Tests that there may be: four of slots, two of them of the same slot, and one without.
pub const TESTS: usize = 5;
/// The cycles of the slots.
pub const CYCLES: [i64; 3] = [7, 8, 9];
pub const PATH: &str = "a-async";
pub const ROLES: [Role; 2] = [Role::Runner, Role::Judge];

/// One call of the board.
#[derive(Clone, Debug)]
pub enum Step {
    Acquire { role: usize, node: usize },
    Renew { lead: usize, as_other_node: bool },
    Release { lead: usize, as_other_node: bool },
    Register { lead: usize, lapsed: bool, test: usize },
    RegisterFree { test: usize },
    NoteFired { test: usize, ms: i64 },
    NoteAnswer { test: usize, answer: Answer },
    NoteWithheld { test: usize, ms: i64 },
    NoteMismatch { test: usize, mismatch: Mismatch },
    Stamp { batch: Vec<(usize, Stage, Stamp)> },
    Restore { facts: Vec<(usize, Facts)> },
    Due { ms: i64 },
    Reschedule { looks: Vec<(usize, i64)> },
    Close { tests: Vec<usize> },
    Keep { tests: Vec<usize> },
    SavePosition { node: usize, position: Option<i64> },
    Forget,
}

/// The id of a test is the same in every run, so that its place among others is.
pub fn id(test: usize) -> TestId {
    format!("00000000-0000-8000-8000-00000000000{}", [3, 1, 4, 2, 5][test]).parse().unwrap()
}

pub fn test(test: usize) -> Test {
    let cycle = [Some(CYCLES[0]), Some(CYCLES[1]), Some(CYCLES[2]), Some(CYCLES[0]), None][test];
    Test {
        test_id: id(test),
        canary: "prod".to_owned(),
        path: PATH.to_owned(),
        backend: Backend::Async,
        origin: if cycle.is_some() { Origin::Schedule } else { Origin::Fire },
        cycle,
        period_ms: cycle.map(|_| 60_000),
        term: 7,
        source_frame: "a".to_owned(),
        dest_frame: "b".to_owned(),
        sender: "did:x:alpha".to_owned(),
        receiver: "did:x:bravo".to_owned(),
        amount: "0.010".parse().unwrap(),
        registered_at: at(i64::try_from(test).unwrap() % 3),
        deadline: Duration::from_millis(5),
        watch: Duration::from_secs(600),
    }
}

pub fn sighting(&(test, stage, ref stamp): &(usize, Stage, Stamp)) -> Sighting {
    Sighting { test_id: id(test), stage, stamp: stamp.clone() }
}

pub fn withheld(ms: i64) -> Withheld {
    Withheld { at: at(ms), reason: Reason::LeaseLost, code: None }
}

/// Few moments, so that some are the same.
pub fn moment() -> impl Strategy<Value = i64> {
    0..12_i64
}

fn tests() -> impl Strategy<Value = usize> {
    0..TESTS
}

fn answers() -> impl Strategy<Value = Answer> {
    (moment(), select(vec![FireStatus::Accepted, FireStatus::Rejected]), 0..2_u8).prop_map(
        |(ms, status, n)| {
            let accepted = status == FireStatus::Accepted;
            Answer {
                at: at(ms),
                status,
                code: accepted.then_some(202),
                transfer_id: accepted.then(|| format!("tx-{n}")),
                error: (!accepted)
                    .then(|| FireError { code: Some("E1".to_owned()), detail: format!("no: {n}") }),
            }
        },
    )
}

fn mismatches() -> impl Strategy<Value = Mismatch> {
    (moment(), select(vec!["amount", "receiver"]))
        .prop_map(|(ms, what)| Mismatch { at: at(ms), what: what.to_owned() })
}

/// Those of one moment differ in the rest, which has to decide.
fn stamps() -> impl Strategy<Value = Stamp> {
    let rest = (select(vec![Via::Live, Via::Replay, Via::Backstop]), 0..2_i64, select(vec!["a", "a2"]));
    (moment(), rest, select(vec![5, 41, 401_i64]), select(vec![90, 700_u64])).prop_map(
        |(ms, (via, before, frame), position, error_us)| Stamp {
            seen: at(ms),
            via,
            occurred: at(ms - before),
            frame: frame.to_owned(),
            position,
            error_us,
        },
    )
}

fn stages() -> impl Strategy<Value = Stage> {
    select(vec![Stage::CfInitiated, Stage::CfSettledLocal, Stage::CfRefunded])
}

/// Facts of a test, with something in each place or nothing.
fn facts() -> impl Strategy<Value = (usize, Facts)> {
    let parts = (
        proptest::option::of(moment()),
        proptest::option::of(answers()),
        proptest::option::of(moment()),
        proptest::option::of(mismatches()),
        proptest::option::of((stages(), stamps())),
    );
    (tests(), parts).prop_map(|(index, (fired, answer, refused, mismatch, stamp))| {
        let mut facts = Facts {
            fired_at: fired.map(at),
            fired_error_us: fired.map_or(0, |_| 55),
            answer,
            withheld: refused.map(withheld),
            mismatch,
            ..Facts::registered(test(index))
        };
        if let Some((stage, stamp)) = stamp {
            facts.stamps.add(stage, stamp);
        }
        (index, facts)
    })
}

/// Steps of somebody who has led so often.
pub fn steps(leads: usize) -> BoxedStrategy<Step> {
    let lead = || 0..leads.max(1);
    let some = || proptest::collection::vec(tests(), 0..4);
    let led = prop_oneof![
        6 => (lead(), prop::bool::weighted(0.1), tests())
            .prop_map(|(lead, lapsed, test)| Step::Register { lead, lapsed, test }),
        1 => (lead(), any::<bool>()).prop_map(|(lead, as_other_node)| Step::Renew { lead, as_other_node }),
        1 => (lead(), any::<bool>()).prop_map(|(lead, as_other_node)| Step::Release { lead, as_other_node }),
    ];
    let unled = prop_oneof![
        4 => (0..2_usize, 0..2_usize).prop_map(|(role, node)| Step::Acquire { role, node }),
        1 => tests().prop_map(|test| Step::RegisterFree { test }),
        3 => (tests(), moment()).prop_map(|(test, ms)| Step::NoteFired { test, ms }),
        3 => (tests(), answers()).prop_map(|(test, answer)| Step::NoteAnswer { test, answer }),
        1 => (tests(), moment()).prop_map(|(test, ms)| Step::NoteWithheld { test, ms }),
        2 => (tests(), mismatches()).prop_map(|(test, mismatch)| Step::NoteMismatch { test, mismatch }),
        4 => proptest::collection::vec((tests(), stages(), stamps()), 0..5)
            .prop_map(|batch| Step::Stamp { batch }),
        3 => proptest::collection::vec(facts(), 0..3).prop_map(|facts| Step::Restore { facts }),
        5 => moment().prop_map(|ms| Step::Due { ms }),
        3 => proptest::collection::vec((tests(), moment()), 0..4)
            .prop_map(|looks| Step::Reschedule { looks }),
        2 => some().prop_map(|tests| Step::Close { tests }),
        1 => some().prop_map(|tests| Step::Keep { tests }),
        1 => (0..2_usize, proptest::option::of(0..9_i64))
            .prop_map(|(node, position)| Step::SavePosition { node, position }),
        1 => Just(Step::Forget),
    ];
    if leads == 0 { unled.boxed() } else { prop_oneof![8 => led, 25 => unled].boxed() }
}

/// The moment of a number.
pub fn moment_at(ms: i64) -> Moment {
    at(ms)
}
