//! An event before it has a position, and the text it becomes once it has one (contract, section 3).

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock,
    words::{Backend, EventType},
};

/// Something that happened in a frame.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub id: Uuid,
    pub event_type: EventType,
    pub occurred_at: DateTime<Utc>,
    pub source_frame: String,
    /// Of the transfer it belongs to; a stranger's event has none, and no fault touches it.
    pub backend: Option<Backend>,
    pub data: EventData,
}

/// What an event says. Which fields there are depends on its type (contract, section 5).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the contract's, under the contract's names")]
pub struct EventData {
    pub transfer_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_frame: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_frame: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_agent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_amount: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memo: Option<String>,
}

/// How every streamed event begins; the REST page leaves the type out.
pub(crate) const STREAMED: &str = r#"{"type":"event","#;

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    position: u64,
    event_id: Uuid,
    event_type: EventType,
    #[serde(serialize_with = "clock::micros")]
    occurred_at: DateTime<Utc>,
    source_frame: &'a str,
    data: &'a EventData,
}

impl Event {
    /// The text frame that carries it at `position`; begins with [`STREAMED`].
    pub fn text(&self, position: u64) -> String {
        let wire = Wire {
            kind: "event",
            position,
            event_id: self.id,
            event_type: self.event_type,
            occurred_at: self.occurred_at,
            source_frame: &self.source_frame,
            data: &self.data,
        };
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_contracts() {
        let event = Event {
            id: Uuid::nil(),
            event_type: EventType::TokensTransferred,
            occurred_at: "2026-11-21T01:22:33.1Z".parse().unwrap(),
            source_frame: "a".to_owned(),
            backend: Some(Backend::Intra),
            data: EventData {
                transfer_id: "t1".to_owned(),
                from_agent_id: Some("did:x".to_owned()),
                to_agent_id: Some("did:y".to_owned()),
                amount: Some("0.010".parse().unwrap()),
                memo: Some("lunch".to_owned()),
                ..EventData::default()
            },
        };
        let text = event.text(7);
        assert!(text.starts_with(STREAMED));
        assert_eq!(
            text,
            concat!(
                r#"{"type":"event","position":7,"event_id":"00000000-0000-0000-0000-000000000000","#,
                r#""event_type":"TokensTransferred","occurred_at":"2026-11-21T01:22:33.100000Z","source_frame":"a","#,
                r#""data":{"transfer_id":"t1","from_agent_id":"did:x","to_agent_id":"did:y","amount":"0.010","memo":"lunch"}}"#
            )
        );
    }
}
