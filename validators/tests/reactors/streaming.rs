//! What the reactors make of a stream that works: stamps, correlation, coverage.

use crate::rig::{ALPHA, BRAVO, Rig, until};
use canary_domain::{EventType, Stage, Via};
use canary_validators::Mapping;
use serde_json::json;

#[tokio::test]
async fn every_event_of_a_test_is_stamped_live_with_its_own_stage() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    let before = rig.now();
    for kind in EventType::ALL {
        rig.store.publish(rig.event(*kind, &test, "t1"));
    }
    for stage in
        [Stage::TokensXfer, Stage::FeeCollected, Stage::CfInitiated, Stage::CfSettledLocal, Stage::CfRefunded]
    {
        let stamp = rig.stamped(&test, stage).await;
        assert_eq!((stamp.via, stamp.frame.as_str()), (Via::Live, "a"), "{stage}");
        assert!(before <= stamp.seen && stamp.seen <= rig.now(), "{stage}");
    }
    let mut remote = rig.event(EventType::CrossFrameTransferSettled, &test, "t1");
    remote["source_frame"] = "b".into();
    rig.store.publish(remote);
    assert_eq!(rig.stamped(&test, Stage::CfSettledRemote).await.frame, "b");
}

#[tokio::test]
async fn an_event_that_overtakes_its_tests_announcement_keeps_its_moment_of_seeing() {
    let rig = Rig::new().await.started().await;
    let test = rig.test();
    rig.store.publish(rig.event(EventType::TokensTransferred, &test, "t1"));
    let kind = EventType::TokensTransferred;
    until("it has arrived", || async {
        (rig.metric("reactor_events_total", kind, Some("live")) == 1).then_some(())
    })
    .await;
    let arrived = rig.now();
    rig.register(&test).await;
    assert!(rig.stamped(&test, Stage::TokensXfer).await.seen <= arrived);
}

#[tokio::test]
async fn a_fee_event_before_the_transfer_and_an_event_without_memo_before_the_answer_are_stamped() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    rig.store.publish(rig.event(EventType::TransactionFeeCollected, &test, "t1"));
    let mut bare = rig.event(EventType::CrossFrameTransferSettled, &test, "t1");
    bare["data"].as_object_mut().unwrap().remove("memo");
    rig.store.publish(bare);
    let counted = |kind| rig.metric("reactor_events_total", kind, Some("live"));
    let both = [EventType::TransactionFeeCollected, EventType::CrossFrameTransferSettled];
    until("both have arrived", || async { both.iter().all(|kind| counted(*kind) == 1).then_some(()) }).await;
    let arrived = rig.now();
    assert!(rig.facts(&test).await.unwrap().stamps.iter().next().is_none());
    rig.answer(&test, "t1").await;
    assert!(rig.stamped(&test, Stage::FeeCollected).await.seen <= arrived);
    assert!(rig.stamped(&test, Stage::CfSettledLocal).await.seen <= arrived);
}

#[tokio::test]
async fn strangers_and_contradictions_are_told_apart_by_the_transfer_id() {
    let rig = Rig::new().await.started().await;
    let kind = EventType::TokensTransferred;
    let test = rig.registered().await;
    rig.answer(&test, "t1").await;
    let mut forged = rig.event(kind, &test, "t-forged");
    forged["data"]["from_agent_id"] = "did:avt:a:mallory".into();
    rig.store.publish(forged);
    let mut unknown = rig.users_event(kind);
    unknown["data"]["memo"] = rig.test().test_id.memo().into();
    rig.store.publish(unknown);
    rig.refused(kind, "stranger", 1).await;
    rig.refused(kind, "unknown_test", 1).await;
    assert_eq!(rig.facts(&test).await.unwrap().mismatch, None);

    let mut wrong = rig.event(kind, &test, "t1");
    wrong["data"]["amount"] = "0.02".into();
    wrong["data"]["memo"] = "mangled".into();
    wrong["data"]["from_agent_id"] = "did:avt:a:mallory".into();
    rig.store.publish(wrong);
    let mismatch = until("the mismatch is noted", || async { rig.facts(&test).await?.mismatch }).await;
    assert!(
        mismatch.what.contains("sender is `did:avt:a:mallory`, not did:avt:a:alpha"),
        "{}",
        mismatch.what
    );
    assert!(mismatch.what.contains("amount is `0.02`, not 0.01"), "{}", mismatch.what);
    assert!(rig.facts(&test).await.unwrap().stamps.iter().next().is_none());
}

#[tokio::test]
async fn users_traffic_is_counted_and_nothing_else() {
    let rig = Rig::new().await.started().await;
    let kind = EventType::TokensTransferred;
    for _ in 0..2_000 {
        rig.store.publish(rig.users_event(kind));
    }
    until("all are counted", || async {
        (rig.metric("reactor_events_total", kind, Some("live")) == 2_000).then_some(())
    })
    .await;
    for reason in ["unparsable", "unknown_type", "unknown_test", "stranger"] {
        assert_eq!(rig.rejected(kind, reason), 0, "{reason}");
    }
    assert_eq!(rig.metric("reactor_matched_total", kind, None), 0);
}

#[tokio::test]
async fn heartbeats_carry_coverage_and_position_to_the_board_behind_the_stamps() {
    let rig = Rig::new().await.started().await;
    let kind = EventType::CrossFrameTransferInitiated;
    let test = rig.registered().await;
    rig.store.publish(rig.event(kind, &test, "t1"));
    let head = rig.store.head();
    let now = rig.now();
    rig.covered_past(kind, now).await;
    let state = rig.state(kind).await.unwrap();
    assert_eq!((state.position, state.connected), (Some(head), true));
    assert!(rig.stamp(&test, Stage::CfInitiated).await.is_some(), "coverage came after the stamp");
    assert!(state.last_event_at.is_some());
}

#[tokio::test]
async fn coverage_waits_for_an_event_whose_test_is_not_known_yet() {
    let rig = Rig::new().await.started().await;
    let kind = EventType::TransactionFeeCollected;
    let test = rig.registered().await;
    rig.covered_past(kind, rig.now()).await;
    rig.store.publish(rig.event(kind, &test, "t1"));
    until("it has arrived", || async {
        (rig.metric("reactor_events_total", kind, Some("live")) == 1).then_some(())
    })
    .await;
    let arrived = rig.now();
    rig.covered_past(EventType::TokensTransferred, arrived).await;
    assert!(
        rig.covered_until(kind).await.unwrap() < arrived,
        "the fee event is held, of a transfer nobody knows"
    );
    rig.answer(&test, "t1").await;
    rig.covered_past(kind, arrived).await;
    assert!(rig.stamp(&test, Stage::FeeCollected).await.is_some());
}

#[tokio::test]
async fn a_platform_with_other_names_is_read_by_its_mapping() {
    let mut rig = Rig::new().await;
    rig.settings.mapping = Mapping {
        position: "/position".into(),
        event_type: "/meta/kind".into(),
        occurred_at: "/meta/when".into(),
        source_frame: "/meta/origin".into(),
        transfer_id: "/payload/id".into(),
        memo: "/payload/reference".into(),
        from_agent_id: "/payload/from/did".into(),
        to_agent_id: "/payload/to/did".into(),
        amount: "/payload/sum".into(),
        payer_agent_id: "/payload/payer".into(),
        events: [
            (EventType::TokensTransferred, "token.transferred.v2".to_owned()),
            (EventType::TransactionFeeCollected, "fee.v2".to_owned()),
        ]
        .into(),
    };
    rig.store.name_key("kind");
    rig.start("node-1").await;
    let test = rig.registered().await;
    let meta = |kind: &str| json!({"kind": kind, "when": canary_domain::iso(rig.now()), "origin": "a"});
    // The scripted store looks at the top level for the name; the reactor does not.
    rig.store.publish(json!({
        "kind": "fee.v2", "meta": meta("fee.v2"), "payload": {"id": 77, "payer": ALPHA},
    }));
    rig.store.publish(json!({
        "kind": "token.transferred.v2", "meta": meta("token.transferred.v2"),
        "payload": {
            "id": 77, "from": {"did": ALPHA}, "to": {"did": BRAVO}, "sum": 0.01,
            "reference": test.test_id.memo(),
        },
    }));
    rig.stamped(&test, Stage::TokensXfer).await;
    rig.stamped(&test, Stage::FeeCollected).await;
    let names: Vec<String> = rig.store.subscriptions().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"token.transferred.v2".to_owned()));
    assert!(names.contains(&"CrossFrameTransferSettled".to_owned()));
}
