//! Contract, sections 3 and 4: the stream and the polling backstop.

use anyhow::Result;
use canary_sandbox::{Config, EventType, FRAMES, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::http::Uri;

use crate::client::{Order, World, across, quick};

const MOVED: &[EventType] = &[EventType::TokensTransferred];

fn position(event: &Value) -> u64 {
    event["position"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_subscriber_hears_its_type_as_it_happens_and_heartbeats_that_cover_it() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, head) = world.subscribe("a", MOVED, None).await?;
    assert_eq!(head, 0);
    let id = world.sent(&Order::default()).await?;
    let event = subscriber.next_event().await?;
    assert_eq!(event["event_type"], "TokensTransferred");
    assert_eq!(event["source_frame"], "a");
    assert_eq!(event["data"]["transfer_id"], json!(id));
    assert_eq!(event["data"]["memo"], "lunch");
    assert_eq!(event["data"]["amount"], "0.01");
    assert_eq!(event["occurred_at"].as_str().map(str::len), Some("2026-11-21T01:22:33.123456Z".len()));
    // The fee's event lies behind it, of a type this subscriber doesn't want: the head covers it all the same.
    let beat = subscriber.heartbeat_from(position(&event) + 1).await?;
    assert!(beat["at"].as_str().is_some_and(|at| at.ends_with('Z')));
    Ok(())
}

#[tokio::test]
async fn a_replay_begins_after_the_position_and_runs_on_into_live() -> Result<()> {
    let world = World::quick().await?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.sent(&Order::default()).await?);
    }
    let (mut early, _) = world.subscribe("a", MOVED, Some(0)).await?;
    let first = early.next_event().await?;
    assert_eq!(first["data"]["transfer_id"], json!(ids[0]));
    let (mut late, head) = world.subscribe("a", MOVED, Some(position(&first))).await?;
    assert!(head > position(&first));
    ids.push(world.sent(&Order::default()).await?);
    let mut last = position(&first);
    for id in &ids[1..] {
        let event = late.next_event().await?;
        assert_eq!(event["data"]["transfer_id"], json!(id));
        assert!(position(&event) > last);
        last = position(&event);
    }
    Ok(())
}

#[tokio::test]
async fn a_position_that_retention_has_taken_is_answered_with_a_gap() -> Result<()> {
    let world = World::with(Config { event_retention: 4, ..quick() }).await?;
    for _ in 0..4 {
        world.sent(&Order::default()).await?;
    }
    let (mut subscriber, head) = world.subscribe("a", MOVED, Some(0)).await?;
    let gap = subscriber.next_of("gap").await?;
    let oldest = gap["oldest"].as_u64().unwrap_or_default();
    let event = subscriber.next_event().await?;
    assert!(oldest > 1 && position(&event) >= oldest && position(&event) <= head);
    Ok(())
}

#[tokio::test]
async fn a_position_beyond_the_head_is_a_gap_too() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, head) = world.subscribe("a", MOVED, Some(1_000)).await?;
    assert_eq!(subscriber.next_of("gap").await?["oldest"], json!(head + 1));
    let id = world.sent(&Order::default()).await?;
    assert_eq!(subscriber.next_event().await?["data"]["transfer_id"], json!(id));
    Ok(())
}

#[tokio::test]
async fn events_are_for_bearers_only() -> Result<()> {
    let world = World::quick().await?;
    assert!(world.connect("a", "wrong").await.is_err());
    let agent = world.token("alpha").await?;
    assert!(world.connect("a", &agent).await.is_ok());
    assert!(world.connect("b", &agent).await.is_err());
    let url = format!("{}/events", world.sandbox.frame("a").event_store);
    assert_eq!(world.http.get(url).send().await?.status(), 401);
    Ok(())
}

#[tokio::test]
async fn a_subscription_that_makes_no_sense_is_told_so_and_closed() -> Result<()> {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message;

    let world = World::quick().await?;
    for ask in ["{}", "hello", r#"{"action":"subscribe","event_types":["Nothing"]}"#] {
        let mut subscriber = world.connect("a", &world.sandbox.frame("a").event_store_token).await?;
        subscriber.socket.send(Message::text(ask)).await?;
        assert_eq!(subscriber.next_json().await?["type"], "error");
        assert!(matches!(subscriber.next().await?, Some(Message::Close(_)) | None));
    }
    Ok(())
}

#[tokio::test]
async fn the_rest_page_holds_the_streams_events_without_their_type_and_the_head() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    for _ in 0..3 {
        world.sent(&Order::default()).await?;
    }
    let mut streamed = subscriber.next_event().await?;
    let page = world.page("a", "event_type=TokensTransferred&after=0&limit=2").await?.json();
    assert_eq!(page["events"].as_array().map(Vec::len), Some(2));
    if let Some(fields) = streamed.as_object_mut() {
        fields.remove("type");
    }
    assert_eq!(page["events"][0], streamed);
    let last = position(&page["events"][1]);
    let rest = world.page("a", &format!("event_type=TokensTransferred&after={last}&limit=500")).await?.json();
    assert_eq!(rest["events"].as_array().map(Vec::len), Some(1));
    let empty = world.page("a", "event_type=CrossFrameTransferRefunded&after=0&limit=500").await?.json();
    assert_eq!(empty["events"], json!([]));
    assert!(position(&json!({ "position": empty["head"] })) > last);
    for wrong in ["limit=0", "limit=1001", "after=x", "event_type=Nothing"] {
        assert_eq!(world.page("a", wrong).await?.status, 422, "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn each_frame_gives_a_broadcast_event_its_own_position() -> Result<()> {
    let world = World::quick().await?;
    world.sent(&Order::default()).await?;
    world.sent(&across("async")).await?;
    let mut seen = Vec::new();
    for frame in FRAMES {
        let (mut subscriber, _) =
            world.subscribe(frame, &[EventType::CrossFrameTransferSettled], Some(0)).await?;
        seen.push(subscriber.next_event().await?);
    }
    assert_eq!(seen[0]["event_id"], seen[1]["event_id"]);
    assert_eq!((&seen[0]["source_frame"], &seen[1]["source_frame"]), (&json!("b"), &json!("b")));
    assert_ne!(position(&seen[0]), position(&seen[1]));
    Ok(())
}

#[tokio::test]
async fn a_shutdown_ends_sockets_and_frees_the_ports() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    let address = world.sandbox.frame("a").control;
    assert_eq!(world.control(Method::GET, "agents", None).await?.json().as_array().map(Vec::len), Some(4));
    let port = |frame: &str| {
        Ok::<u16, anyhow::Error>(world.sandbox.frame(frame).registry.parse::<Uri>()?.port_u16().unwrap_or(0))
    };
    let ports = Some([port("a")?, port("b")?]);
    world.sandbox.shutdown().await;
    let again = Sandbox::start(Config { ports, ..quick() }).await?;
    again.shutdown().await;
    while subscriber.next().await?.is_some() {}
    assert!(world.http.get(format!("{address}/agents")).send().await.is_err());
    Ok(())
}
