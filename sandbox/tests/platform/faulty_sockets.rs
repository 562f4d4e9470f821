//! Faults of sockets: refused, closed, stalled, without heartbeats, without a replay.

use anyhow::Result;
use canary_sandbox::{Call, CallFault, EventType, Fault, FaultSet, SocketFault};
use serde_json::json;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Order, World};

const MOVED: &[EventType] = &[EventType::TokensTransferred];
const FEE: &[EventType] = &[EventType::TransactionFeeCollected];

#[tokio::test]
async fn a_handshake_can_be_refused_or_cut() -> Result<()> {
    let world = World::quick().await?;
    world.fault(CallFault::answers(Call::Subscribe, 503));
    let token = world.sandbox.frame("a").event_store_token;
    let Err(refused) = world.connect("a", &token).await else { panic!("connected") };
    assert!(matches!(refused.downcast_ref(), Some(Error::Http(response)) if response.status() == 503));
    world.fault(CallFault::Reset { call: Call::Subscribe, lands: false });
    assert!(world.connect("a", &token).await.is_err());
    world.fault(CallFault::Hangs { call: Call::Subscribe, lands: false });
    assert!(timeout(Duration::from_millis(100), world.connect("a", &token)).await.is_err());
    world.sandbox.faults().clear();
    assert!(world.connect("a", &token).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_socket_closes_after_so_many_events_with_or_without_a_closing_frame() -> Result<()> {
    for abruptly in [true, false] {
        let world = World::quick().await?;
        let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
        world.fault(SocketFault::Closes { after_events: 2, abruptly });
        for _ in 0..3 {
            world.sent(&Order::default()).await?;
        }
        subscriber.next_event().await?;
        subscriber.next_event().await?;
        let end = loop {
            match subscriber.next().await? {
                Some(Message::Text(text)) => assert!(text.contains("heartbeat"), "{text}"),
                end => break end,
            }
        };
        assert_eq!(matches!(end, Some(Message::Close(_))), !abruptly, "{end:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_cuts_only_the_subscribers_of_its_type_and_only_so_often() -> Result<()> {
    let world = World::quick().await?;
    let (mut cut, _) = world.subscribe("a", MOVED, None).await?;
    let (mut spared, _) = world.subscribe("a", FEE, None).await?;
    world.fault(
        Fault::from(SocketFault::Closes { after_events: 0, abruptly: true }).of_type(MOVED[0]).first(1),
    );
    while cut.next().await?.is_some() {}
    let (mut again, _) = world.subscribe("a", MOVED, Some(0)).await?;
    world.sent(&Order::default()).await?;
    again.next_event().await?;
    spared.next_event().await?;
    Ok(())
}

#[tokio::test]
async fn a_stalled_socket_is_silent_until_the_faults_change_and_then_catches_up() -> Result<()> {
    let world = World::quick().await?;
    let (mut open, _) = world.subscribe("a", MOVED, None).await?;
    world.fault(SocketFault::Stalls { after_events: 0 });
    let mut fresh = world.ask("a", MOVED, None).await?;
    world.sent(&Order::default()).await?;
    // Ten heartbeats' time. What was written before the stall may still be on its way.
    assert!(timeout(Duration::from_millis(500), fresh.next()).await.is_err());
    while timeout(Duration::from_millis(500), open.next()).await.is_ok() {}
    world.sandbox.faults().clear();
    open.next_event().await?;
    fresh.next_of("subscribed").await?;
    fresh.next_of("heartbeat").await?;
    Ok(())
}

#[tokio::test]
async fn a_socket_can_stall_after_some_events() -> Result<()> {
    let world = World::quick().await?;
    world.fault(SocketFault::Stalls { after_events: 1 });
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    world.sent(&Order::default()).await?;
    world.sent(&Order::default()).await?;
    subscriber.next_event().await?;
    assert!(timeout(Duration::from_millis(500), subscriber.next()).await.is_err());
    timeout(Duration::from_secs(10), world.sandbox.shutdown()).await?;
    Ok(())
}

#[tokio::test]
async fn without_heartbeats_events_go_on() -> Result<()> {
    let world = World::quick().await?;
    world.fault(SocketFault::NoHeartbeats);
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    assert!(timeout(Duration::from_millis(500), subscriber.next()).await.is_err());
    world.sent(&Order::default()).await?;
    assert_eq!(subscriber.next_json().await?["type"], "event");
    world.sandbox.faults().clear();
    subscriber.next_of("heartbeat").await?;
    Ok(())
}

#[tokio::test]
async fn a_replay_is_answered_with_a_gap_and_streams_on() -> Result<()> {
    let world = World::quick().await?;
    let missed = world.sent(&Order::default()).await?;
    world.fault(Fault::from(SocketFault::ReplayGap).of_type(MOVED[0]));
    let (mut subscriber, head) = world.subscribe("a", MOVED, Some(0)).await?;
    assert_eq!(subscriber.next_of("gap").await?["oldest"], json!(head + 1));
    let next = world.sent(&Order::default()).await?;
    assert_eq!(subscriber.next_event().await?["data"]["transfer_id"], json!(next));
    let page = world.page("a", "event_type=TokensTransferred").await?.json();
    assert_eq!(page["events"][0]["data"]["transfer_id"], json!(missed), "REST closes the gap");
    let (mut from_now, _) = world.subscribe("a", MOVED, None).await?;
    assert_eq!(from_now.next_json().await?["type"], "heartbeat", "who asks for no replay has no gap");
    Ok(())
}

#[tokio::test]
async fn a_set_of_several_faults_is_obeyed_as_a_whole() -> Result<()> {
    let world = World::quick().await?;
    world.sandbox.faults().set(FaultSet::of([
        SocketFault::NoHeartbeats.into(),
        SocketFault::Closes { after_events: 1, abruptly: false }.into(),
    ]));
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    world.sent(&Order::default()).await?;
    assert_eq!(subscriber.next_json().await?["type"], "event");
    assert!(matches!(subscriber.next().await?, Some(Message::Close(_))));
    Ok(())
}

#[tokio::test]
async fn a_stalled_socket_answers_no_pings() -> Result<()> {
    use futures_util::{SinkExt, StreamExt};

    let world = World::quick().await?;
    world.fault(SocketFault::Stalls { after_events: 0 });
    let mut subscriber = world.ask("a", MOVED, None).await?;
    assert!(timeout(Duration::from_millis(200), subscriber.socket.next()).await.is_err());
    subscriber.socket.send(Message::Ping("are you there".into())).await?;
    assert!(timeout(Duration::from_millis(300), subscriber.socket.next()).await.is_err());
    world.sandbox.faults().clear();
    subscriber.next_of("subscribed").await?;
    Ok(())
}
