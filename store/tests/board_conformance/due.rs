//! What the judge is given, and that no news is lost on the way to it.

use canary_domain::{Stage, TestId};

use crate::support::{at, both, due_at, facts, register, registered, sighting, swept, test};

both! {
    async fn news_between_reading_and_rescheduling_is_seen_again(boards) {
        let (board, judge) = (&*boards.board, &*boards.other);
        let test_id = registered(board).await.test_id;
        assert!(board.note_fired(test_id, at(10), 0).await.unwrap());
        let read = judge.due(at(20), 10).await.unwrap();
        assert_eq!(read.facts.len(), 1);
        board.stamp(&[sighting(test_id, Stage::CfInitiated, 15)]).await.unwrap();
        judge.reschedule(&[(test_id, at(900_000))]).await.unwrap();
        let again = judge.due(at(25), 10).await.unwrap();
        assert!(again.facts[0].stamps.get(Stage::CfInitiated).is_some(), "the stamp came after the facts were read");
        judge.reschedule(&[(test_id, at(900_000))]).await.unwrap();
        assert_eq!(due_at(judge, 30).await, []);
    }

    async fn a_judge_that_dies_after_reading_loses_nothing(boards) {
        let (board, successor) = (&*boards.board, &*boards.other);
        let test_id = registered(board).await.test_id;
        assert!(board.note_fired(test_id, at(10), 0).await.unwrap());
        assert_eq!(due_at(board, 20).await, [test_id]);
        assert_eq!(due_at(successor, 20).await, [test_id]);
        assert_eq!(due_at(successor, 9_000).await, [test_id]);
    }

    async fn touched_tests_are_due_before_their_time_and_others_are_not(boards) {
        let board = &*boards.board;
        let (quiet, touched) = (registered(board).await.test_id, registered(board).await.test_id);
        board.stamp(&[sighting(touched, Stage::CfInitiated, 1)]).await.unwrap();
        assert_eq!(due_at(board, 20).await, [touched]);
        board.reschedule(&[(touched, at(400_000))]).await.unwrap();
        assert_eq!(due_at(board, 330_000).await, [quiet]);
        assert_eq!(due_at(board, 400_000).await, [quiet, touched], "the longest due first");
    }

    async fn news_of_an_overdue_test_costs_it_no_place(boards) {
        let board = &*boards.board;
        let (overdue, later) = (registered(board).await.test_id, registered(board).await.test_id);
        board.reschedule(&[(later, at(200)), (overdue, at(100))]).await.unwrap();
        board.stamp(&[sighting(overdue, Stage::CfInitiated, 1)]).await.unwrap();
        assert_eq!(due_at(board, 300).await, [overdue, later]);
    }

    async fn a_limit_leaves_the_rest_for_the_next_time(boards) {
        let board = &*boards.board;
        let tests: Vec<_> = (0..7).map(|cycle| test("p", Some(cycle))).collect();
        register(board, &tests).await;
        for test in &tests {
            assert!(board.note_fired(test.test_id, at(10), 0).await.unwrap());
        }
        let mut seen: Vec<TestId> = Vec::new();
        for expected in [3, 3, 1, 0] {
            let due = board.due(at(20), 3).await.unwrap();
            assert_eq!(due.facts.len(), expected);
            let looks: Vec<_> = due.facts.iter().map(|facts| (facts.test.test_id, at(900_000))).collect();
            board.reschedule(&looks).await.unwrap();
            seen.extend(looks.iter().map(|(test_id, _)| *test_id));
        }
        seen.sort_unstable();
        let mut all: Vec<TestId> = tests.iter().map(|test| test.test_id).collect();
        all.sort_unstable();
        assert_eq!(seen, all);
        assert!(board.due(at(20), 0).await.unwrap().facts.is_empty());
    }

    async fn a_closed_test_is_not_seen_again_whatever_happens_to_it(boards) {
        let board = &*boards.board;
        let (closed, open) = (registered(board).await.test_id, registered(board).await.test_id);
        assert!(board.note_fired(closed, at(10), 0).await.unwrap());
        board.close(&[closed]).await.unwrap();
        assert_eq!(board.stamp(&[sighting(closed, Stage::CfInitiated, 1)]).await.unwrap(), [], "its facts are there");
        boards.other.reschedule(&[(closed, at(0))]).await.unwrap();
        assert_eq!(due_at(board, 900_000).await, [open]);
        assert_eq!(board.open_count().await.unwrap(), 1);
        assert_eq!(board.open_tests().await.unwrap().len(), 1);
        board.close(&[closed, open, TestId::random()]).await.unwrap();
        assert_eq!(board.open_count().await.unwrap(), 0);
    }

    async fn nothing_to_reschedule_close_keep_or_restore_is_no_error(boards) {
        let test_id = registered(&*boards.board).await.test_id;
        boards.board.reschedule(&[]).await.unwrap();
        boards.board.close(&[]).await.unwrap();
        boards.board.keep(&[]).await.unwrap();
        boards.board.restore(&[]).await.unwrap();
        swept(&*boards.board).await;
        assert_eq!(facts(&*boards.board, test_id).await.test.test_id, test_id);
    }

    async fn many_tests_are_read_in_one_call(boards) {
        let tests: Vec<_> = (0..1_500).map(|cycle| test("p", Some(cycle))).collect();
        register(&*boards.board, &tests).await;
        assert_eq!(boards.board.open_count().await.unwrap(), 1_500);
        assert_eq!(boards.board.open_tests().await.unwrap().len(), 1_500);
        assert_eq!(due_at(&*boards.board, 330_000).await.len(), 1_500);
    }
}
