//! Faults of single events, on their way into a store and out of it.

use std::time::Duration;

use anyhow::{Context, Result};
use canary_sandbox::{Alteration, Config, Corruption, DelayAt, EventFault, EventType, Fault, FaultSet, What};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Order, Subscriber, World, across, did, quick};

const MOVED: &[EventType] = &[EventType::TokensTransferred];
const SETTLED: &[EventType] = &[EventType::CrossFrameTransferSettled];

/// The first `times` token events meet this; then all is well.
fn first_moved(what: EventFault, times: u64) -> Fault {
    Fault::from(what).of_type(MOVED[0]).first(times)
}

async fn listening(fault: Fault) -> Result<(World, Subscriber)> {
    let world = World::quick().await?;
    world.fault(fault);
    let (subscriber, _) = world.subscribe("a", MOVED, None).await?;
    Ok((world, subscriber))
}

async fn listed(world: &World, event_type: EventType) -> Result<usize> {
    let page = world.page("a", &format!("event_type={}", event_type.name())).await?.json();
    Ok(page["events"].as_array().map_or(0, Vec::len))
}

/// The next event is this transfer's.
async fn hears(subscriber: &mut Subscriber, id: &str) -> Result<()> {
    assert_eq!(subscriber.next_event().await?["data"]["transfer_id"], json!(id));
    Ok(())
}

#[tokio::test]
async fn a_lost_event_is_nowhere_but_in_the_record() -> Result<()> {
    let (world, mut subscriber) = listening(first_moved(EventFault::Lost, 1)).await?;
    let lost = world.sent(&Order::default()).await?;
    let next = world.sent(&Order::default()).await?;
    hears(&mut subscriber, &next).await?;
    assert_eq!(listed(&world, MOVED[0]).await?, 1);
    let record = world.sandbox.record();
    let gone = record.events.iter().find(|event| event.position.is_none()).context("no lost event")?;
    assert_eq!(gone.data.transfer_id, lost);
    Ok(())
}

#[tokio::test]
async fn a_dropped_event_is_on_rest_and_in_a_replay_unless_that_is_dropped_too() -> Result<()> {
    for (replay_too, replayed) in [(false, 2), (true, 1)] {
        let (world, mut subscriber) = listening(first_moved(EventFault::Dropped { replay_too }, 1)).await?;
        let dropped = world.sent(&Order::default()).await?;
        let next = world.sent(&Order::default()).await?;
        hears(&mut subscriber, &next).await?;
        assert_eq!(listed(&world, MOVED[0]).await?, 2);
        let (mut again, _) = world.subscribe("a", MOVED, Some(0)).await?;
        if replayed == 2 {
            hears(&mut again, &dropped).await?;
        }
        hears(&mut again, &next).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_event_delayed_before_the_store_keeps_its_moment_and_comes_after_later_ones() -> Result<()> {
    let what = EventFault::Delayed { by_ms: 150, waits: DelayAt::Store };
    let (world, mut subscriber) = listening(first_moved(what, 1)).await?;
    let late = world.sent(&Order::default()).await?;
    let early = world.sent(&Order::default()).await?;
    hears(&mut subscriber, &early).await?;
    hears(&mut subscriber, &late).await?;
    let record = world.sandbox.record();
    let event = record.events.iter().find(|e| e.data.transfer_id == late && e.event_type == MOVED[0]);
    let waited = event.map(|event| event.at - event.occurred_at).context("no late event")?;
    assert!(waited >= chrono::TimeDelta::milliseconds(150));
    Ok(())
}

#[tokio::test]
async fn an_event_delayed_in_the_stream_holds_up_what_follows_and_no_heartbeat_claims_it() -> Result<()> {
    let what = EventFault::Delayed { by_ms: 300, waits: DelayAt::Stream };
    let (world, mut subscriber) = listening(first_moved(what, 1)).await?;
    let first = world.sent(&Order::default()).await?;
    let second = world.sent(&Order::default()).await?;
    assert_eq!(listed(&world, MOVED[0]).await?, 2);
    let mut beats = Vec::new();
    let event = loop {
        let message = subscriber.next_json().await?;
        match message["type"].as_str() {
            Some("heartbeat") => beats.push(message["head"].as_u64().unwrap_or_default()),
            Some(_) | None => break message,
        }
    };
    assert_eq!(event["data"]["transfer_id"], json!(first));
    assert!(!beats.is_empty());
    assert!(beats.iter().all(|head| Some(*head) < event["position"].as_u64()), "{beats:?} claim {event}");
    hears(&mut subscriber, &second).await
}

#[tokio::test]
async fn a_repeated_event_comes_as_often_as_asked() -> Result<()> {
    let (world, mut subscriber) = listening(first_moved(EventFault::Repeated { times: 2 }, 1)).await?;
    let thrice = world.sent(&Order::default()).await?;
    let once = world.sent(&Order::default()).await?;
    for id in [&thrice, &thrice, &thrice, &once] {
        hears(&mut subscriber, id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_reordered_event_is_overtaken_by_the_next() -> Result<()> {
    let what = EventFault::Reordered { within_ms: 20_000 };
    let (world, mut subscriber) = listening(first_moved(what, 1)).await?;
    let first = world.sent(&Order::default()).await?;
    let beat = subscriber.next_of("heartbeat").await?;
    let second = world.sent(&Order::default()).await?;
    hears(&mut subscriber, &second).await?;
    let overtaken = subscriber.next_event().await?;
    assert_eq!(overtaken["data"]["transfer_id"], json!(first));
    assert!(beat["head"].as_u64() < overtaken["position"].as_u64(), "{beat} claims {overtaken}");
    Ok(())
}

#[tokio::test]
async fn a_reordered_event_that_nothing_overtakes_goes_alone() -> Result<()> {
    let what = EventFault::Reordered { within_ms: 50 };
    let (world, mut subscriber) = listening(first_moved(what, 1)).await?;
    let only = world.sent(&Order::default()).await?;
    hears(&mut subscriber, &only).await?;
    subscriber.heartbeat_from(world.page("a", "").await?.json()["head"].as_u64().unwrap_or(0)).await?;
    Ok(())
}

#[tokio::test]
async fn a_corrupt_event_is_unreadable_live_and_sound_in_a_replay() -> Result<()> {
    for how in [Corruption::NotJson, Corruption::Binary, Corruption::Truncated, Corruption::UnknownType] {
        let (world, mut subscriber) = listening(first_moved(EventFault::Corrupted { how }, 1)).await?;
        let spoilt = world.sent(&Order::default()).await?;
        let next = world.sent(&Order::default()).await?;
        let message = loop {
            let message = subscriber.next().await?.context("the socket has ended")?;
            if !message.to_text().is_ok_and(|text| text.contains("heartbeat")) {
                break message;
            }
        };
        let parsed = serde_json::from_slice::<serde_json::Value>(&message.clone().into_data());
        match how {
            Corruption::Binary => assert!(matches!(message, Message::Binary(_))),
            Corruption::UnknownType => assert_eq!(parsed?["type"], "advisory"),
            Corruption::NotJson | Corruption::Truncated | Corruption::Huge => assert!(parsed.is_err()),
        }
        hears(&mut subscriber, &next).await?;
        let (mut again, _) = world.subscribe("a", MOVED, Some(0)).await?;
        hears(&mut again, &spoilt).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_huge_event_is_20_mb() -> Result<()> {
    use tokio_tungstenite::{connect_async_with_config, tungstenite::protocol::WebSocketConfig};

    let (world, mut subscriber) =
        listening(first_moved(EventFault::Corrupted { how: Corruption::Huge }, 1)).await?;
    let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(
        world.sandbox.frame("a").event_store_ws,
    )?;
    let bearer = format!("Bearer {}", world.sandbox.frame("a").event_store_token);
    request.headers_mut().insert("authorization", bearer.parse()?);
    let (socket, _) = connect_async_with_config(request, Some(limits), false).await?;
    let mut tolerant = Subscriber { socket };
    let ask = json!({ "action": "subscribe", "event_types": MOVED, "after": null }).to_string();
    futures_util::SinkExt::send(&mut tolerant.socket, Message::text(ask)).await?;
    tolerant.next_of("subscribed").await?;
    world.sent(&Order::default()).await?;
    let event = tolerant.next_event().await?;
    assert_eq!(event["padding"].as_str().map(str::len), Some(20_000_000));
    // A client with a frame limit below that ends the connection.
    while subscriber.next().await?.is_some() {}
    Ok(())
}

#[tokio::test]
async fn an_altered_event_lies_about_what_the_rule_names_and_the_books_do_not() -> Result<()> {
    let what = EventFault::Altered(Alteration {
        to_agent_id: Some("did:avt:thief".into()),
        amount: Some("7.5".parse()?),
        ..Alteration::default()
    });
    let (world, mut subscriber) = listening(Fault::from(what)).await?;
    let id = world.sent(&Order::default()).await?;
    let data = subscriber.next_event().await?["data"].clone();
    assert_eq!((&data["to_agent_id"], &data["amount"]), (&json!("did:avt:thief"), &json!("7.5")));
    assert_eq!((&data["from_agent_id"], &data["transfer_id"]), (&json!(did("alpha")), &json!(id)));
    assert_eq!(world.balance("bravo").await?, "1000000.01");
    let fee = world.page("a", "event_type=TransactionFeeCollected").await?.json();
    assert!(fee["events"][0]["data"]["amount"].is_null(), "a fee event has no amount to alter");
    Ok(())
}

#[tokio::test]
async fn without_broadcasts_an_event_stays_where_it_happened() -> Result<()> {
    let world = World::quick().await?;
    world.fault(Fault::from(What::BroadcastStopped).on("b"));
    let id = world.sent(&across("async")).await?;
    let events = world
        .recorded("the settled event", |record| {
            let settled = record.events.iter().any(|event| event.event_type == SETTLED[0]);
            settled.then_some(record.events)
        })
        .await?;
    // Initiated happens in a, whose broadcasts go on; it was sent long before settled and is the fence here.
    assert!(events.iter().any(|e| e.frame == "b" && e.event_type == EventType::CrossFrameTransferInitiated));
    let settled: Vec<&str> =
        events.iter().filter(|e| e.event_type == SETTLED[0]).map(|e| e.frame.as_str()).collect();
    assert_eq!(settled, ["b"]);
    world.sandbox.faults().clear();
    let healthy = world.sent(&across("2pc")).await?;
    let (mut subscriber, _) = world.subscribe("a", SETTLED, Some(0)).await?;
    assert_ne!(id, healthy);
    hears(&mut subscriber, &healthy).await
}

#[tokio::test]
async fn the_fee_comes_first_or_last_as_the_rule_says() -> Result<()> {
    let world = World::with(Config { ..quick() }).await?;
    let types = [EventType::TokensTransferred, EventType::TransactionFeeCollected];
    let (mut subscriber, _) = world.subscribe("a", &types, None).await?;
    let healthy = [("intra", "TokensTransferred"), ("2pc", "TransactionFeeCollected")];
    let first = [("intra", "TransactionFeeCollected"), ("2pc", "TransactionFeeCollected")];
    let last = [("intra", "TokensTransferred"), ("2pc", "TokensTransferred")];
    for (faults, expected) in [
        (FaultSet::default(), healthy),
        (FaultSet::of([What::FeeOrder { first: true }.into()]), first),
        (FaultSet::of([What::FeeOrder { first: false }.into()]), last),
    ] {
        world.sandbox.faults().set(faults);
        for (backend, leads) in expected {
            world.sent(&Order { backend, ..Order::default() }).await?;
            let (one, two) = (subscriber.next_event().await?, subscriber.next_event().await?);
            assert_eq!(one["event_type"], leads, "{backend}");
            assert_ne!(one["event_type"], two["event_type"]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn rules_add_up_on_one_event() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    let repeated = first_moved(EventFault::Repeated { times: 1 }, 1);
    let delayed = first_moved(EventFault::Delayed { by_ms: 60, waits: DelayAt::Store }, 1);
    world.sandbox.faults().set(FaultSet::of([repeated, delayed]));
    let started = tokio::time::Instant::now();
    let id = world.sent(&Order::default()).await?;
    hears(&mut subscriber, &id).await?;
    hears(&mut subscriber, &id).await?;
    assert!(started.elapsed() >= Duration::from_millis(60));
    Ok(())
}
