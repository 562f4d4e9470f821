//! What kind of frame a text is (contract §3), told cheaply for events and with certainty for the rest.

use std::borrow::Cow;

use canary_telemetry::RejectReason;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::scan::{Key, Scanned};

/// A frame by its top-level `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Subscribed { head: i64 },
    Heartbeat { head: i64 },
    Gap { oldest: i64 },
}

/// The part of a message that every kind but an event has. An event may have fields of the same names that are anything.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    head: Option<&'a RawValue>,
    #[serde(borrow)]
    oldest: Option<&'a RawValue>,
}

fn position(value: Option<&RawValue>) -> Option<i64> {
    value?.get().parse().ok()
}

/// Tells kinds apart.
#[derive(Debug)]
pub(crate) struct Classifier {
    key: Key,
}

impl Classifier {
    pub fn new() -> Self {
        Self { key: Key::new("\"type\"") }
    }

    /// What the frame is. Only a frame with a `type` that is `event` is believed by its bytes; any other is
    /// parsed, so nothing that a user can write into an event makes it pass for a heartbeat.
    pub fn kind(&mut self, text: &str) -> Result<Kind, RejectReason> {
        // As most servers write it.
        if text.starts_with(r#"{"type":"event""#) || text.starts_with(r#"{"type": "event""#) {
            return Ok(Kind::Event);
        }
        if self.key.value(text.as_bytes()) == Some(Scanned::Plain(b"event")) {
            return Ok(Kind::Event);
        }
        let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| RejectReason::Unparsable)?;
        match (envelope.kind.as_ref(), position(envelope.head), position(envelope.oldest)) {
            ("event", _, _) => Ok(Kind::Event),
            ("subscribed", Some(head), _) => Ok(Kind::Subscribed { head }),
            ("heartbeat", Some(head), _) => Ok(Kind::Heartbeat { head }),
            ("gap", _, Some(oldest)) => Ok(Kind::Gap { oldest }),
            ("subscribed" | "heartbeat" | "gap", _, _) => Err(RejectReason::Unparsable),
            (_, _, _) => Err(RejectReason::UnknownType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<Kind, RejectReason> {
        Classifier::new().kind(text)
    }

    #[test]
    fn control_messages_are_read_in_any_layout() {
        assert_eq!(
            kind(r#"{"type":"subscribed","event_types":["T"],"head":7}"#),
            Ok(Kind::Subscribed { head: 7 })
        );
        assert_eq!(
            kind(r#"{ "head" : 9, "at":"x", "type" : "heartbeat" }"#),
            Ok(Kind::Heartbeat { head: 9 })
        );
        assert_eq!(kind(r#"{"type":"gap","oldest":6000}"#), Ok(Kind::Gap { oldest: 6000 }));
    }

    #[test]
    fn a_users_event_never_passes_for_a_control_message() {
        for text in [
            r#"{"type":"event","position":1,"data":{"memo":"\"type\":\"heartbeat\",\"head\":9"}}"#,
            r#"{"data":{"memo":"{\"type\":\"heartbeat\"}","type":"heartbeat","head":9},"type":"event"}"#,
            r#"{"position":1,"data":{"head":4},"type": "event"}"#,
            r#"{"data":{"type":"x"},"head":"of the department","oldest":1.5,"type":"event"}"#,
        ] {
            assert_eq!(kind(text), Ok(Kind::Event), "{text}");
        }
    }

    #[test]
    fn frames_of_no_known_kind_are_refused_by_reason() {
        for text in
            ["", "hello", "[1,2]", "{\"type\":\"heartbeat\"}", "{\"head\":1}", "<html>", "{\"type\":1}"]
        {
            assert_eq!(kind(text), Err(RejectReason::Unparsable), "{text}");
        }
        assert_eq!(kind(r#"{"type":"notice","text":"hi"}"#), Err(RejectReason::UnknownType));
    }
}
