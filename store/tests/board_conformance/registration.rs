//! Registering a test: slot, hash, place among the open ones and announcement, or none of them.

use std::time::Duration;

use canary_domain::{Facts, Role, Test, TestId};
use canary_store::{Announcement, Holder, Leadership, Registration};
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::support::{at, both, due_at, facts, heard, lead, nothing_heard, register, test};

both! {
    async fn a_registered_test_is_claimed_open_and_announced(boards) {
        let mut announcements = boards.other.announcements().await.unwrap();
        let test = test("a-async", Some(7));
        register(&*boards.board, std::slice::from_ref(&test)).await;
        assert_eq!(boards.other.claimed("a-async", &[6, 7, 8]).await.unwrap(), [7]);
        assert_eq!(boards.other.open_tests().await.unwrap(), [Facts::registered(test.clone())]);
        assert_eq!(boards.other.open_count().await.unwrap(), 1);
        assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(test) });
    }

    async fn a_slot_is_claimed_once_whoever_asks(boards) {
        let lead = lead(&*boards.board).await;
        let first = test("a-async", Some(7));
        assert_eq!(boards.board.register(&lead, &first).await.unwrap(), Registration::Registered);
        let mut announcements = boards.board.announcements().await.unwrap();
        let other_id = Test { test_id: TestId::random(), ..first.clone() };
        for again in [&first, &other_id] {
            assert_eq!(boards.other.register(&lead, again).await.unwrap(), Registration::Taken);
        }
        assert_eq!(boards.board.open_tests().await.unwrap(), [Facts::registered(first)]);
        nothing_heard(&*boards.board, &mut announcements).await;
        for free in [test("a-async", Some(8)), test("a-intra", Some(7))] {
            assert_eq!(boards.board.register(&lead, &free).await.unwrap(), Registration::Registered);
        }
    }

    async fn a_test_without_a_slot_claims_none_and_is_registered_once(boards) {
        let lead = lead(&*boards.board).await;
        let test = test("a-async", None);
        assert_eq!(boards.board.register(&lead, &test).await.unwrap(), Registration::Registered);
        assert!(boards.board.note_fired(test.test_id, at(1), 2).await.unwrap());
        assert_eq!(boards.board.register(&lead, &test).await.unwrap(), Registration::Taken);
        assert_eq!(facts(&*boards.board, test.test_id).await.fired_at, Some(at(1)), "nothing was overwritten");
    }

    async fn a_free_test_is_open_and_announced_without_a_leader_and_there_once(boards) {
        let mut announcements = boards.other.announcements().await.unwrap();
        let test = test("a-async", None);
        assert!(boards.board.register_free(&test).await.unwrap());
        assert_eq!(boards.other.open_tests().await.unwrap(), [Facts::registered(test.clone())]);
        assert_eq!(heard(&mut announcements).await, Announcement::Test { test: Box::new(test.clone()) });
        assert!(boards.other.note_fired(test.test_id, at(1), 2).await.unwrap());
        assert!(!boards.other.register_free(&test).await.unwrap());
        assert_eq!(facts(&*boards.board, test.test_id).await.fired_at, Some(at(1)), "nothing was overwritten");
        nothing_heard(&*boards.board, &mut announcements).await;
    }

    async fn a_free_test_is_first_looked_at_when_its_deadline_is_over(boards) {
        let test = test("a-async", None);
        assert!(boards.board.register_free(&test).await.unwrap());
        assert_eq!(due_at(&*boards.board, 329_999).await, []);
        assert_eq!(due_at(&*boards.board, 330_000).await, [test.test_id]);
    }

    async fn the_test_of_a_slot_is_no_free_test(boards) {
        let mut announcements = boards.other.announcements().await.unwrap();
        let error = boards.board.register_free(&test("a-async", Some(7))).await.unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        assert!(error.to_string().contains("cycle 7"), "{error}");
        assert_eq!(boards.board.open_count().await.unwrap(), 0);
        assert_eq!(boards.board.claimed("a-async", &[7]).await.unwrap(), [0; 0]);
        nothing_heard(&*boards.board, &mut announcements).await;
    }

    async fn who_does_not_lead_registers_nothing(boards) {
        let board = &*boards.board;
        let lead = lead(board).await;
        let mut announcements = board.announcements().await.unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let Holder { node, term } = lead.holder();
        let not_leading = [
            Leadership::new(Role::Runner, Holder { node: "n2".to_owned(), term }, until),
            Leadership::new(Role::Runner, Holder { node: node.clone(), term: term - 1 }, until),
            Leadership::new(Role::Judge, Holder { node, term }, until),
            Leadership::new(Role::Runner, lead.holder(), Instant::now()),
        ];
        let test = test("a-async", Some(7));
        for leadership in &not_leading {
            assert_eq!(board.register(leadership, &test).await.unwrap(), Registration::NotLeading);
        }
        board.release(Role::Runner, &lead.holder()).await.unwrap();
        assert_eq!(board.register(&lead, &test).await.unwrap(), Registration::NotLeading);
        assert_eq!(board.claimed("a-async", &[7]).await.unwrap(), [0; 0]);
        assert_eq!(board.open_count().await.unwrap(), 0);
        nothing_heard(board, &mut announcements).await;
    }

    async fn only_claimed_cycles_are_answered(boards) {
        register(&*boards.board, &[test("p", Some(3)), test("p", Some(-1)), test("q", Some(4))]).await;
        assert_eq!(boards.board.claimed("p", &[4, 3, 2, -1]).await.unwrap(), [3, -1]);
        assert_eq!(boards.board.claimed("p", &[]).await.unwrap(), [0; 0]);
    }

    async fn the_first_look_is_due_at_the_deadline_to_the_microsecond(boards) {
        let test = test("a-async", Some(7));
        register(&*boards.board, std::slice::from_ref(&test)).await;
        let look = test.registered_at + test.deadline;
        let early = boards.board.due(look - TimeDelta::microseconds(1), 10).await.unwrap();
        assert!(early.facts.is_empty() && early.lost.is_empty());
        assert_eq!(due_at(&*boards.board, 330_000).await, [test.test_id]);
        assert_eq!(look, at(330_000));
    }
}
