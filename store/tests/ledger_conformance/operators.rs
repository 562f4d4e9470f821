//! What operators do, and what instances agree on.

use canary_domain::{Hold, HoldKind, SlotKey};
use canary_store::{Annotation, AuditEntry};
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
    let window = Hold { kind: HoldKind::Maintenance, ..pause(Some("p"), 0, Some(90)) };
    let others = [window, pause(Some("q"), 0, None), pause(None, 0, None), pause(Some("p"), 60, None)];
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
    left.sort_unstable_by_key(|hold| (hold.from, hold.until.is_none(), hold.path.is_none()));
    assert_eq!(left, others);
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
