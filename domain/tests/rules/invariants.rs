//! I3, I4 and I5 over random facts: any order of stamps, any sweep times, repeats and late arrivals.

use std::time::Duration;

use crate::support::{PATIENCE, answer, at, covered, fired, unsent};
use canary_domain::{
    Backend, Coverage, EventType, Facts, FireStatus, Interval, Mismatch, Outcome, Reason, Stage, Stamp, Via,
    Withheld, judge,
};
use proptest::prelude::*;

/// Something that arrives at the board at a moment.
#[derive(Clone, Debug)]
struct Arrival {
    after_ms: i64,
    stage: Stage,
    stamp: Stamp,
}

fn backends() -> impl Strategy<Value = Backend> {
    proptest::sample::select(Backend::ALL)
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let via = proptest::sample::select(vec![Via::Live, Via::Replay, Via::Backstop]);
    let one = (proptest::sample::select(Stage::ALL), 0..400_000_i64, 0..2_000_i64, 0..200_000_i64, via)
        .prop_map(|(stage, seen, age, delay, via)| Arrival {
            after_ms: seen + delay,
            stage,
            stamp: Stamp {
                seen: at(seen),
                via,
                occurred: at(seen - age),
                frame: "a".into(),
                position: seen,
                error_us: 1,
            },
        });
    proptest::collection::vec(one, 0..12)
}

fn facts() -> impl Strategy<Value = Facts> {
    let status = proptest::sample::select(vec![
        None,
        Some(FireStatus::Accepted),
        Some(FireStatus::Rejected),
        Some(FireStatus::Unavailable),
        Some(FireStatus::Timeout),
    ]);
    (backends(), status, any::<[bool; 3]>(), proptest::option::weighted(0.1, 0..400_000_i64), arrivals())
        .prop_map(|(backend, status, [noted, withheld, restored], mismatch, arrivals)| {
            let mut facts = if noted { fired(backend) } else { unsent(backend) };
            facts.answer = status.map(|status| answer(status, 200));
            facts.withheld = withheld.then(|| Withheld { at: at(1), reason: Reason::LeaseLost, code: None });
            facts.restored = restored;
            facts.mismatch = mismatch.map(|ms| Mismatch { at: at(ms), what: "amount".into() });
            add(&mut facts, &arrivals);
            facts
        })
}

fn coverage() -> impl Strategy<Value = Coverage> {
    proptest::collection::vec(
        (proptest::sample::select(EventType::ALL), -1_000..100_000_i64, 0..500_000_i64),
        0..10,
    )
    .prop_map(|spans| {
        let mut coverage = Coverage::default();
        for (event_type, from, length) in spans {
            coverage.add(event_type, Interval { from: at(from), until: at(from + length) });
        }
        coverage
    })
}

fn add(facts: &mut Facts, arrivals: &[Arrival]) {
    for arrival in arrivals {
        facts.stamps.add(arrival.stage, arrival.stamp.clone());
    }
}

proptest! {
    /// I3: the order in which stamps arrive, and how often, changes nothing.
    #[test]
    fn any_order_of_stamps_and_repeats_give_the_same_stamps(arrivals in arrivals(), swaps in any::<[usize; 8]>()) {
        let mut straight = fired(Backend::Async);
        add(&mut straight, &arrivals);
        let mut shuffled = arrivals.clone();
        for pair in swaps.chunks(2).filter(|_| !arrivals.is_empty()) {
            shuffled.swap(pair[0] % arrivals.len(), pair[1] % arrivals.len());
        }
        shuffled.extend(arrivals.iter().rev().cloned());
        let mut other = fired(Backend::Async);
        add(&mut other, &shuffled);
        prop_assert_eq!(straight.stamps, other.stamps);
    }

    /// I3: once given, a verdict stands for as long as the facts do. Only whether a bad call landed may
    /// become known later.
    #[test]
    fn the_same_facts_give_the_same_verdict_at_any_later_time(
        facts in facts(), coverage in coverage(), first in 0..700_000_i64, later in 0..700_000_i64,
    ) {
        let early = judge(&facts, &coverage, &PATIENCE, at(first)).verdict;
        let mut late = judge(&facts, &coverage, &PATIENCE, at(first + later)).verdict;
        if let Some(early) = early {
            if let (None, Some(late)) = (early.landed, late.as_mut()) {
                late.landed = None;
            }
            prop_assert_eq!(Some(early), late);
        }
    }

    /// I3, I4: whatever the sweep's interval and however late stamps reach the board within the watch,
    /// the last word and its latency are the same.
    #[test]
    fn any_sweep_interval_ends_in_the_same_verdict_and_latency(
        backend in backends(), arrivals in arrivals(), one in 500..20_000_i64, other in 500..20_000_i64,
    ) {
        let sweep = |every: i64| {
            let mut facts = fired(backend);
            let mut said = None;
            let mut now = 0;
            loop {
                now += every;
                for arrival in arrivals.iter().filter(|a| a.after_ms <= now && a.after_ms > now - every) {
                    facts.stamps.add(arrival.stage, arrival.stamp.clone());
                }
                let judgement = judge(&facts, &covered(now - 1_000), &PATIENCE, at(now));
                said = judgement.verdict.or(said);
                if judgement.look_again.is_none() {
                    return said;
                }
            }
        };
        prop_assert_eq!(sweep(one), sweep(other));
    }

    /// I5: silence alone is never held against the platform unless somebody has certainly looked.
    #[test]
    fn without_coverage_silence_never_fails_a_test(backend in backends(), noted in any::<bool>(), ms in 0..2_000_000_i64) {
        let facts = if noted { fired(backend) } else { unsent(backend) };
        let said = judge(&facts, &Coverage::default(), &PATIENCE, at(ms)).verdict;
        prop_assert!(said.is_none_or(|said| said.outcome == Outcome::Inconclusive));
    }

    /// I5: a lost runner, a lost state or a blind observer is never called a failure.
    #[test]
    fn a_failure_always_has_evidence(facts in facts(), coverage in coverage(), ms in 0..2_000_000_i64) {
        let Some(said) = judge(&facts, &coverage, &PATIENCE, at(ms)).verdict else { return Ok(()) };
        if said.reason == Some(Reason::Timeout) || said.outcome == Outcome::Late {
            let (start, deadline) = (facts.start(), facts.deadline_at());
            let in_time = |stage: &Stage| facts.stamps.get(*stage).is_some_and(|stamp| stamp.counted() <= deadline);
            let unmet = facts.test.backend.rule().done.iter().filter(|group| !group.any_of.iter().any(in_time));
            let looked = |stage: &Stage| coverage.covers(stage.event_type(), start, deadline);
            prop_assert!(unmet.flat_map(|group| group.any_of).all(looked), "{said:?}");
        }
    }

    /// The judge never asks to look again at a moment that has passed, and always ends.
    #[test]
    fn looking_again_always_lies_ahead(facts in facts(), coverage in coverage(), ms in 0..2_000_000_i64) {
        let judgement = judge(&facts, &coverage, &PATIENCE, at(ms));
        prop_assert!(judgement.look_again.is_none_or(|next| next > at(ms)));
        let over = at(0) + facts.test.watch + Duration::from_secs(100);
        prop_assert_eq!(judge(&facts, &coverage, &PATIENCE, over).look_again, None);
    }
}
