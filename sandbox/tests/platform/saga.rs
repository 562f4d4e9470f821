//! Contract, section 5: which transfer emits what, where, and with which words.

use std::collections::BTreeSet;

use anyhow::Result;
use canary_sandbox::{EmittedEvent, EventType, MovementKind};

use crate::client::{Order, World, across, did};

fn emitted(events: &[EmittedEvent]) -> BTreeSet<(&str, &str, &str)> {
    events
        .iter()
        .map(|event| (event.frame.as_str(), event.source_frame.as_str(), event.event_type.name()))
        .collect()
}

/// Makes a transfer and waits until it has brought about so many events.
async fn events_of(world: &World, order: &Order<'_>, count: usize) -> Result<Vec<EmittedEvent>> {
    let id = world.sent(order).await?;
    let of_transfer = |events: Vec<EmittedEvent>| -> Vec<EmittedEvent> {
        events.into_iter().filter(|event| event.data.transfer_id == id).collect()
    };
    world
        .recorded("the transfer's events", |record| {
            let events = of_transfer(record.events);
            (events.len() >= count).then_some(events)
        })
        .await
}

#[tokio::test]
async fn an_intra_transfer_says_tokens_and_fee_and_nothing_elsewhere() -> Result<()> {
    let world = World::quick().await?;
    let events = events_of(&world, &Order::default(), 2).await?;
    assert_eq!(
        emitted(&events),
        BTreeSet::from([("a", "a", "TokensTransferred"), ("a", "a", "TransactionFeeCollected")])
    );
    let tokens = &events[0].data;
    assert_eq!((tokens.memo.as_deref(), tokens.from_agent_id.clone()), (Some("lunch"), Some(did("alpha"))));
    let fee = &events[1].data;
    assert_eq!((fee.memo.as_deref(), fee.payer_agent_id.clone()), (None, Some(did("alpha"))));
    assert_eq!(fee.fee_amount.map(|fee| fee.to_string()).as_deref(), Some("0.0001"));
    Ok(())
}

#[tokio::test]
async fn a_saga_says_initiated_and_settled_everywhere_and_tokens_at_home() -> Result<()> {
    let world = World::quick().await?;
    let events = events_of(&world, &across("async"), 6).await?;
    assert_eq!(
        emitted(&events),
        BTreeSet::from([
            ("a", "a", "CrossFrameTransferInitiated"),
            ("b", "a", "CrossFrameTransferInitiated"),
            ("a", "a", "TokensTransferred"),
            ("a", "a", "TransactionFeeCollected"),
            ("b", "b", "CrossFrameTransferSettled"),
            ("a", "b", "CrossFrameTransferSettled"),
        ])
    );
    for event in events.iter().filter(|event| event.event_type != EventType::TransactionFeeCollected) {
        assert_eq!(event.data.memo.as_deref(), Some("cross_registry:lunch"), "{event:?}");
        assert_eq!(event.data.to_agent_id, Some(did("charlie")));
    }
    let settled: Vec<_> =
        events.iter().filter(|e| e.event_type == EventType::CrossFrameTransferSettled).collect();
    assert_eq!(
        (&settled[0].event_id, settled[0].occurred_at),
        (&settled[1].event_id, settled[1].occurred_at)
    );
    assert_eq!(
        (settled[0].data.from_frame.as_deref(), settled[0].data.to_frame.as_deref()),
        (Some("a"), Some("b"))
    );
    let credited = world.sandbox.record().movements.into_iter().find(|m| m.kind == MovementKind::Credited);
    assert!(credited.is_some_and(|credit| credit.at <= settled[0].at && credit.frame == "b"));
    Ok(())
}

#[tokio::test]
async fn two_phase_across_frames_says_settled_once_from_the_receivers_frame() -> Result<()> {
    let world = World::quick().await?;
    let events = events_of(&world, &across("2pc"), 5).await?;
    assert_eq!(
        emitted(&events),
        BTreeSet::from([
            ("a", "a", "TokensTransferred"),
            ("a", "a", "TransactionFeeCollected"),
            ("a", "a", "CrossRegistryTransferCompleted"),
            ("b", "b", "CrossFrameTransferSettled"),
            ("a", "b", "CrossFrameTransferSettled"),
        ])
    );
    Ok(())
}

#[tokio::test]
async fn two_phase_inside_a_frame_says_no_settled() -> Result<()> {
    let world = World::quick().await?;
    let events = events_of(&world, &Order { backend: "2pc", ..Order::default() }, 3).await?;
    assert_eq!(
        emitted(&events),
        BTreeSet::from([
            ("a", "a", "TokensTransferred"),
            ("a", "a", "TransactionFeeCollected"),
            ("a", "a", "CrossRegistryTransferCompleted"),
        ])
    );
    assert_eq!(events[1].data.memo.as_deref(), Some("cross_registry:lunch"));
    Ok(())
}

#[tokio::test]
async fn a_canary_on_the_receivers_frame_sees_a_saga_from_there() -> Result<()> {
    let world = World::quick().await?;
    let order = Order { from: "delta", to: "alpha", target: "a", backend: "async", ..Order::default() };
    let events = events_of(&world, &order, 6).await?;
    assert!(emitted(&events).contains(&("a", "a", "CrossFrameTransferSettled")));
    assert!(emitted(&events).contains(&("a", "b", "CrossFrameTransferInitiated")));
    Ok(())
}
