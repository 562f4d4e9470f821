//! What operators do, and what instances agree on.

use canary_domain::{Hold, HoldKind, SlotKey, iso};
use canary_store::{Annotation, AuditEntry, PlacedHold};
use tokio::task::JoinSet;

use crate::fixtures::at;
use crate::home::Home;

pub async fn two_instances_agree_on_one_slot_key(home: &Home) {
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let ledger = home.ledger();
        asking.spawn(async move { ledger.slot_key(&SlotKey::random()).await.unwrap() });
    }
    let keys = asking.join_all().await;
    assert!(keys.iter().all(|key| key == &keys[0]));
    assert_eq!(home.ledger().slot_key(&SlotKey::random()).await.unwrap(), keys[0], "for good");
    let other = SlotKey::random();
    assert!(
        home.ledger_of("staging").slot_key(&other).await.unwrap() == other,
        "each deployment has its own"
    );
}

fn pause(path: Option<&str>, from: i64, until: Option<i64>) -> Hold {
    Hold { kind: HoldKind::Pause, path: path.map(str::to_owned), from: at(from), until: until.map(at) }
}

pub async fn holds_are_given_while_they_are_on_or_to_come(home: &Home) {
    let ledger = home.ledger();
    let over = pause(Some("p"), 0, Some(10));
    let on = pause(Some("p"), 5, None);
    let window = Hold { kind: HoldKind::Maintenance, ..pause(None, 20, Some(30)) };
    for hold in [&window, &on, &over] {
        ledger.place_hold(hold, "alice", "drill").await.unwrap();
    }
    assert_eq!(ledger.holds(at(9)).await.unwrap(), [over, on.clone(), window.clone()]);
    assert_eq!(ledger.holds(at(10)).await.unwrap(), [on.clone(), window], "the end is exclusive");
    assert_eq!(ledger.holds(at(30)).await.unwrap(), [on]);
    assert_eq!(home.ledger_of("staging").holds(at(0)).await.unwrap(), []);
}

pub async fn lifting_a_pause_ends_that_paths_pauses_alone(home: &Home) {
    let ledger = home.ledger();
    let others = [window(Some("p"), 0, 90), pause(Some("q"), 0, None), pause(None, 0, None)];
    let ours = [pause(Some("p"), 0, None), pause(Some("p"), 10, Some(80))];
    for hold in others.iter().chain(&ours) {
        ledger.place_hold(hold, "alice", "drill").await.unwrap();
    }
    assert_eq!(ledger.lift_pause("p", at(50)).await.unwrap(), 2);
    assert_eq!(ledger.lift_pause("p", at(51)).await.unwrap(), 0, "there is nothing left to lift");
    let holds = ledger.holds(at(49)).await.unwrap();
    for hold in ours {
        assert!(holds.contains(&Hold { until: Some(at(50)), ..hold }));
    }
    let mut left = ledger.holds(at(50)).await.unwrap();
    left.sort_unstable_by_key(|hold| (hold.until.is_none(), hold.path.is_none()));
    assert_eq!(left, others);
}

/// An instance that was ahead in time placed it.
pub async fn a_pause_that_is_yet_to_begin_is_lifted_too_and_holds_nothing(home: &Home) {
    let ledger = home.ledger();
    ledger.place_hold(&pause(Some("p"), 53, None), "alice", "drill").await.unwrap();
    assert_eq!(ledger.lift_pause("p", at(50)).await.unwrap(), 1);
    assert_eq!(ledger.lift_pause("p", at(51)).await.unwrap(), 0, "there is nothing left to lift");
    assert_eq!(ledger.holds(at(0)).await.unwrap(), []);
    assert!(ledger.place_hold(&pause(Some("p"), 60, None), "bob", "again").await.unwrap());
}

pub async fn of_two_pauses_of_a_path_at_once_one_is_placed(home: &Home) {
    let mut placing = JoinSet::new();
    for n in 0..10 {
        let ledger = home.ledger();
        let hold = pause(Some("p"), 10, None);
        placing.spawn(async move { ledger.place_hold(&hold, &format!("operator {n}"), "").await.unwrap() });
    }
    let placed = placing.join_all().await;
    assert_eq!(placed.into_iter().filter(|placed| *placed).count(), 1);
    let ledger = home.ledger();
    assert_eq!(ledger.holds(at(0)).await.unwrap(), [pause(Some("p"), 10, None)]);
    for other in [pause(Some("q"), 10, None), window(Some("p"), 10, 20), pause(Some("p"), 5, Some(9))] {
        assert!(ledger.place_hold(&other, "alice", "").await.unwrap(), "it is no open pause of that path");
    }
    let staging = home.ledger_of("staging");
    assert!(staging.place_hold(&pause(Some("p"), 10, None), "alice", "").await.unwrap());
    assert_eq!(ledger.lift_pause("p", at(11)).await.unwrap(), 1, "one call ends it");
    assert!(
        ledger.place_hold(&pause(Some("p"), 12, None), "alice", "").await.unwrap(),
        "it may be paused again"
    );
}

/// Whoever is told that a path is paused finds it so now, and not when another instance's clock gets there.
pub async fn a_pause_that_is_yet_to_begin_begins_with_the_next_one(home: &Home) {
    let ledger = home.ledger();
    assert!(ledger.place_hold(&pause(Some("p"), 13, None), "alice", "first").await.unwrap());
    assert!(ledger.place_hold(&pause(Some("p"), 10, None), "bob", "second").await.unwrap());
    assert!(!ledger.place_hold(&pause(Some("p"), 11, None), "carol", "third").await.unwrap());
    assert_eq!(ledger.holds(at(0)).await.unwrap(), [pause(Some("p"), 10, None)]);
}

fn window(path: Option<&str>, from: i64, until: i64) -> Hold {
    Hold { kind: HoldKind::Maintenance, ..pause(path, from, Some(until)) }
}

pub async fn who_placed_a_hold_is_told_with_it(home: &Home) {
    let ledger = home.ledger();
    let placed = [
        (pause(Some("p"), 0, Some(10)), "alice", "over"),
        (pause(Some("p"), 5, None), "bob", "drill"),
        (window(None, 20, 30), "carol", "release"),
    ]
    .map(|(hold, actor, reason)| PlacedHold { hold, actor: actor.into(), reason: reason.into() });
    for PlacedHold { hold, actor, reason } in placed.iter().rev() {
        ledger.place_hold(hold, actor, reason).await.unwrap();
    }
    assert_eq!(ledger.placed_holds(at(9)).await.unwrap(), placed);
    assert_eq!(ledger.placed_holds(at(10)).await.unwrap(), placed[1..], "the end is exclusive");
    assert_eq!(ledger.placed_holds(at(30)).await.unwrap(), placed[1..2]);
    assert_eq!(home.ledger_of("staging").placed_holds(at(0)).await.unwrap(), []);
}

pub async fn the_end_of_maintenance_is_that_of_windows_on_or_to_come(home: &Home) {
    let ledger = home.ledger();
    let others = [pause(Some("p"), 0, None), pause(None, 70, Some(80)), window(None, 0, 10)];
    let (on, to_come) = (window(Some("p"), 20, 90), window(None, 60, 70));
    for hold in others.iter().chain([&on, &to_come]) {
        ledger.place_hold(hold, "alice", "drill").await.unwrap();
    }
    assert_eq!(home.ledger_of("staging").end_maintenance(at(50)).await.unwrap(), 0);
    assert_eq!(ledger.end_maintenance(at(50)).await.unwrap(), 2);
    assert_eq!(ledger.end_maintenance(at(51)).await.unwrap(), 0, "there is nothing left to end");
    assert_eq!(ledger.holds(at(50)).await.unwrap(), others[..2]);
    let before = ledger.holds(at(0)).await.unwrap();
    assert!(before.contains(&others[2]) && before.contains(&Hold { until: Some(at(50)), ..on }));
    let skipping = |moment| before.iter().filter_map(|hold| hold.skips("q", at(moment))).count();
    assert_eq!([5, 49, 50, 65, 75].map(skipping), [1, 0, 0, 0, 1], "the one to come holds nothing");
    let kept = [(20, 90), (60, 70)].map(|(from, until)| {
        let [from, until, ended] = [from, until, 50].map(|moment| iso(at(moment)));
        format!("from_at = '{from}' AND until_at = '{until}' AND ended_at = '{ended}'")
    });
    let kept = format!("SELECT reason FROM canary_holds WHERE {}", kept.join(" OR "));
    assert_eq!(home.texts(&kept).await.len(), 2, "what was planned is kept");
}

pub async fn windows_are_told_as_they_really_were_with_those_to_come(home: &Home) {
    let ledger = home.ledger();
    let over = window(None, 0, 10);
    let (cut, taken_back) = (window(Some("p"), 20, 90), window(None, 60, 70));
    for hold in [&over, &cut, &taken_back, &pause(Some("q"), 0, None)] {
        ledger.place_hold(hold, "alice", "drill").await.unwrap();
    }
    ledger.end_maintenance(at(50)).await.unwrap();
    let to_come = window(None, 65, 80);
    ledger.place_hold(&to_come, "bob", "release").await.unwrap();
    let told = |hold: &Hold, actor: &str, reason: &str| PlacedHold {
        hold: hold.clone(),
        actor: actor.into(),
        reason: reason.into(),
    };
    let expected = [
        told(&over, "alice", "drill"),
        told(&Hold { until: Some(at(50)), ..cut }, "alice", "drill"),
        told(&to_come, "bob", "release"),
    ];
    assert_eq!(ledger.windows(at(0)).await.unwrap(), expected);
    assert_eq!(ledger.windows(at(10)).await.unwrap(), expected[1..], "the end is exclusive");
    assert_eq!(ledger.windows(at(50)).await.unwrap(), expected[2..], "as it was, not as it was planned");
    assert_eq!(ledger.windows(at(80)).await.unwrap(), []);
    assert_eq!(home.ledger_of("staging").windows(at(0)).await.unwrap(), []);
}

pub async fn the_newest_marks_are_given_oldest_first(home: &Home) {
    let ledger = home.ledger();
    let mark = |moment, text: &str, node: Option<&str>| Annotation {
        at: at(moment),
        kind: "leader_change".into(),
        text: text.into(),
        node: node.map(str::to_owned),
    };
    let marks = [mark(1, "a", None), mark(2, "b", Some("n1")), mark(2, "c", None), mark(9, "d", None)];
    for mark in [0, 3, 1, 2].map(|n| &marks[n]) {
        ledger.annotate(mark).await.unwrap();
    }
    assert_eq!(ledger.annotations(at(0), 9).await.unwrap(), marks);
    assert_eq!(ledger.annotations(at(2), 9).await.unwrap(), marks[1..], "the moment itself is in");
    assert_eq!(ledger.annotations(at(0), 2).await.unwrap(), marks[2..], "those of one moment as they came");
    assert_eq!(home.ledger_of("staging").annotations(at(0), 9).await.unwrap(), []);
}

pub async fn audit_and_annotations_are_kept_as_they_were_said(home: &Home) {
    let ledger = home.ledger();
    let entry = AuditEntry {
        at: at(123_456),
        actor: "alice".into(),
        role: "admin".into(),
        action: "pause".into(),
        path: Some("p".into()),
        detail: None,
        remote: Some("192.0.2.7".into()),
    };
    ledger.audit(&entry).await.unwrap();
    ledger.audit(&AuditEntry { path: None, ..entry }).await.unwrap();
    let said = "SELECT actor || role || action || coalesce(path, '-') || coalesce(detail, '-') || remote \
                FROM canary_audit WHERE canary = 'prod' ORDER BY id";
    let expected = ["aliceadminpausep-192.0.2.7", "aliceadminpause--192.0.2.7"];
    assert_eq!(home.texts(said).await, expected.map(|text| Some(text.to_owned())));

    let mark = Annotation {
        at: at(1),
        kind: "process_start".into(),
        text: "started".into(),
        node: Some("n1".into()),
    };
    ledger.annotate(&mark).await.unwrap();
    let said = "SELECT kind || text || node FROM canary_annotations WHERE canary = 'prod'";
    assert_eq!(home.texts(said).await, [Some("process_startstartedn1".to_owned())]);
}
