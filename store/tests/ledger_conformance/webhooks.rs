//! What receivers of webhooks were told, and what waits for them.

use canary_domain::{Outcome, TestId};
use canary_store::{Ending, Notice, Outbox, Step, Telling, Told, ToldState};
use chrono::TimeDelta;

use crate::fixtures::{CYCLE, at, fired_by_hand, test, with_outcome, write_passed};
use crate::home::Home;

fn notice(endpoint: &str, path: &str, change: i64) -> Notice {
    Notice {
        endpoint: endpoint.into(),
        id: format!("msg_{change}"),
        path: path.into(),
        body: format!("{{\"change\": {change}}}"),
        change,
        told_at: at(change),
        attempts: 0,
    }
}

fn told(path: &str, state: ToldState, us: i64) -> Told {
    Told { path: path.into(), state, since: at(us), test_id: TestId::random() }
}

fn step(from: Option<i64>, to: i64, notices: Vec<Notice>) -> Step {
    Step { from, to, at: at(to), told: vec![], notices }
}

async fn due(outbox: &dyn Outbox, us: i64) -> Vec<String> {
    let due = outbox.due_notices("pager", at(us), 99).await.unwrap();
    due.into_iter().map(|notice| notice.id).collect()
}

pub async fn a_step_is_taken_once_and_whole(home: &Home) {
    let outbox = home.outbox();
    assert_eq!(outbox.telling().await.unwrap(), None);
    let (p, q) = (told("p", ToldState::Failing, 5), told("q", ToldState::Failing, 6));
    let first = Step { told: vec![p.clone(), q.clone()], ..step(None, 7, vec![notice("pager", "p", 6)]) };
    assert!(outbox.tell(&first).await.unwrap());
    assert!(!outbox.tell(&first).await.unwrap(), "somebody else has begun");
    assert_eq!(outbox.telling().await.unwrap(), Some(Telling { change: 7, told: vec![p, q.clone()] }));

    let back = told("p", ToldState::Passing, 8);
    let next = Step { told: vec![back.clone()], ..step(Some(7), 9, vec![notice("pager", "p", 8)]) };
    assert!(outbox.tell(&next).await.unwrap());
    let deposed = Step {
        told: vec![told("q", ToldState::Passing, 9)],
        ..step(Some(7), 8, vec![notice("pager", "q", 7)])
    };
    assert!(!outbox.tell(&deposed).await.unwrap(), "the step was taken by its successor");
    assert_eq!(outbox.telling().await.unwrap(), Some(Telling { change: 9, told: vec![back, q] }));
    assert_eq!(due(&*outbox, 99).await, ["msg_6"], "nothing of the deposed one's is left");
    assert_eq!(home.outbox_of("staging").telling().await.unwrap(), None);
}

pub async fn of_two_leaders_at_once_one_takes_the_step(home: &Home) {
    assert!(home.outbox().tell(&step(None, 1, vec![])).await.unwrap());
    for from in 1..6 {
        let steps = [1, 2]
            .map(|n| step(Some(from), from + 1, vec![notice("pager", &format!("p{n}"), from * 10 + n)]));
        let (one, two) = (home.outbox(), home.outbox());
        let (one, two) = tokio::join!(one.tell(&steps[0]), two.tell(&steps[1]));
        assert!(one.unwrap() ^ two.unwrap());
    }
    assert_eq!(home.outbox().waiting_notices("pager").await.unwrap(), 5);
}

pub async fn each_path_has_its_messages_in_order_and_waits_for_no_other(home: &Home) {
    let outbox = home.outbox();
    let all = vec![
        notice("pager", "p", 1),
        notice("pager", "p", 2),
        notice("pager", "q", 3),
        notice("chat", "p", 1),
    ];
    assert!(outbox.tell(&step(None, 3, all.clone())).await.unwrap());
    assert_eq!(due(&*outbox, 0).await, [""; 0], "none before its time");
    assert_eq!(due(&*outbox, 9).await, ["msg_1", "msg_3"]);
    assert_eq!(outbox.due_notices("pager", at(9), 99).await.unwrap()[0], all[0], "as it was written");

    assert!(outbox.claim_notice(&all[0], at(20)).await.unwrap());
    assert!(!outbox.claim_notice(&all[0], at(20)).await.unwrap(), "another has it");
    assert_eq!(due(&*outbox, 9).await, ["msg_3"], "the path's next waits for it");
    let again = outbox.due_notices("pager", at(20), 99).await.unwrap().remove(0);
    assert_eq!((again.id.as_str(), again.attempts), ("msg_1", 1), "whoever claimed it is gone");
    outbox.postpone_notice(&again, at(40)).await.unwrap();
    assert_eq!(due(&*outbox, 39).await, ["msg_3"]);
    assert!(outbox.claim_notice(&again, at(50)).await.unwrap());
    assert!(outbox.end_notice(&again, Ending::Delivered, at(41)).await.unwrap());
    assert!(!outbox.end_notice(&again, Ending::GivenUp, at(42)).await.unwrap());
    assert!(!outbox.claim_notice(&Notice { attempts: 2, ..again }, at(60)).await.unwrap(), "it has ended");
    assert_eq!(due(&*outbox, 50).await, ["msg_2", "msg_3"]);
    assert_eq!(outbox.waiting_notices("pager").await.unwrap(), 2);
    assert_eq!(outbox.waiting_notices("chat").await.unwrap(), 1);
    assert_eq!(home.outbox_of("staging").waiting_notices("pager").await.unwrap(), 0);
}

pub async fn what_waits_beyond_the_bound_is_dropped_oldest_first_and_old_messages_go(home: &Home) {
    let outbox = home.outbox();
    let mut all: Vec<Notice> = (1..=10).map(|n| notice("pager", &format!("p{n}"), n)).collect();
    all.push(notice("chat", "p", 1));
    assert!(outbox.tell(&step(None, 10, all)).await.unwrap());
    assert_eq!(outbox.bound_notices("pager", 4, at(11)).await.unwrap(), 6);
    assert_eq!(outbox.bound_notices("pager", 4, at(12)).await.unwrap(), 0);
    assert_eq!(due(&*outbox, 99).await, ["msg_7", "msg_8", "msg_9", "msg_10"]);
    assert_eq!(outbox.waiting_notices("chat").await.unwrap(), 1);
    let endings =
        home.texts("SELECT DISTINCT ending FROM canary_webhook_notices WHERE ended_at IS NOT NULL").await;
    assert_eq!(endings, [Some("dropped".to_owned())]);
    assert_eq!(outbox.prune_notices(at(6), 3).await.unwrap(), 3);
    assert_eq!(outbox.prune_notices(at(6), 9).await.unwrap(), 3);
    assert_eq!(outbox.waiting_notices("pager").await.unwrap(), 4);
}

pub async fn a_paths_history_ends_where_the_feed_was_read_to(home: &Home) {
    let (ledger, outbox) = (home.ledger(), home.outbox());
    let mut ids = Vec::new();
    for cycle in CYCLE..CYCLE + 4 {
        ids.push(write_passed(&*ledger, test("p", cycle)).await);
    }
    write_passed(&*ledger, test("q", CYCLE)).await;
    write_passed(&*ledger, fired_by_hand("p")).await;
    ledger.claim(&test("p", CYCLE + 4)).await.unwrap();
    let history = async |until, limit| {
        let briefs = outbox.path_history("p", until, limit).await.unwrap();
        briefs.into_iter().map(|brief| (brief.test_id, brief.outcome)).collect::<Vec<_>>()
    };
    let passed = |n: usize| (ids[n], Outcome::Passed);
    assert_eq!(history(3, 9).await, [passed(2), passed(1), passed(0)], "newest first");
    assert_eq!(history(99, 2).await, [passed(3), passed(2)]);
    // One that is amended is told again by the feed, and is not history before that.
    let amended = outbox.path_history("p", 1, 1).await.unwrap().remove(0);
    let again = canary_domain::Test { test_id: amended.test_id, ..test("p", CYCLE) };
    let mut late = with_outcome(again, Outcome::Late);
    late.judged_at += TimeDelta::seconds(1);
    assert_eq!(ledger.record(&[late]).await.unwrap().len(), 1);
    assert_eq!(history(4, 9).await, [passed(3), passed(2), passed(1)]);
    assert_eq!(history(99, 9).await[3], (ids[0], Outcome::Late));
}

pub async fn every_state_and_ending_is_allowed_by_the_checks(home: &Home) {
    let outbox = home.outbox();
    let endings = [Ending::Delivered, Ending::GivenUp, Ending::Dropped];
    let all: Vec<Notice> = (1..).take(endings.len()).map(|n| notice("pager", "p", n)).collect();
    let states = [ToldState::Passing, ToldState::Failing];
    let states = states.map(|state| told(&state.to_string(), state, 1)).to_vec();
    assert!(outbox.tell(&Step { told: states, ..step(None, 1, all.clone()) }).await.unwrap());
    for (notice, ending) in all.iter().zip(endings) {
        assert!(outbox.end_notice(notice, ending, at(9)).await.unwrap(), "{ending}");
    }
}
