//! What is noted of a test: facts that stay, and news for the judge.

use canary_domain::{Answer, Facts, FireStatus, Mismatch, TestId};
use canary_store::{Announcement, Board};

use crate::support::{
    answer, at, both, due_at, facts, heard, mismatch, nothing_heard, registered, swept, withheld,
};

async fn touched(board: &dyn Board, test_id: TestId) -> bool {
    let touched = due_at(board, 0).await.contains(&test_id);
    swept(board).await;
    touched
}

both! {
    async fn notes_on_an_unknown_test_are_refused_and_leave_nothing(boards) {
        let (board, nobody) = (&*boards.board, TestId::random());
        let mut announcements = board.announcements().await.unwrap();
        assert!(!board.note_fired(nobody, at(1), 2).await.unwrap());
        assert!(!board.note_answer(nobody, &answer(FireStatus::Accepted)).await.unwrap());
        assert!(!board.note_withheld(nobody, &withheld()).await.unwrap());
        assert!(!board.note_mismatch(nobody, &mismatch(1, "other")).await.unwrap());
        nothing_heard(board, &mut announcements).await;
        let due = board.due(at(9_999_999), 10).await.unwrap();
        assert!(due.facts.is_empty() && due.lost.is_empty());
    }

    async fn the_latest_firing_is_noted_and_touches_the_test(boards) {
        let board = &*boards.board;
        let test_id = registered(board).await.test_id;
        assert!(board.note_fired(test_id, at(100), 55).await.unwrap());
        assert!(touched(&*boards.other, test_id).await);
        assert!(boards.other.note_fired(test_id, at(90), 1).await.unwrap(), "known, but of an earlier call");
        assert_eq!(facts(board, test_id).await.fired_at, Some(at(100)));
        assert!(boards.other.note_fired(test_id, at(120), 60).await.unwrap());
        let facts = facts(board, test_id).await;
        assert_eq!((facts.fired_at, facts.fired_error_us), (Some(at(120)), 60));
        assert_eq!(facts.fire_status(), Some(FireStatus::Sent));
        assert_eq!(facts.answer, None);
    }

    async fn every_kind_of_answer_comes_back_as_it_was_noted(boards) {
        let statuses =
            [FireStatus::Accepted, FireStatus::Rejected, FireStatus::Unavailable, FireStatus::Timeout];
        for status in statuses {
            let test_id = registered(&*boards.board).await.test_id;
            assert!(boards.board.note_fired(test_id, at(100), 55).await.unwrap());
            swept(&*boards.board).await;
            let answer = answer(status);
            assert!(boards.board.note_answer(test_id, &answer).await.unwrap());
            assert!(touched(&*boards.other, test_id).await);
            assert_eq!(facts(&*boards.other, test_id).await.answer, Some(answer));
        }
    }

    async fn a_transfer_id_is_announced_once_and_the_first_answer_stays(boards) {
        let test_id = registered(&*boards.board).await.test_id;
        let mut announcements = boards.other.announcements().await.unwrap();
        let first = answer(FireStatus::Accepted);
        let second = Answer { transfer_id: Some("tx-2".to_owned()), ..answer(FireStatus::Timeout) };
        assert!(boards.board.note_answer(test_id, &first).await.unwrap());
        assert!(boards.board.note_answer(test_id, &second).await.unwrap());
        assert_eq!(facts(&*boards.board, test_id).await.answer, Some(first.clone()));
        let transfer_id = first.transfer_id.unwrap();
        assert_eq!(heard(&mut announcements).await, Announcement::Transfer { test_id, transfer_id });
        nothing_heard(&*boards.board, &mut announcements).await;
    }

    async fn an_answer_that_is_noted_before_the_firing_keeps_its_status(boards) {
        let test_id = registered(&*boards.board).await.test_id;
        let answer = answer(FireStatus::Rejected);
        assert!(boards.board.note_answer(test_id, &answer).await.unwrap());
        assert!(boards.board.note_fired(test_id, at(100), 55).await.unwrap());
        let facts = facts(&*boards.board, test_id).await;
        assert_eq!((facts.fired_at, facts.answer), (Some(at(100)), Some(answer)));
    }

    async fn a_withheld_test_says_why(boards) {
        let test_id = registered(&*boards.board).await.test_id;
        assert!(boards.board.note_withheld(test_id, &withheld()).await.unwrap());
        assert!(touched(&*boards.other, test_id).await);
        assert_eq!(facts(&*boards.other, test_id).await.withheld, Some(withheld()));
    }

    async fn the_earliest_mismatch_stays_in_whatever_order_they_come(boards) {
        let mismatches =
            [mismatch(20, "receiver"), mismatch(10, "b: ä"), mismatch(10, "a"), mismatch(10, "ab"), mismatch(30, "")];
        for turn in 0..mismatches.len() {
            let test_id = registered(&*boards.board).await.test_id;
            for index in 0..mismatches.len() {
                let mismatch: &Mismatch = &mismatches[(turn + index) % mismatches.len()];
                assert!(boards.board.note_mismatch(test_id, mismatch).await.unwrap());
            }
            assert_eq!(facts(&*boards.other, test_id).await.mismatch, mismatches.iter().min().cloned());
            assert!(touched(&*boards.other, test_id).await);
        }
    }

    async fn what_one_instance_notes_another_reads(boards) {
        let test = registered(&*boards.board).await;
        assert!(boards.other.note_fired(test.test_id, at(3), 4).await.unwrap());
        let expected = Facts { fired_at: Some(at(3)), fired_error_us: 4, ..Facts::registered(test.clone()) };
        assert_eq!(facts(&*boards.board, test.test_id).await, expected);
    }
}
