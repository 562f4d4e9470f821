//! Frames that are no events of the contract: counted, skipped, never fatal.

use crate::rig::{Rig, until};
use canary_domain::{EventType, Stage, Via};

const KIND: EventType = EventType::TokensTransferred;

/// The connection that was there before is still the one in use.
async fn still_works(rig: &Rig) {
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.stamped(&test, Stage::TokensXfer).await;
    assert_eq!(rig.metric("reactor_reconnects_total", KIND, None), 0);
}

#[tokio::test]
async fn garbage_of_every_sort_is_counted_by_reason_and_skipped() {
    let rig = Rig::new().await.started().await;
    for text in ["", "hello", "<html>502</html>", "{", "[]", "null", "{\"type\":\"heartbeat\"}"] {
        rig.store.raw(text);
    }
    rig.store.raw(r#"{"type":"notice","text":"maintenance at noon"}"#);
    rig.store.binary(vec![0xff; 10]);
    // Bears a canary's memo, so it is looked at; lacks everything else.
    rig.store.raw(r#"{"type":"event","event_type":"TokensTransferred","data":{"memo":"canary-1"}}"#);
    rig.store.raw(r#"{"type":"event","event_type":"SomethingElse","data":{"memo":"canary-1"}}"#);
    rig.refused(KIND, "unparsable", 8).await;
    rig.refused(KIND, "unknown_type", 2).await;
    rig.refused(KIND, "binary", 1).await;
    still_works(&rig).await;
}

#[tokio::test]
async fn a_frame_of_twenty_megabytes_is_skipped_without_losing_the_connection() {
    let rig = Rig::new().await.started().await;
    let mut huge = rig.users_event(KIND);
    huge["type"] = "event".into();
    huge["data"]["memo"] = format!("canary-{}", "x".repeat(20 << 20)).into();
    rig.store.raw(huge.to_string());
    rig.refused(KIND, "too_large", 1).await;
    still_works(&rig).await;
}

#[tokio::test]
async fn a_frame_beyond_every_limit_costs_the_connection_and_is_passed_by_the_backstop() {
    let rig = Rig::new().await.started().await;
    let test = rig.registered().await;
    rig.store.publish(rig.event(KIND, &test, "t1"));
    rig.stamped(&test, Stage::TokensXfer).await;
    rig.store.raw("x".repeat((32 << 20) + 1));
    rig.refused(KIND, "too_large", 1).await;
    let other = rig.registered().await;
    rig.store.publish(rig.event(KIND, &other, "t2"));
    assert_eq!(rig.stamped(&other, Stage::TokensXfer).await.via, Via::Backstop);
    let head = rig.store.head();
    until("the socket is back, behind the frame", || async {
        rig.store.subscriptions().contains(&(KIND.as_str().to_owned(), Some(head))).then_some(())
    })
    .await;
}
