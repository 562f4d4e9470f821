//! Where a platform keeps the fields of its events, and what it calls them (contract §6).

use std::collections::BTreeMap;

use canary_domain::EventType;

/// JSON pointers from an event's root, and the platform's names of the five events.
///
/// The fee event has no sender: it names a payer, and has a pointer of its own for it. Where nothing is
/// found there, `from_agent_id` is read, for platforms that call both the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Position in the EventStore, an integer.
    pub position: String,
    /// The event's name.
    pub event_type: String,
    /// When it happened, RFC 3339.
    pub occurred_at: String,
    /// The frame where it happened.
    pub source_frame: String,
    /// The platform's id of the transfer.
    pub transfer_id: String,
    /// The memo.
    pub memo: String,
    /// DID of the sender.
    pub from_agent_id: String,
    /// DID of the receiver.
    pub to_agent_id: String,
    /// What was moved.
    pub amount: String,
    /// DID of who paid the fee; of the fee event alone.
    pub payer_agent_id: String,
    /// The platform's names; an event type that is not here has its own word for a name.
    pub events: BTreeMap<EventType, String>,
}

/// A mapping that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not a JSON pointer.
    #[error("`{field} = \"{pointer}\"` is no JSON pointer; write it like \"/data/memo\"")]
    Pointer {
        /// The setting.
        field: &'static str,
        /// What it says.
        pointer: String,
    },
    /// An event without a name.
    #[error("`events.{0}` is empty; it needs the platform's name of the event")]
    Name(EventType),
}

impl Default for Mapping {
    /// The contract's own names.
    fn default() -> Self {
        Self {
            position: "/position".into(),
            event_type: "/event_type".into(),
            occurred_at: "/occurred_at".into(),
            source_frame: "/source_frame".into(),
            transfer_id: "/data/transfer_id".into(),
            memo: "/data/memo".into(),
            from_agent_id: "/data/from_agent_id".into(),
            to_agent_id: "/data/to_agent_id".into(),
            amount: "/data/amount".into(),
            payer_agent_id: "/data/payer_agent_id".into(),
            events: BTreeMap::new(),
        }
    }
}

impl Mapping {
    /// Checks that every pointer is one, and that every event has a name.
    ///
    /// # Errors
    /// Naming the first setting that can't be used.
    pub fn check(&self) -> Result<(), MappingError> {
        let pointers = [
            ("position", &self.position),
            ("event_type", &self.event_type),
            ("occurred_at", &self.occurred_at),
            ("source_frame", &self.source_frame),
            ("transfer_id", &self.transfer_id),
            ("memo", &self.memo),
            ("from_agent_id", &self.from_agent_id),
            ("to_agent_id", &self.to_agent_id),
            ("amount", &self.amount),
            ("payer_agent_id", &self.payer_agent_id),
        ];
        for (field, pointer) in pointers {
            if !pointer.starts_with('/') {
                return Err(MappingError::Pointer { field, pointer: pointer.clone() });
            }
        }
        match self.events.iter().find(|(_, name)| name.is_empty()) {
            Some((event_type, _)) => Err(MappingError::Name(*event_type)),
            None => Ok(()),
        }
    }

    /// The platform's name of an event type.
    #[must_use]
    pub fn name(&self, event_type: EventType) -> &str {
        self.events.get(&event_type).map_or(event_type.as_str(), String::as_str)
    }
}

/// The key under which a pointer's value stands in the text, in quotes; `None` where it can't be found by
/// its key alone (an element of an array), or might be spelt in several ways.
pub(crate) fn key_in_text(pointer: &str) -> Option<String> {
    let last = pointer.rsplit('/').next()?.replace("~1", "/").replace("~0", "~");
    let plain = last.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'/'));
    let named = !last.is_empty() && !last.bytes().all(|b| b.is_ascii_digit());
    (plain && named).then(|| format!("\"{last}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_without_its_slash_and_an_event_without_a_name_are_refused() {
        assert_eq!(Mapping::default().check(), Ok(()));
        let bad = Mapping { memo: "data.memo".into(), ..Mapping::default() };
        assert!(bad.check().unwrap_err().to_string().starts_with("`memo = \"data.memo\"`"));
        let events = BTreeMap::from([(EventType::TokensTransferred, String::new())]);
        assert!(Mapping { events, ..Mapping::default() }.check().is_err());
    }

    #[test]
    fn a_key_is_searched_for_only_where_the_text_has_it_in_one_spelling() {
        assert_eq!(key_in_text("/data/transfer_id").as_deref(), Some("\"transfer_id\""));
        assert_eq!(key_in_text("/ids/0"), None);
        assert_eq!(key_in_text("/a~1b"), None);
        assert_eq!(key_in_text("/überweisung"), None);
    }
}
