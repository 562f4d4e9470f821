//! User traffic: events between users, as many a second as the faults ask for.
//!
//! It has to be cheap enough that a subscriber, not the sandbox, is what a benchmark measures. So users' events are
//! rendered once and only the parts that differ are filled in, a burst of them enters the log in one step, and
//! nothing is kept but their count. Each tick makes what is due by the clock, so a late tick loses nothing.

use std::{fmt::Write, sync::Arc, time::Duration};

use axum::{body::Bytes, extract::ws::Utf8Bytes};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    clock,
    event::Event,
    event_store::Burst,
    faults::{Place, What},
    platform::{Frame, Platform},
    transfer::Transfer,
    words::{Backend, EventType},
};

/// Time between bursts.
const TICK: Duration = Duration::from_millis(1);
/// Most events of a burst; what is due beyond them comes with the next.
const LARGEST_BURST: u64 = 2_000;
/// Different events that are taken in turn.
const TEMPLATES: usize = 64;
/// Digits that a position usually has, for the length of an event.
const POSITION_DIGITS: usize = 7;

/// How much of what is asked for in a frame.
#[derive(Clone, Debug, PartialEq)]
struct Flow {
    per_second: u64,
    event_types: Vec<EventType>,
    bytes: usize,
}

/// Makes user traffic in a frame while the faults ask for some, until the platform stops.
pub(crate) async fn run(platform: Arc<Platform>, name: String) {
    let Some(frame) = platform.frame(&name) else { return };
    let mut changes = platform.faults.changes();
    loop {
        let asked = flow(&platform, &name);
        let pumped = async {
            match &asked {
                Some(flow) => pump(&platform, frame, flow).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pumped => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

fn flow(platform: &Platform, frame: &str) -> Option<Flow> {
    let asked = platform.faults.draw(Place::frame(frame), |what| {
        let What::Firehose { per_second, event_types, bytes } = what else { return None };
        Some(Flow { per_second: *per_second, event_types: event_types.clone(), bytes: *bytes })
    });
    asked.filter(|flow| flow.per_second > 0 && !flow.event_types.is_empty())
}

async fn pump(platform: &Platform, frame: &Frame, flow: &Flow) {
    let presses: Vec<Press> =
        flow.event_types.iter().map(|event_type| Press::new(*event_type, &frame.name, flow.bytes)).collect();
    let started = Instant::now();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut made = 0_u64;
    for press in presses.iter().cycle() {
        tick.tick().await;
        let owed = started.elapsed().as_micros() * u128::from(flow.per_second) / 1_000_000;
        let due = u64::try_from(owed).unwrap_or(u64::MAX).saturating_sub(made).min(LARGEST_BURST);
        if due > 0 {
            frame.store.append_burst(|first| press.burst(first, due, clock::now()));
            platform.recorder.firehose(due);
            made += due;
        }
    }
}

/// Prints events of one type.
struct Press {
    event_type: EventType,
    templates: Vec<Template>,
    /// Ids count up from here, by position.
    event_ids: u128,
    transfer_ids: u128,
    bytes: usize,
}

impl Press {
    fn new(event_type: EventType, frame: &str, bytes: usize) -> Self {
        // The lower half is left to the count.
        let ids = || rand::random::<u128>() & !u128::from(u64::MAX);
        let templates = (0..TEMPLATES).map(|_| Template::new(event_type, frame, bytes)).collect();
        Self { event_type, templates, event_ids: ids(), transfer_ids: ids(), bytes }
    }

    fn burst(&self, first: u64, count: u64, at: DateTime<Utc>) -> Burst {
        let at = clock::text(at);
        let mut all = String::with_capacity(usize::try_from(count).unwrap_or(0) * self.bytes);
        let mut ends = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        for (position, template) in (first..first + count).zip(self.templates.iter().cycle()) {
            template.print(&mut all, position, &at, [self.event_ids, self.transfer_ids]);
            ends.push(all.len());
        }
        let (bytes, all) = (all.len(), Bytes::from(all));
        let mut start = 0;
        let cut = |end| {
            let text = Utf8Bytes::try_from(all.slice(start..end)).unwrap_or_default();
            start = end;
            text
        };
        Burst { event_type: self.event_type, first, texts: ends.into_iter().map(cut).collect(), bytes }
    }
}

/// An event's text without what differs from one to the next.
struct Template {
    before_position: String,
    before_event_id: String,
    before_occurred_at: String,
    before_transfer_id: String,
    rest: String,
}

impl Template {
    fn new(event_type: EventType, frame: &str, bytes: usize) -> Self {
        let (id, transfer_id) = (Uuid::from_u128(1), Uuid::from_u128(2).to_string());
        let mut transfer = user_transfer(event_type, frame, transfer_id.clone());
        let mut event = Event { id, ..user_event(event_type, &transfer) };
        let shorter = bytes.saturating_sub(event.text(0).len() + POSITION_DIGITS - 1);
        let filler = " for the order of last week, thank you and see you soon -";
        transfer.message.extend(filler.chars().cycle().take(shorter));
        event.data = user_event(event_type, &transfer).data;
        let (text, at) = (event.text(0), clock::text(event.occurred_at));
        let cut = |text: &str, mark: &str| {
            text.split_once(mark)
                .map(|(before, after)| (before.to_owned(), after.to_owned()))
                .unwrap_or_default()
        };
        let (before_position, after) = cut(&text, r#""position":0"#);
        let (before_event_id, after) = cut(&after, &id.to_string());
        let (before_occurred_at, after) = cut(&after, &at);
        let (before_transfer_id, rest) = cut(&after, &transfer_id);
        Self {
            before_position: before_position + r#""position":"#,
            before_event_id,
            before_occurred_at,
            before_transfer_id,
            rest,
        }
    }

    fn print(&self, into: &mut String, position: u64, at: &str, [event_ids, transfer_ids]: [u128; 2]) {
        let mut buffer = Uuid::encode_buffer();
        let count = u128::from(position);
        into.push_str(&self.before_position);
        // Writing into a string can't fail.
        write!(into, "{position}").unwrap_or_default();
        into.push_str(&self.before_event_id);
        into.push_str(Uuid::from_u128(event_ids + count).hyphenated().encode_lower(&mut buffer));
        into.push_str(&self.before_occurred_at);
        into.push_str(at);
        into.push_str(&self.before_transfer_id);
        into.push_str(Uuid::from_u128(transfer_ids + count).hyphenated().encode_lower(&mut buffer));
        into.push_str(&self.rest);
    }
}

fn user_transfer(event_type: EventType, frame: &str, id: String) -> Transfer {
    let user = || format!("did:avt:user-{:016x}", rand::random::<u64>());
    let inside = matches!(event_type, EventType::TokensTransferred | EventType::TransactionFeeCollected);
    Transfer {
        id,
        backend: if inside { Backend::Intra } else { Backend::Async },
        from_frame: frame.to_owned(),
        to_frame: frame.to_owned(),
        sender: user(),
        receiver: user(),
        amount: Decimal::new(rand::random_range(1..1_000_000), 2),
        fee: Decimal::new(1, 4),
        message: format!("invoice {}", rand::random_range(10_000..100_000)),
    }
}

fn user_event(event_type: EventType, transfer: &Transfer) -> Event {
    match event_type {
        EventType::TokensTransferred => transfer.tokens_transferred(),
        EventType::TransactionFeeCollected => transfer.fee_collected(),
        EventType::CrossFrameTransferInitiated => transfer.initiated(),
        EventType::CrossFrameTransferSettled => transfer.settled(),
        EventType::CrossFrameTransferRefunded => transfer.refunded("credit_failed"),
        EventType::CrossRegistryTransferCompleted => transfer.completed(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_burst_is_sound_events_of_its_type_at_consecutive_positions_with_ids_of_their_own() {
        for event_type in EventType::VARIANTS {
            let press = Press::new(*event_type, "a", 650);
            let at = DateTime::UNIX_EPOCH;
            let burst = press.burst(1_000_000, 200, at);
            let mut ids = HashSet::new();
            for (position, text) in (1_000_000..).zip(&burst.texts) {
                let event: Value = serde_json::from_str(text).unwrap();
                assert_eq!((&event["type"], &event["position"]), (&"event".into(), &Value::from(position)));
                assert_eq!(event["event_type"], event_type.name());
                assert_eq!(event["occurred_at"], "1970-01-01T00:00:00.000000Z");
                assert!(
                    ids.insert(event["event_id"].to_string())
                        && ids.insert(event["data"]["transfer_id"].to_string())
                );
                let with_memo = *event_type != EventType::TransactionFeeCollected;
                assert!(!with_memo || text.len() == 650, "{} bytes", text.len());
            }
            assert_eq!((ids.len(), burst.texts.len()), (400, 200));
        }
    }
}
