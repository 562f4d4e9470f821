//! The steps, in small numbers: which test, how much is known of it, what was decided.

use canary_domain::{Facts, Hold, HoldKind, Mismatch, Outcome, Reason, Stage, Test, TestId, Verdict};
use canary_store::{FactsRow, Unfired};
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::sample::select;

use crate::fixtures::{
    CYCLE, at, because, edge, fired_by_hand, judged, not_fired, passed, seen, stamp, test,
};

/// Tests that there may be: of two paths' slots, another of a slot that has one, and one without a slot.
pub const TESTS: usize = 10;
pub const PATHS: [&str; 2] = ["p", "q"];

/// One call of the ledger.
#[derive(Clone, Debug)]
pub enum Step {
    Claim { test: usize },
    WriteUnfired { rows: Vec<(usize, Reason)> },
    Record { rows: Vec<Judged> },
    Prune { cycle: i64, limit: i64 },
    PlaceHold { hold: Hold },
    LiftPause { path: usize, ms: i64 },
    EndMaintenance { ms: i64 },
    SaveMark { change: i64 },
}

/// What a judge writes of a test.
#[derive(Clone, Debug)]
pub struct Judged {
    pub test: usize,
    /// How much is known: registered, fired, answered, seen, the fee too.
    pub known: usize,
    pub mismatch: bool,
    /// Nothing, passed, timeout, blind.
    pub verdict: usize,
    pub term: i64,
}

pub fn id(index: usize) -> TestId {
    let digit = [3, 1, 4, 9, 5, 2, 6, 8, 7, 0][index];
    format!("00000000-0000-8000-8000-00000000000{digit}").parse().unwrap()
}

/// The test of an index; the same in every run.
pub fn made(index: usize) -> Test {
    let made = match index {
        0..4 => test("p", CYCLE + i64::try_from(index).unwrap()),
        4..8 => test("q", CYCLE + i64::try_from(index).unwrap() - 4),
        8 => test("p", CYCLE),
        _ => fired_by_hand("p"),
    };
    Test { test_id: id(index), ..made }
}

pub fn unfired(&(index, reason): &(usize, Reason)) -> Unfired {
    not_fired(made(index), reason)
}

fn facts_of(it: &Judged) -> Facts {
    let all = seen(made(it.test));
    let mut facts = Facts::registered(all.test.clone());
    if it.known >= 1 {
        (facts.fired_at, facts.fired_error_us) = (all.fired_at, all.fired_error_us);
    }
    if it.known >= 2 {
        facts.answer = all.answer;
    }
    if it.known >= 3 {
        facts.stamps = all.stamps;
    }
    if it.known >= 4 {
        facts.stamps.add(Stage::FeeCollected, stamp(facts.start() + TimeDelta::seconds(1)));
    }
    if it.mismatch {
        facts.mismatch = Some(Mismatch { at: facts.start(), what: "amount".to_owned() });
    }
    facts
}

pub fn row(it: &Judged) -> FactsRow {
    let facts = facts_of(it);
    let verdict: Option<Verdict> = match it.verdict {
        0 => None,
        1 => Some(passed(&facts)),
        2 => Some(because(&facts, Reason::Timeout)),
        _ => Some(because(&facts, Reason::ObserverBlind)),
    };
    FactsRow { judge_term: it.term, ..judged(facts, verdict) }
}

fn judged_rows() -> impl Strategy<Value = Judged> {
    (0..TESTS, 0..5_usize, prop::bool::weighted(0.1), 0..4_usize, 1..4_i64)
        .prop_map(|(test, known, mismatch, verdict, term)| Judged { test, known, mismatch, verdict, term })
}

fn holds() -> impl Strategy<Value = Hold> {
    let path = prop::option::of(0..PATHS.len());
    (any::<bool>(), path, 0..20_i64, prop::option::of(0..30_i64)).prop_map(|(pause, path, from, until)| {
        let kind = if pause { HoldKind::Pause } else { HoldKind::Maintenance };
        // A pause is of a path; a window has an end.
        let path = if pause { Some(path.unwrap_or(0)) } else { path };
        let until = if pause { until } else { Some(until.unwrap_or(5)) };
        Hold {
            kind,
            path: path.map(|path| PATHS[path].to_owned()),
            from: at(from),
            until: until.map(|us| at(from + us)),
        }
    })
}

/// Steps of anybody.
pub fn steps() -> BoxedStrategy<Step> {
    let reasons = || select(vec![Reason::NoLeader, Reason::Paused]);
    prop_oneof![
        // Scheduled tests alone are claimed or not fired.
        4 => (0..TESTS).prop_map(|test| Step::Claim { test }),
        3 => proptest::collection::vec((0..9_usize, reasons()), 1..4).prop_map(|rows| Step::WriteUnfired { rows }),
        9 => proptest::collection::vec(judged_rows(), 1..5).prop_map(|rows| Step::Record { rows }),
        4 => (0..6_i64, 1..4_i64).prop_map(|(cycle, limit)| Step::Prune { cycle: CYCLE + cycle, limit }),
        1 => holds().prop_map(|hold| Step::PlaceHold { hold }),
        1 => (0..2_usize, 0..30_i64).prop_map(|(path, ms)| Step::LiftPause { path, ms }),
        1 => (0..30_i64).prop_map(|ms| Step::EndMaintenance { ms }),
        1 => (0..6_i64).prop_map(|change| Step::SaveMark { change }),
    ]
    .boxed()
}

/// The begin of a cycle.
pub fn begin(cycle: i64) -> canary_domain::Moment {
    edge(cycle)
}

/// The outcomes, in the order of an account.
pub const OUTCOMES: [Outcome; 7] = [
    Outcome::Passed,
    Outcome::Late,
    Outcome::Failed,
    Outcome::Inconclusive,
    Outcome::Skipped,
    Outcome::Missed,
    Outcome::Pending,
];
