//! This process stands still while the platform goes on (I5).

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use canary_domain::{EventType, Stage, Via, parse_iso};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::rig::{Rig, until};
use crate::store::EventStore;

const KIND: EventType = EventType::TokensTransferred;

/// An EventStore that goes on while the reactors' runtime stands still; it ends with the sender.
fn elsewhere() -> (EventStore, oneshot::Sender<()>) {
    let (tell, told) = mpsc::channel();
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        Builder::new_current_thread().enable_all().build().unwrap().block_on(async move {
            tell.send(EventStore::start().await).unwrap();
            // Ends with an error when the sender is dropped: that is the sign.
            ended.await.unwrap_or(());
        });
    });
    (told.recv().unwrap(), end)
}

#[tokio::test]
async fn what_arrives_during_our_standstill_counts_by_its_own_time_and_what_comes_later_by_ours() {
    let (store, _end) = elsewhere();
    let rig = Rig::on(store).await.started().await;
    let (slept_through, later) = (rig.registered().await, rig.registered().await);
    rig.covered_past(KIND, rig.now()).await;
    rig.store.publish(rig.event(KIND, &slept_through, "t1"));
    let occurred = rig.now();
    stand_still(Duration::from_secs(3));
    let stamp = rig.stamped(&slept_through, Stage::TokensXfer).await;
    assert!((stamp.seen - occurred).num_milliseconds() >= 2_500, "it was read late");
    assert_eq!(stamp.via, Via::Replay);
    assert!(stamp.counted() <= occurred);
    until("the reactor has caught up", || async {
        let test = rig.registered().await;
        rig.store.publish(rig.event(KIND, &test, &test.test_id.to_string()));
        (rig.stamped(&test, Stage::TokensXfer).await.via == Via::Live).then_some(())
    })
    .await;
    let mut event = rig.event(KIND, &later, "t2");
    event["occurred_at"] = "2020-01-01T00:00:00Z".into();
    rig.store.publish(event);
    let stamp = rig.stamped(&later, Stage::TokensXfer).await;
    assert_eq!(stamp.occurred, parse_iso("2020-01-01T00:00:00Z").unwrap());
    assert_eq!(stamp.counted(), stamp.seen);
}

#[expect(clippy::disallowed_methods, reason = "a standstill is what is tested")]
fn stand_still(time: Duration) {
    thread::sleep(time);
}
