//! The rule of `correlate`, in any order of arrival.

use canary_domain::{Answer, EventType, Facts, FireStatus, Sighting, Test, TestId, Via};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::{BRAVO, Bench, event, moment, test};
use crate::correlate::Finding;
use crate::event::{Event, Moved, Seen};
use crate::held::HOLD;
use crate::outbox::Outbox;

/// One thing that arrives.
#[derive(Clone, Debug)]
enum Arrival {
    Announcement(usize),
    Answer(usize),
    Read,
    Event(Event),
}

fn transfer_id(index: usize) -> String {
    format!("transfer-{index}")
}

/// Two tests of one path, with all their events, a contradiction, a stranger's forgery, and users' traffic.
fn arrivals(tests: &[Test]) -> Vec<Arrival> {
    let mut all = vec![Arrival::Read];
    for (index, test) in tests.iter().enumerate() {
        let id = transfer_id(index);
        all.extend([Arrival::Announcement(index), Arrival::Answer(index), Arrival::Answer(index)]);
        for (offset, kind) in EventType::ALL.iter().enumerate() {
            let memo = (*kind != EventType::TransactionFeeCollected).then_some(test.test_id);
            let position = i64::try_from(index * 10 + offset).unwrap();
            all.push(Arrival::Event(event(*kind, position, &id, memo)));
        }
        let position = i64::try_from(index * 10 + 7).unwrap();
        let forged = event(EventType::TokensTransferred, position, "forged", Some(test.test_id));
        all.push(Arrival::Event(Event { sender: "did:x".into(), ..forged }));
    }
    let wrong = event(EventType::CrossFrameTransferSettled, 8, &transfer_id(0), Some(tests[0].test_id));
    let moved = Some(Moved { receiver: BRAVO.into(), amount: "5".into() });
    all.push(Arrival::Event(Event { moved, ..wrong }));
    all
}

/// What the board hears in the end: the earliest sighting of each stage, and the contradictions.
fn outcome(tests: &[Test], order: &[Arrival]) -> (Vec<Sighting>, Vec<(TestId, String)>) {
    let mut bench = Bench::new();
    for (step, arrival) in order.iter().enumerate() {
        let ms = step as u64;
        match arrival {
            Arrival::Announcement(index) => bench.announce(ms, &tests[*index]),
            Arrival::Answer(index) => bench.answer(ms, &tests[*index], &transfer_id(*index)),
            Arrival::Read => bench.read_board(ms, &[facts(&tests[0])]),
            // An event is seen when it is seen, whatever arrives before it: its moment is its position.
            Arrival::Event(event) => {
                let at = bench.at(ms);
                let seen = moment(event.position);
                let seen = Seen { event: event.clone(), local: true, at, seen, via: Via::Live, error_us: 0 };
                bench.correlator.event(seen, &mut bench.found);
            }
        }
    }
    bench.expire(u64::try_from(HOLD.as_millis()).unwrap() + 1_000);
    let found = bench.take();
    let mut outbox = Outbox::default();
    for finding in found {
        match finding {
            Finding::Sighting(sighting, at) => outbox.sighting(sighting, at),
            Finding::Mismatch(test_id, mismatch) => outbox.mismatch(test_id, mismatch),
            Finding::Matched(_)
            | Finding::Rejected(..)
            | Finding::Transfer(_)
            | Finding::TransfersForgotten => {}
        }
    }
    let mismatches =
        outbox.mismatches().map(|(test_id, mismatch)| (test_id, mismatch.what.clone())).collect();
    (outbox.sightings().collect(), mismatches)
}

fn facts(test: &Test) -> Facts {
    let answer = Answer {
        at: test.registered_at + TimeDelta::milliseconds(20),
        status: FireStatus::Accepted,
        code: Some(202),
        transfer_id: Some(transfer_id(0)),
        error: None,
    };
    Facts { answer: Some(answer), ..Facts::registered(test.clone()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    /// Announcement, answer and events in any order give the same sightings and contradictions (I3, I7).
    #[test]
    fn the_order_of_arrival_changes_nothing(seed in any::<[prop::sample::Index; 32]>()) {
        let tests = [test(), test()];
        let straight = arrivals(&tests);
        let mut shuffled = straight.clone();
        for (last, pick) in (1..shuffled.len()).rev().zip(&seed) {
            shuffled.swap(last, pick.index(last + 1));
        }
        let (expected, actual) = (outcome(&tests, &straight), outcome(&tests, &shuffled));
        prop_assert_eq!(expected.0.len(), 10, "five stages of each test");
        prop_assert_eq!(expected.1.len(), 1);
        prop_assert_eq!(expected, actual);
    }
}
