//! A board that has lost its tests gets them back, and what it has is never overwritten.

use canary_domain::{Facts, Stage};
use canary_store::Announcement;

use crate::support::{
    at, both, due_at, facts, heard, nothing_heard, register, registered, sighting, test, whole,
};

both! {
    async fn a_restored_test_is_whole_claimed_due_and_announced(boards) {
        let mut announcements = boards.other.announcements().await.unwrap();
        let known = Facts { restored: false, ..whole(test("p", Some(7))) };
        boards.board.restore(std::slice::from_ref(&known)).await.unwrap();
        let test_id = known.test.test_id;
        let expected = Facts { restored: true, ..known.clone() };
        assert_eq!(facts(&*boards.other, test_id).await, expected);
        assert_eq!(boards.other.claimed("p", &[7]).await.unwrap(), [7]);
        assert_eq!(due_at(&*boards.other, 0).await, [test_id], "the judge looks at once");
        assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(known.test.clone()) });
        let transfer_id = known.transfer_id().unwrap().to_owned();
        assert_eq!(heard(&mut announcements).await, Announcement::Transfer { test_id, transfer_id });
    }

    async fn a_test_of_which_little_is_known_comes_back_too(boards) {
        let known = Facts { fired_at: Some(at(5)), ..Facts::registered(test("p", None)) };
        boards.board.restore(std::slice::from_ref(&known)).await.unwrap();
        let expected = Facts { restored: true, ..known.clone() };
        assert_eq!(facts(&*boards.board, known.test.test_id).await, expected);
    }

    async fn what_the_board_has_is_never_overwritten(boards) {
        let board = &*boards.board;
        let present = registered(board).await;
        board.stamp(&[sighting(present.test_id, Stage::CfInitiated, 30)]).await.unwrap();
        let before = facts(board, present.test_id).await;
        board.reschedule(&[(present.test_id, at(900_000))]).await.unwrap();
        let mut announcements = board.announcements().await.unwrap();
        let absent = test("p", Some(8));
        let older = [whole(present.clone()), Facts::registered(absent.clone())];
        boards.other.restore(&older).await.unwrap();
        boards.other.restore(&older).await.unwrap();
        assert_eq!(facts(board, present.test_id).await, before);
        assert!(facts(board, absent.test_id).await.restored);
        assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(absent) });
        nothing_heard(board, &mut announcements).await;
    }

    async fn a_closed_test_is_not_opened_again(boards) {
        let board = &*boards.board;
        let test = registered(board).await;
        board.close(&[test.test_id]).await.unwrap();
        board.restore(&[whole(test)]).await.unwrap();
        assert_eq!(board.open_count().await.unwrap(), 0);
        assert_eq!(due_at(board, 900_000).await, []);
    }

    async fn a_slot_that_is_claimed_stays_with_its_test(boards) {
        let board = &*boards.board;
        let first = test("p", Some(7));
        register(board, std::slice::from_ref(&first)).await;
        board.restore(&[Facts::registered(test("p", Some(7)))]).await.unwrap();
        assert_eq!(board.claimed("p", &[7]).await.unwrap(), [7]);
        assert_eq!(board.open_count().await.unwrap(), 2);
    }

    async fn many_come_back_in_one_call(boards) {
        let known: Vec<Facts> = (0..1_201).map(|cycle| whole(test("p", Some(cycle)))).collect();
        boards.board.restore(&known).await.unwrap();
        assert_eq!(boards.board.open_count().await.unwrap(), 1_201);
        let mut restored = boards.board.open_tests().await.unwrap();
        restored.sort_by_key(|facts| facts.test.cycle);
        assert_eq!(restored, known);
    }
}
