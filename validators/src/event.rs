//! The typed view of one event of the EventStore (contract §3, §5), made only for frames that matter.

use canary_domain::{EventType, Moment, Stage, Stamp, Test, TestId, Via, parse_decimal, parse_iso};
use canary_telemetry::RejectReason;
use serde_json::Value;
use tokio::time::Instant;

use crate::Mapping;

/// What the platform says stays this short in our own words.
const MAX_QUOTED: usize = 100;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub event_type: EventType,
    pub position: i64,
    pub occurred: Moment,
    pub frame: String,
    pub transfer_id: Option<String>,
    /// The test that the memo names, if it has the form of a test's memo.
    pub memo: Option<TestId>,
    /// Who sent, or paid the fee.
    pub sender: String,
    /// Where to and how much; a fee event does not say.
    pub moved: Option<Moved>,
}

/// What a transfer moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub receiver: String,
    pub amount: String,
}

/// Reads events of one type.
#[derive(Clone, Debug)]
pub(crate) struct EventReader {
    event_type: EventType,
    mapping: Mapping,
}

impl EventReader {
    pub fn new(event_type: EventType, mapping: Mapping) -> Self {
        Self { event_type, mapping }
    }

    pub fn event_type(&self) -> EventType {
        self.event_type
    }

    /// Reads one event. A field that is missing, or an amount that is no number, is no contradiction of a test: such
    /// an event is unparsable, never a mismatch (I5).
    pub fn read(&self, text: &str) -> Result<Event, RejectReason> {
        let root: Value = serde_json::from_str(text).map_err(|_| RejectReason::Unparsable)?;
        let name = scalar(&root, &self.mapping.event_type).ok_or(RejectReason::Unparsable)?;
        if name != self.mapping.name(self.event_type) {
            return Err(RejectReason::UnknownType);
        }
        self.fields(&root).ok_or(RejectReason::Unparsable)
    }

    /// The position alone, of an event that need not be ours.
    pub fn position(&self, text: &str) -> Option<i64> {
        position(&serde_json::from_str(text).ok()?, &self.mapping.position)
    }

    fn fields(&self, root: &Value) -> Option<Event> {
        let map = &self.mapping;
        let from = || scalar(root, &map.from_agent_id);
        let (sender, moved) = match self.event_type {
            EventType::TransactionFeeCollected => (scalar(root, &map.payer_agent_id).or_else(from)?, None),
            EventType::TokensTransferred
            | EventType::CrossFrameTransferInitiated
            | EventType::CrossFrameTransferSettled
            | EventType::CrossFrameTransferRefunded => {
                let (receiver, amount) = (scalar(root, &map.to_agent_id)?, scalar(root, &map.amount)?);
                parse_decimal(&amount)?;
                (from()?, Some(Moved { receiver, amount }))
            }
        };
        Some(Event {
            event_type: self.event_type,
            position: position(root, &map.position)?,
            occurred: parse_iso(root.pointer(&map.occurred_at)?.as_str()?)?,
            frame: scalar(root, &map.source_frame)?,
            transfer_id: scalar(root, &map.transfer_id),
            memo: root.pointer(&map.memo).and_then(Value::as_str).and_then(TestId::from_memo),
            sender,
            moved,
        })
    }
}

impl Event {
    /// What this event says otherwise than the test, in words; `None` if it agrees (I7).
    pub fn contradicts(&self, test: &Test) -> Option<String> {
        let mut differences = Vec::new();
        if self.sender != test.sender {
            differences.push(format!("sender is {}, not {}", quoted(&self.sender), test.sender));
        }
        if let Some(moved) = &self.moved {
            if moved.receiver != test.receiver {
                differences.push(format!("receiver is {}, not {}", quoted(&moved.receiver), test.receiver));
            }
            if !test.amount.matches(&moved.amount) {
                differences.push(format!("amount is {}, not {}", quoted(&moved.amount), test.amount));
            }
        }
        (!differences.is_empty())
            .then(|| format!("{} at position {}: {}", self.event_type, self.position, differences.join("; ")))
    }
}

/// An event, and how and when it came to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub event: Event,
    /// Whether it happened in the local frame.
    pub local: bool,
    /// When its last byte was read, on this process's clock …
    pub at: Instant,
    /// … and on the board's.
    pub seen: Moment,
    pub via: Via,
    pub error_us: u64,
}

impl Seen {
    pub fn stage(&self) -> Stage {
        self.event.event_type.stage(self.local)
    }

    pub fn stamp(&self) -> Stamp {
        Stamp {
            seen: self.seen,
            via: self.via,
            occurred: self.event.occurred,
            frame: self.event.frame.clone(),
            position: self.event.position,
            error_us: self.error_us,
        }
    }
}

fn scalar(root: &Value, pointer: &str) -> Option<String> {
    match root.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn position(root: &Value, pointer: &str) -> Option<i64> {
    match root.pointer(pointer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A stranger's text, short and on one line.
fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(amount: &str) -> Result<Event, RejectReason> {
        let text = format!(
            r#"{{"position":7,"event_type":"TokensTransferred","occurred_at":"2026-11-21T01:22:33.123456Z",
            "source_frame":"a","data":{{"transfer_id":"t","from_agent_id":"x","to_agent_id":"y","amount":{amount}}}}}"#
        );
        EventReader::new(EventType::TokensTransferred, Mapping::default()).read(&text)
    }

    #[test]
    fn an_amount_is_read_in_any_spelling_and_what_is_none_makes_the_event_unparsable() {
        let amount: canary_domain::Amount = "0.00000001".parse().unwrap();
        for text in ["\"1E-8\"", "\"0.000000010\"", "1e-8", "0.00000001"] {
            let moved = read(text).unwrap().moved.unwrap();
            assert!(amount.matches(&moved.amount), "{text} became {}", moved.amount);
        }
        for text in ["\"ten\"", "\"\"", "\"NaN\"", "\"0,01\"", "null", "true"] {
            assert_eq!(read(text), Err(RejectReason::Unparsable), "{text}");
        }
    }
}
