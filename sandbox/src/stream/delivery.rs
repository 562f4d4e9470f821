//! How one event goes out: as it is, or as its fate wants it.

use std::sync::Arc;

use axum::extract::ws::{Message, Utf8Bytes};
use tokio::time::Instant;

use super::session::{Over, Session};
use crate::{
    event::STREAMED,
    event_store::{Burst, Item, Stored},
    faults::Corruption,
};

/// Length of a frame that is too long.
const HUGE: usize = 20_000_000;

/// An event that waits for the next one to overtake it.
pub(super) struct Held {
    pub position: u64,
    /// Goes alone from here on.
    pub until: Instant,
    text: Utf8Bytes,
}

impl Session {
    pub(super) async fn deliver(&mut self, item: Item) -> Result<(), Over> {
        match item {
            Item::Event(event) => self.deliver_event(&event).await,
            Item::Burst(burst) => self.deliver_burst(&burst).await,
        }
    }

    /// Lets the held event go if nothing has overtaken it in time.
    pub(super) async fn release_if_due(&mut self) -> Result<(), Over> {
        match self.held.take_if(|held| held.until <= Instant::now()) {
            Some(held) => self.send(Message::Text(held.text)).await,
            None => Ok(()),
        }
    }

    async fn deliver_event(&mut self, event: &Arc<Stored>) -> Result<(), Over> {
        let replayed = event.position <= self.replay_until;
        let delivery = &event.delivery;
        if let Some(ready) = event.not_before {
            self.idle(Some(ready), false).await?;
        }
        if replayed {
            if !delivery.dropped_in_replay {
                self.send(Message::Text(event.text.clone())).await?;
            }
        } else if delivery.dropped_live {
        } else if let Some(within) = delivery.swapped_within.filter(|_| self.held.is_none()) {
            let until = Instant::now() + within;
            self.held = Some(Held { position: event.position, until, text: event.text.clone() });
            return Ok(());
        } else {
            for _ in 0..=delivery.repeats {
                let message = match delivery.corrupted {
                    Some(how) => corrupt(&event.text, how),
                    None => Message::Text(event.text.clone()),
                };
                self.send(message).await?;
            }
            if let Some(held) = self.held.take() {
                self.send(Message::Text(held.text)).await?;
            }
        }
        self.cursor = event.position;
        Ok(())
    }

    async fn deliver_burst(&mut self, burst: &Burst) -> Result<(), Over> {
        let seen = self.cursor.saturating_sub(burst.first.saturating_sub(1));
        let unseen = burst.texts.iter().skip(usize::try_from(seen).unwrap_or(usize::MAX));
        for text in unseen {
            self.send(Message::Text(text.clone())).await?;
        }
        Ok(())
    }
}

fn corrupt(text: &Utf8Bytes, how: Corruption) -> Message {
    let text = text.as_str();
    match how {
        Corruption::NotJson => Message::text("<event>this is no JSON</event>"),
        Corruption::Binary => Message::binary(vec![0xff, 0x00, 0xfe, 0x7b, 0x80]),
        Corruption::Truncated => Message::text(&text[..text.floor_char_boundary(text.len() / 2)]),
        Corruption::Huge => {
            let rest = text.strip_prefix(STREAMED).unwrap_or_default();
            Message::text(format!(r#"{STREAMED}"padding":"{}",{rest}"#, "x".repeat(HUGE)))
        }
        Corruption::UnknownType => Message::text(r#"{"type":"advisory","text":"nobody knows this type"}"#),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_event_is_cut_between_characters() {
        let text = Utf8Bytes::from(format!(r#"{STREAMED}"memo":"{}"}}"#, "ü".repeat(50)));
        let Message::Text(half) = corrupt(&text, Corruption::Truncated) else { panic!() };
        assert!(serde_json::from_str::<serde_json::Value>(&half).is_err());
        assert!(text.starts_with(half.as_str()));
    }

    #[test]
    fn a_huge_event_is_sound_json_of_20_mb() {
        let text = Utf8Bytes::from(format!(r#"{STREAMED}"position":1}}"#));
        let Message::Text(huge) = corrupt(&text, Corruption::Huge) else { panic!() };
        assert!(huge.len() > HUGE);
        let parsed: serde_json::Value = serde_json::from_str(&huge).unwrap();
        assert_eq!(parsed["position"], 1);
    }
}
