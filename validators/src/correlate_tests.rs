//! The rule of `correlate`, by example.

mod order;

use std::time::Duration;

use canary_domain::{Backend, EventType, Facts, Moment, Origin, Sighting, Stage, Test, TestId, Via};
use canary_telemetry::RejectReason;
use tokio::time::Instant;

use crate::correlate::{Correlator, Finding};
use crate::event::{Event, Moved, Seen};
use crate::held::MAX_OWN;

const ALPHA: &str = "did:avt:a:alpha";
const BRAVO: &str = "did:avt:a:bravo";
const WATCH: Duration = Duration::from_secs(600);

fn moment(ms: i64) -> Moment {
    chrono::DateTime::from_timestamp_millis(1_800_000_000_000 + ms).unwrap()
}

fn test() -> Test {
    Test {
        test_id: TestId::random(),
        canary: "test".into(),
        path: "a-async".into(),
        backend: Backend::Async,
        origin: Origin::Schedule,
        cycle: Some(1),
        period_ms: Some(60_000),
        term: 1,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: ALPHA.into(),
        receiver: BRAVO.into(),
        amount: "0.01".parse().unwrap(),
        registered_at: moment(0),
        deadline: Duration::from_secs(330),
        watch: WATCH,
    }
}

struct Bench {
    start: Instant,
    correlator: Correlator,
    found: Vec<Finding>,
}

impl Bench {
    fn new() -> Self {
        let correlator = Correlator::new([ALPHA.to_owned()], WATCH);
        Self { start: Instant::now(), correlator, found: Vec::new() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn seen(&self, ms: u64, event: Event) -> Seen {
        let seen = moment(ms.cast_signed());
        Seen { event, local: true, at: self.at(ms), seen, via: Via::Live, error_us: 0 }
    }

    fn event(&mut self, ms: u64, event: &Event) {
        let seen = self.seen(ms, event.clone());
        self.correlator.event(seen, &mut self.found);
    }

    fn announce(&mut self, ms: u64, test: &Test) {
        let now = self.at(ms);
        self.correlator.announced(test.clone(), now, &mut self.found);
    }

    fn answer(&mut self, ms: u64, test: &Test, transfer_id: &str) {
        let now = self.at(ms);
        self.correlator.transferred(test.test_id, transfer_id, now, &mut self.found);
    }

    fn read_board(&mut self, ms: u64, facts: &[Facts]) {
        let now = self.at(ms);
        for facts in facts {
            self.correlator.read(facts, now, &mut self.found);
        }
        self.correlator.board_read(now);
    }

    fn expire(&mut self, ms: u64) {
        let now = self.at(ms);
        self.correlator.expire(now, &mut self.found);
    }

    fn take(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.found)
    }

    fn sightings(&mut self) -> Vec<Sighting> {
        let sighting = |found| match found {
            Finding::Sighting(sighting, _) => Some(sighting),
            Finding::Matched(_)
            | Finding::Mismatch(..)
            | Finding::Rejected(..)
            | Finding::Transfer(_)
            | Finding::TransfersForgotten => None,
        };
        self.take().into_iter().filter_map(sighting).collect()
    }

    fn mismatches(&mut self) -> Vec<(TestId, String)> {
        let mismatch = |found| match found {
            Finding::Mismatch(test_id, mismatch) => Some((test_id, mismatch.what)),
            Finding::Matched(_)
            | Finding::Sighting(..)
            | Finding::Rejected(..)
            | Finding::Transfer(_)
            | Finding::TransfersForgotten => None,
        };
        self.take().into_iter().filter_map(mismatch).collect()
    }
}

fn event(kind: EventType, position: i64, transfer_id: &str, memo: Option<TestId>) -> Event {
    Event {
        event_type: kind,
        position,
        occurred: moment(1),
        frame: "a".into(),
        transfer_id: Some(transfer_id.into()),
        memo,
        sender: ALPHA.into(),
        moved: (kind != EventType::TransactionFeeCollected)
            .then(|| Moved { receiver: BRAVO.into(), amount: "0.010".into() }),
    }
}

fn rejected(reason: RejectReason) -> Finding {
    Finding::Rejected(EventType::TokensTransferred, reason)
}

#[test]
fn another_event_at_a_position_that_was_seen_before_is_held_too() {
    let (mut bench, one, other) = (Bench::new(), test(), test());
    for test in [&one, &one, &other] {
        bench
            .event(5, &event(EventType::TokensTransferred, 1, &test.test_id.to_string(), Some(test.test_id)));
    }
    bench.announce(10, &one);
    bench.announce(10, &other);
    let stamped: Vec<TestId> = bench.sightings().into_iter().map(|sighting| sighting.test_id).collect();
    assert_eq!(stamped, [one.test_id, other.test_id]);
}

#[test]
fn a_strangers_event_with_the_memo_of_a_test_is_never_stamped() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    bench.answer(10, &test, "t1");
    let transfer = event(EventType::TokensTransferred, 1, "t9", Some(test.test_id));
    let moved =
        |receiver: &str, amount: &str| Some(Moved { receiver: receiver.into(), amount: amount.into() });
    for forged in [
        Event { sender: "did:mallory".into(), ..transfer.clone() },
        Event { moved: moved("did:mallory", "0.01"), ..transfer.clone() },
        Event { moved: moved(BRAVO, "0.02"), ..transfer.clone() },
        Event { moved: moved(BRAVO, "much"), ..transfer },
    ] {
        bench.take();
        bench.event(20, &forged);
        assert_eq!(bench.take(), [rejected(RejectReason::Stranger)], "{forged:?}");
    }
}

#[test]
fn an_event_with_the_tests_own_transfer_id_and_other_parties_is_a_mismatch_whatever_its_memo() {
    for memo in [true, false] {
        let (mut bench, test) = (Bench::new(), test());
        bench.announce(0, &test);
        bench.answer(10, &test, "t1");
        let mut wrong = event(EventType::TokensTransferred, 7, "t1", memo.then_some(test.test_id));
        wrong.moved = Some(Moved { receiver: "did:x".into(), amount: "0.02".into() });
        bench.event(20, &wrong);
        let what = "TokensTransferred at position 7: receiver is `did:x`, not did:avt:a:bravo; amount is `0.02`, not 0.01";
        assert_eq!(bench.mismatches(), [(test.test_id, what.to_owned())]);
    }
}

#[test]
fn a_contested_event_waits_for_the_transfer_id_and_is_a_strangers_after_half_a_minute() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    let wrong =
        Event { sender: "did:x".into(), ..event(EventType::TokensTransferred, 7, "t1", Some(test.test_id)) };
    bench.event(5, &wrong);
    assert_eq!(bench.take(), []);
    bench.answer(100, &test, "t1");
    assert_eq!(bench.mismatches().len(), 1);

    let (mut bench, other) = (Bench::new(), self::test());
    bench.announce(0, &other);
    bench.event(5, &Event { memo: Some(other.test_id), ..wrong });
    bench.expire(29_000);
    assert_eq!(bench.take(), []);
    bench.expire(31_000);
    assert_eq!(bench.take(), [rejected(RejectReason::Stranger)]);
}

#[test]
fn an_event_with_other_parties_that_overtook_its_tests_announcement_contradicts_it_all_the_same() {
    let (mut bench, test) = (Bench::new(), test());
    let wrong =
        Event { sender: "did:x".into(), ..event(EventType::TokensTransferred, 7, "t1", Some(test.test_id)) };
    bench.event(5, &wrong);
    for position in 8..500 {
        let memo = Some(TestId::random());
        bench.event(6, &Event { position, memo, ..wrong.clone() });
    }
    bench.take();
    bench.announce(50, &test);
    assert_eq!(bench.take(), [], "whose it is, the transfer's id decides");
    bench.answer(100, &test, "t1");
    assert_eq!(bench.mismatches().len(), 1);
}

#[test]
fn an_event_that_overtook_its_announcement_is_not_taken_for_another_tests_with_its_transfer_id() {
    for receiver in [BRAVO, "did:avt:b:charlie"] {
        let (mut bench, first, second) = (Bench::new(), test(), Test { receiver: receiver.into(), ..test() });
        let kind = EventType::TokensTransferred;
        bench.announce(0, &first);
        bench.event(5, &event(kind, 1, "same", Some(first.test_id)));
        assert_eq!(bench.sightings().len(), 1);
        let moved = Some(Moved { receiver: receiver.into(), amount: "0.01".into() });
        bench.event(6, &Event { moved, ..event(kind, 2, "same", Some(second.test_id)) });
        assert_eq!(bench.take(), [], "to {receiver}");
        bench.answer(7, &first, "same");
        bench.announce(8, &second);
        let stamped: Vec<_> = bench.sightings().into_iter().map(|s| (s.test_id, s.stamp.seen)).collect();
        assert_eq!(stamped, [(second.test_id, moment(6))]);
    }
}

#[test]
fn whose_memo_names_a_test_that_the_board_does_not_know_is_whose_transfer_it_is() {
    for (amount, stamps, mismatches) in [("0.01", 1, 0), ("0.02", 0, 1)] {
        for answered_first in [true, false] {
            let (mut bench, test) = (Bench::new(), test());
            let moved = Some(Moved { receiver: BRAVO.into(), amount: amount.into() });
            let memo = Some(TestId::random());
            let seen = Event { moved, ..event(EventType::TokensTransferred, 1, "t1", memo) };
            bench.announce(0, &test);
            if answered_first {
                bench.answer(1, &test, "t1");
            }
            bench.event(5, &seen);
            bench.answer(6, &test, "t1");
            bench.read_board(4, &[]);
            bench.expire(7);
            assert!(bench.sightings().is_empty(), "that reading may have come too early");
            bench.read_board(8, &[]);
            bench.expire(9);
            let found = bench.take();
            bench.found.clone_from(&found);
            assert_eq!(bench.sightings().len(), stamps, "of {amount}");
            bench.found = found;
            assert_eq!(bench.mismatches().len(), mismatches, "of {amount}");
        }
    }
}

#[test]
fn strangers_memos_cost_no_memory_and_are_counted() {
    let mut bench = Bench::new();
    for position in 0..10_000 {
        let memo = Some(TestId::random());
        let forged =
            Event { sender: "did:x".into(), ..event(EventType::TokensTransferred, position, "t", memo) };
        bench.event(1, &forged);
    }
    assert!(bench.take().iter().all(|found| *found == rejected(RejectReason::UnknownTest)));
    assert_eq!(bench.correlator.blocks(EventType::TokensTransferred), None);
}

#[test]
fn the_fee_event_is_found_by_transfer_id_even_before_the_transfer() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    bench.event(5, &event(EventType::TransactionFeeCollected, 1, "t1", None));
    assert_eq!(bench.sightings(), []);
    bench.event(6, &event(EventType::TokensTransferred, 2, "t1", Some(test.test_id)));
    let mut stages: Vec<(Stage, Moment)> =
        bench.sightings().into_iter().map(|s| (s.stage, s.stamp.seen)).collect();
    stages.sort();
    assert_eq!(stages, [(Stage::TokensXfer, moment(6)), (Stage::FeeCollected, moment(5))]);
}

#[test]
fn a_held_event_keeps_coverage_back_until_the_board_was_read_after_it() {
    let (mut bench, test) = (Bench::new(), test());
    let kind = EventType::TokensTransferred;
    bench.event(1_000, &event(kind, 1, "t1", Some(test.test_id)));
    assert_eq!(bench.correlator.blocks(kind), Some(bench.at(1_000)));
    assert_eq!(bench.correlator.blocks(EventType::TransactionFeeCollected), None);
    assert!(!bench.correlator.wants_board(bench.at(1_100), Duration::from_millis(500)));
    assert!(bench.correlator.wants_board(bench.at(1_500), Duration::from_millis(500)));
    bench.read_board(999, &[]);
    assert!(bench.correlator.blocks(kind).is_some(), "that reading may have come too early");
    bench.read_board(1_600, &[Facts::registered(test.clone())]);
    assert_eq!(bench.correlator.blocks(kind), None);
    assert_eq!(
        bench.sightings()[0].stamp.seen,
        moment(1_000),
        "the announcement was lost, the sighting was not"
    );
}

#[test]
fn while_the_board_cannot_be_read_nothing_is_decided_and_coverage_stays_back() {
    let mut bench = Bench::new();
    let kind = EventType::TokensTransferred;
    bench.event(0, &event(kind, 1, "t1", Some(TestId::random())));
    bench.expire(120_000);
    assert_eq!(bench.take(), []);
    assert!(bench.correlator.blocks(kind).is_some());
    bench.read_board(121_000, &[]);
    bench.expire(121_001);
    assert_eq!(bench.take(), [rejected(RejectReason::UnknownTest)]);
}

#[test]
fn an_event_that_was_given_up_is_still_found_when_the_board_gets_its_test_back() {
    let (mut bench, test) = (Bench::new(), test());
    bench.event(0, &event(EventType::TokensTransferred, 1, "t1", Some(test.test_id)));
    bench.read_board(100, &[]);
    bench.expire(31_000);
    assert_eq!(bench.take(), [rejected(RejectReason::UnknownTest)]);
    bench.announce(200_000, &test);
    assert_eq!(bench.sightings().len(), 1);
}

#[test]
fn a_test_that_is_announced_again_gets_all_its_sightings_again() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    bench.event(5, &event(EventType::CrossFrameTransferInitiated, 1, "t1", Some(test.test_id)));
    let first = bench.sightings();
    bench.announce(60_000, &test);
    assert_eq!(bench.sightings(), first);
    bench.read_board(61_000, &[Facts::registered(test.clone())]);
    assert_eq!(bench.sightings(), first, "the board was read, and lacked it");
    let mut known = Facts::registered(test);
    known.stamps.add(first[0].stage, first[0].stamp.clone());
    bench.read_board(62_000, &[known]);
    assert_eq!(bench.sightings(), []);
}

#[test]
fn a_repeated_event_changes_nothing() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    let settled = event(EventType::CrossFrameTransferSettled, 1, "t1", Some(test.test_id));
    bench.event(5, &settled);
    assert_eq!(bench.sightings().len(), 1);
    bench.event(6, &settled);
    assert_eq!(bench.take(), [Finding::Matched(EventType::CrossFrameTransferSettled)]);
}

#[test]
fn when_there_is_no_room_to_hold_an_event_of_ours_that_is_said() {
    let mut bench = Bench::new();
    for position in 0..i64::try_from(MAX_OWN).unwrap() {
        bench.event(0, &event(EventType::TokensTransferred, position, "t", Some(TestId::random())));
    }
    assert_eq!(bench.take(), []);
    bench.event(1, &event(EventType::TokensTransferred, -1, "t", Some(TestId::random())));
    assert_eq!(bench.take(), [rejected(RejectReason::HoldOverflow)]);
}

#[test]
fn a_test_leaves_the_index_after_its_watch_and_its_transfer_id_with_it() {
    let (mut bench, test) = (Bench::new(), test());
    bench.announce(0, &test);
    bench.answer(0, &test, "t1");
    bench.expire(600_000);
    assert_eq!(bench.correlator.transfer_ids().count(), 1);
    bench.expire(700_000);
    assert_eq!(bench.correlator.transfer_ids().count(), 0);
    bench.take();
    bench.event(
        700_001,
        &Event { sender: "did:x".into(), ..event(EventType::TokensTransferred, 1, "t1", None) },
    );
    assert_eq!(bench.take(), []);
}
