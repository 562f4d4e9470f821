//! Stamps: the earliest sighting of a stage stays, in whatever order and however often they come (I3).

use std::sync::Arc;

use canary_domain::{Sighting, Stage, Stamp, Stamps, TestId, Via};
use canary_store::Board;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{at, both, due_at, facts, in_memory, on_redis, registered, sighting, stamp, swept};

both! {
    async fn the_first_sighting_of_each_stage_is_kept_whole(boards) {
        let test_id = registered(&*boards.board).await.test_id;
        let mut expected = Stamps::default();
        for (index, stage) in (0..).zip(Stage::ALL) {
            expected.add(*stage, stamp(200 + index));
            let unknown = boards.board.stamp(&[sighting(test_id, *stage, 200 + index)]).await.unwrap();
            assert_eq!(unknown, []);
        }
        assert_eq!(facts(&*boards.other, test_id).await.stamps, expected);
    }

    async fn only_a_stamp_that_changes_something_touches_its_test(boards) {
        let board = &*boards.board;
        let (one, two) = (registered(board).await.test_id, registered(board).await.test_id);
        let first = [sighting(one, Stage::TokensXfer, 200), sighting(two, Stage::TokensXfer, 200)];
        board.stamp(&first).await.unwrap();
        assert_eq!(due_at(board, 0).await.len(), 2);
        swept(board).await;
        let again = [first[0].clone(), sighting(one, Stage::TokensXfer, 201)];
        boards.other.stamp(&again).await.unwrap();
        assert_eq!(due_at(board, 0).await, [], "repeats and later sightings are no news");
        boards.other.stamp(&[sighting(two, Stage::TokensXfer, 199)]).await.unwrap();
        assert_eq!(due_at(board, 0).await, [two]);
        assert_eq!(facts(board, one).await.stamps.get(Stage::TokensXfer), Some(&stamp(200)));
        assert_eq!(facts(board, two).await.stamps.get(Stage::TokensXfer), Some(&stamp(199)));
    }

    async fn sightings_of_unknown_tests_are_answered_and_change_nothing(boards) {
        let board = &*boards.board;
        let (known, stranger) = (registered(board).await.test_id, TestId::random());
        let batch = [
            sighting(stranger, Stage::CfInitiated, 1),
            sighting(known, Stage::CfInitiated, 2),
            sighting(stranger, Stage::CfRefunded, 3),
        ];
        assert_eq!(board.stamp(&batch).await.unwrap(), [stranger, stranger]);
        assert_eq!(board.stamp(&[]).await.unwrap(), []);
        assert!(facts(board, known).await.stamps.get(Stage::CfInitiated).is_some());
        assert_eq!(due_at(board, 0).await, [known]);
    }

    async fn a_batch_may_be_larger_than_what_the_server_takes_at_once(boards) {
        let board = &*boards.board;
        let tests = [registered(board).await.test_id, registered(board).await.test_id];
        let batch: Vec<Sighting> =
            (0..1_201).map(|index| sighting(tests[index % 2], Stage::TokensXfer, 5_000 - index as i64)).collect();
        assert_eq!(board.stamp(&batch).await.unwrap(), []);
        assert_eq!(facts(board, tests[0]).await.stamps.get(Stage::TokensXfer), Some(&stamp(3_800)));
        assert_eq!(facts(board, tests[1]).await.stamps.get(Stage::TokensXfer), Some(&stamp(3_801)));
    }
}

/// Sightings that mostly agree, so that ties are frequent and every field gets to decide.
fn sightings() -> impl Strategy<Value = Vec<(Stage, Stamp)>> {
    let mostly = |usual: i64, others: Vec<i64>| prop_oneof![2 => Just(usual), 1 => select(others)];
    let number = || mostly(10, vec![0, 9, 99, 9_007_199_254_740_992, 9_007_199_254_740_993, i64::MAX]);
    let via = prop_oneof![2 => Just(Via::Replay), 1 => select(vec![Via::Live, Via::Backstop])];
    let frame = prop_oneof![2 => Just("b"), 1 => select(vec!["", "a", "ab", "B", "ä", "a-b", "z"])];
    let stamp = (mostly(2, vec![1, 3]), via, mostly(2, vec![1, 3]), frame, number(), number()).prop_map(
        |(seen, via, occurred, frame, position, error)| Stamp {
            seen: at(seen),
            via,
            occurred: at(occurred),
            frame: frame.to_owned(),
            position,
            error_us: error.unsigned_abs(),
        },
    );
    prop::collection::vec((select(vec![Stage::TokensXfer, Stage::CfRefunded]), stamp), 1..12)
}

/// In one order and in another, with a repeat, in batches and singly: always what the domain's rule says.
fn any_order_gives_the_same(board: &Arc<dyn Board>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let orders = sightings().prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()));
    let result = runner.run(&orders, |(one_order, other_order)| {
        let mut expected = Stamps::default();
        for (stage, stamp) in one_order.clone() {
            expected.add(stage, stamp);
        }
        runtime.block_on(async {
            let (one, two) = (registered(&**board).await.test_id, registered(&**board).await.test_id);
            let of = |test_id, (stage, stamp): (Stage, Stamp)| Sighting { test_id, stage, stamp };
            let batch: Vec<Sighting> = one_order.into_iter().map(|sighting| of(one, sighting)).collect();
            board.stamp(&batch).await.unwrap();
            board.stamp(&batch).await.unwrap();
            for sighting in other_order {
                board.stamp(&[of(two, sighting)]).await.unwrap();
            }
            let outcome = (facts(&**board, one).await.stamps, facts(&**board, two).await.stamps);
            board.close(&[one, two]).await.unwrap();
            prop_assert_eq!(&outcome.0, &expected);
            prop_assert_eq!(&outcome.1, &expected);
            Ok::<(), TestCaseError>(())
        })
    });
    result.unwrap();
}

#[test]
fn any_order_of_any_sightings_gives_the_same_stamps_in_memory() {
    any_order_gives_the_same(&in_memory().board);
}

#[test]
fn any_order_of_any_sightings_gives_the_same_stamps_on_redis() {
    any_order_gives_the_same(&on_redis().board);
}
