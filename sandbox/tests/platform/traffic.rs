//! Faults that are other people: strangers who copy memos, and a firehose of user traffic.

use std::{collections::HashSet, time::Duration};

use anyhow::Result;
use canary_sandbox::{EventFault, EventType, Fault, FaultSet, What};
use serde_json::json;

use crate::client::{Order, World, did};

const MOVED: &[EventType] = &[EventType::TokensTransferred];

fn firehose(per_second: u64, event_types: &[EventType]) -> What {
    What::Firehose { per_second, event_types: event_types.to_vec(), bytes: 650 }
}

#[tokio::test]
async fn strangers_copy_the_memo_between_other_parties() -> Result<()> {
    let world = World::quick().await?;
    let id = world.sent(&Order { message: "rent", ..Order::default() }).await?;
    let strangers = Fault::from(What::Strangers { per_second: 500.0, ahead: false }).on("a");
    world.sandbox.faults().set(FaultSet::of([EventFault::Lost.into(), strangers]));
    let copies = world
        .recorded("strangers' events", |record| {
            let strangers: Vec<_> = record.events.into_iter().filter(|e| e.backend.is_none()).collect();
            (strangers.len() >= 8).then_some(strangers)
        })
        .await?;
    let types: HashSet<EventType> = copies.iter().map(|copy| copy.event_type).collect();
    assert_eq!(types.len(), 4);
    for copy in &copies {
        assert!(copy.position.is_some(), "faults of events don't touch strangers");
        assert_eq!((copy.data.memo.as_deref(), copy.frame.as_str()), (Some("rent"), "a"));
        assert_eq!(copy.data.amount.map(|amount| amount.to_string()).as_deref(), Some("0.01"));
        assert_ne!(copy.data.transfer_id, id);
        let parties = [copy.data.from_agent_id.clone(), copy.data.to_agent_id.clone()];
        assert!(parties.iter().flatten().all(|did| did.starts_with("did:avt:user-")), "{parties:?}");
    }
    assert_eq!(world.sandbox.record().movements.len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_stranger_can_be_ahead_of_the_transfer_itself() -> Result<()> {
    let world = World::quick().await?;
    world.fault(What::Strangers { per_second: 0.0, ahead: true });
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    let id = world.sent(&Order::default()).await?;
    let (stranger, own) = (subscriber.next_event().await?, subscriber.next_event().await?);
    assert_eq!(stranger["data"]["memo"], own["data"]["memo"]);
    assert_ne!(stranger["data"]["from_agent_id"], json!(did("alpha")));
    assert_eq!(own["data"]["transfer_id"], json!(id));
    Ok(())
}

#[tokio::test]
async fn the_firehose_streams_user_events_in_order_among_the_others_and_keeps_none() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    world.fault(Fault::from(firehose(5_000, MOVED)).on("a"));
    let (mut last, mut users, mut own) = (0, 0, None);
    let mut sent = None;
    while own.is_none() {
        let event = subscriber.next_event().await?;
        let position = event["position"].as_u64().unwrap_or_default();
        assert!(position > last, "{position} after {last}");
        last = position;
        match event["data"]["from_agent_id"].as_str() {
            Some(from) if from == did("alpha") => {
                own = event["data"]["transfer_id"].as_str().map(str::to_owned);
            }
            from => {
                assert!(from.is_some_and(|from| from.starts_with("did:avt:user-")));
                users += 1;
            }
        }
        if users == 100 && sent.is_none() {
            sent = Some(world.sent(&Order::default()).await?);
        }
    }
    assert_eq!(own, sent);
    world.sandbox.faults().clear();
    let record = world.sandbox.record();
    assert!(record.firehose_events >= users && record.events.len() == 2);
    let page = world.page("a", "event_type=TokensTransferred&after=0&limit=10").await?.json();
    assert_eq!(page["events"].as_array().map(Vec::len), Some(1));
    assert!(page["head"].as_u64().is_some_and(|head| head >= last));
    assert_eq!(world.page("b", "").await?.json()["head"], 0);
    Ok(())
}

#[tokio::test]
async fn a_subscriber_that_comes_back_in_the_midst_of_a_burst_hears_on_from_there() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    world.fault(Fault::from(firehose(100_000, MOVED)).on("a"));
    let mut position = 0;
    for _ in 0..1_050 {
        position = subscriber.next_event().await?["position"].as_u64().unwrap_or_default();
    }
    world.sandbox.faults().clear();
    for after in position - 20..position {
        let (mut again, _) = world.subscribe("a", MOVED, Some(after)).await?;
        assert_eq!(again.next_event().await?["position"], json!(after + 1));
    }
    Ok(())
}

/// At a rate that never lets the stream come to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_go_on_in_the_firehose_and_cover_what_was_sent() -> Result<()> {
    let world = World::quick().await?;
    let (mut subscriber, _) = world.subscribe("a", MOVED, None).await?;
    world.fault(firehose(1_000_000, &[EventType::TokensTransferred, EventType::TransactionFeeCollected]));
    let (mut last, mut beats) = (0, 0);
    while beats < 3 {
        let message = subscriber.next_json().await?;
        if message["type"] == "heartbeat" {
            beats += 1;
            assert!(message["head"].as_u64() >= Some(last));
        } else {
            last = message["position"].as_u64().unwrap_or_default();
        }
    }
    assert!(last > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_events_a_second_are_made_and_no_more_than_that() -> Result<()> {
    let world = World::quick().await?;
    let asked = 100_000;
    let started = tokio::time::Instant::now();
    world.fault(Fault::from(firehose(asked, MOVED)).on("a"));
    let enough = |made: u64| (made >= asked).then_some(made);
    let made = world.recorded("a second of traffic", |record| enough(record.firehose_events)).await?;
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(990), "{made} events in {took:?}");
    Ok(())
}
