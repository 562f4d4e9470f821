//! Faults of the saga: credits lost, late or taken back.

use std::time::Duration;

use anyhow::Result;
use canary_sandbox::{Config, EmittedEvent, EventType, MovementKind, Record, SagaFault};
use rust_decimal::Decimal;

use crate::client::{World, across, quick};

fn of_type(record: &Record, event_type: EventType) -> Vec<EmittedEvent> {
    record.events.iter().filter(|event| event.event_type == event_type).cloned().collect()
}

/// Waits until both frames have been told of a refund.
async fn refunds(world: &World) -> Result<Vec<EmittedEvent>> {
    world
        .recorded("the refund everywhere", |record| {
            let refunds = of_type(&record, EventType::CrossFrameTransferRefunded);
            (refunds.len() == 2).then_some(refunds)
        })
        .await
}

#[tokio::test]
async fn a_lost_credit_is_neither_settled_nor_refunded() -> Result<()> {
    let world = World::with(Config { refund_after: Duration::from_millis(100), ..quick() }).await?;
    world.fault(SagaFault::CreditLost);
    let lost = world.sent(&across("async")).await?;
    // A later saga that the sweeper ends at its time is the fence for the first one's.
    world.fault(SagaFault::Refunded { after_ms: None });
    world.sent(&across("async")).await?;
    refunds(&world).await?;
    let record = world.sandbox.record();
    let told: Vec<_> = record.events.iter().filter(|event| event.data.transfer_id == lost).collect();
    assert_eq!(told.len(), 4, "initiated twice, tokens, fee: {told:?}");
    assert!(of_type(&record, EventType::CrossFrameTransferSettled).is_empty());
    assert_eq!((world.balance("alpha").await?, record.residual), ("999999.9898".into(), Decimal::ZERO));
    assert_eq!(world.balance("charlie").await?, "1000000");
    Ok(())
}

#[tokio::test]
async fn a_refund_gives_the_amount_back_and_tells_every_frame() -> Result<()> {
    let world = World::quick().await?;
    world.fault(SagaFault::Refunded { after_ms: Some(20) });
    world.sent(&across("async")).await?;
    for refund in refunds(&world).await? {
        assert_eq!(refund.source_frame, "a");
        assert_eq!(refund.data.reason.as_deref(), Some("credit_failed"));
        assert_eq!(refund.data.memo.as_deref(), Some("cross_registry:lunch"));
    }
    assert_eq!(world.balance("alpha").await?, "999999.9999");
    assert_eq!(world.balance("charlie").await?, "1000000");
    let record = world.sandbox.record();
    assert!(of_type(&record, EventType::CrossFrameTransferSettled).is_empty());
    assert_eq!(record.residual, Decimal::ZERO);
    Ok(())
}

#[tokio::test]
async fn the_sweeper_gives_up_after_the_configured_time() -> Result<()> {
    let world = World::with(Config { refund_after: Duration::from_millis(80), ..quick() }).await?;
    for fault in [SagaFault::Refunded { after_ms: None }, SagaFault::SettleDelayed { by_ms: 60_000 }] {
        let before = world.sandbox.record().movements.len();
        world.fault(fault);
        world.sent(&across("async")).await?;
        let refund = world
            .recorded("the refund", |record| {
                record.movements.into_iter().skip(before).find(|m| m.kind == MovementKind::Refunded)
            })
            .await?;
        assert_eq!((refund.frame.as_str(), refund.amount.to_string().as_str()), ("a", "0.01"));
    }
    Ok(())
}

#[tokio::test]
async fn a_late_credit_settles_late() -> Result<()> {
    let world = World::quick().await?;
    world.fault(SagaFault::SettleDelayed { by_ms: 120 });
    world.sent(&across("async")).await?;
    let (started, settled) = world
        .recorded("the late settlement", |record| {
            let settled = of_type(&record, EventType::CrossFrameTransferSettled).first()?.at;
            Some((record.calls.first()?.at, settled))
        })
        .await?;
    assert!(settled - started >= chrono::TimeDelta::milliseconds(150));
    Ok(())
}

#[tokio::test]
async fn a_refund_after_settling_makes_tokens_exist_twice_and_the_books_say_so() -> Result<()> {
    let world = World::quick().await?;
    world.fault(SagaFault::RefundedAfterSettled { after_ms: 30 });
    world.sent(&across("async")).await?;
    let refund = refunds(&world).await?;
    assert_eq!(refund[0].data.reason.as_deref(), Some("sweeper_timeout"));
    let record = world.sandbox.record();
    let settled = of_type(&record, EventType::CrossFrameTransferSettled);
    assert!(settled.iter().all(|settled| settled.occurred_at < refund[0].occurred_at));
    assert_eq!(world.balance("alpha").await?, "999999.9999");
    assert_eq!(world.balance("charlie").await?, "1000000.01");
    assert!(record.movements.iter().any(|movement| movement.kind == MovementKind::Conjured));
    assert_eq!(record.residual, Decimal::ZERO);
    Ok(())
}
