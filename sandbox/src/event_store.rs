//! A frame's EventStore: one log, in order of position, that streams and REST read alike.
//!
//! A reader holds nothing but the position it has read up to and asks for what lies behind it, so replay and live
//! are one path: nothing can slip between them, and a slow reader only falls behind. A position is given and the
//! event put into the log in one critical section, so no reader can pass a position that is still to be filled.
//! Bursts of user traffic share the positions but not the retention: a reader that falls too far behind them
//! misses some, and nobody replays them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::{sync::watch, time::Instant};

use crate::{event::Event, faults::Delivery, words::EventType};

/// Bytes of bursts kept for readers that are a little behind: a second of 100,000 events.
const BURST_BYTES: usize = 64 << 20;
/// Log entries looked at in one critical section.
const SCANNED_AT_ONCE: usize = 4_096;
/// Log entries handed out at once.
const READ_AT_ONCE: usize = 64;

/// An event in the log.
#[derive(Debug)]
pub(crate) struct Stored {
    pub position: u64,
    pub event_type: EventType,
    /// The text frame that carries it.
    pub text: Utf8Bytes,
    pub delivery: Delivery,
    /// Streams hold it, and what follows, until then.
    pub not_before: Option<Instant>,
}

/// Many user events of one type at consecutive positions.
#[derive(Debug)]
pub(crate) struct Burst {
    pub event_type: EventType,
    pub first: u64,
    pub texts: Vec<Utf8Bytes>,
    pub bytes: usize,
}

impl Burst {
    fn last(&self) -> u64 {
        self.first + (self.texts.len() as u64).saturating_sub(1)
    }
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Event(Arc<Stored>),
    Burst(Arc<Burst>),
}

/// What a reader gets: everything of its types up to and including `upto`.
#[derive(Debug)]
pub(crate) struct Page {
    pub items: Vec<Item>,
    pub upto: u64,
    /// There is more behind it by now.
    pub more: bool,
    /// Retention has taken something that the reader hasn't seen; the oldest position that is left.
    pub gap: Option<u64>,
}

/// The log of one frame, shared by its emitters and readers.
#[derive(Debug)]
pub(crate) struct EventStore {
    log: Mutex<Log>,
    head: watch::Sender<u64>,
    retention: usize,
}

#[derive(Debug, Default)]
struct Log {
    head: u64,
    /// The highest position that retention has taken.
    forgotten: u64,
    events: VecDeque<Arc<Stored>>,
    bursts: VecDeque<Arc<Burst>>,
    burst_bytes: usize,
}

impl EventStore {
    pub fn new(retention: usize) -> Self {
        Self { log: Mutex::default(), head: watch::Sender::new(0), retention }
    }

    /// Puts an event into the log and answers its position.
    pub fn append(&self, event: &Event, delivery: Delivery) -> u64 {
        let not_before = delivery.late_by.map(|late| Instant::now() + late);
        let mut log = self.log();
        // Positions grow with gaps.
        let position = log.head + rand::random_range(1..=2);
        let text = event.text(position).into();
        let event_type = event.event_type;
        log.events.push_back(Arc::new(Stored { position, event_type, text, delivery, not_before }));
        if log.events.len() > self.retention {
            log.forgotten = log.events.pop_front().map_or(log.forgotten, |event| event.position);
        }
        self.advance(&mut log, position);
        position
    }

    /// Puts a burst into the log; `render` is told its first position.
    pub fn append_burst(&self, render: impl FnOnce(u64) -> Burst) {
        let mut log = self.log();
        let burst = render(log.head + 1);
        if burst.texts.is_empty() {
            return;
        }
        let last = burst.last();
        log.burst_bytes += burst.bytes;
        log.bursts.push_back(Arc::new(burst));
        while log.burst_bytes > BURST_BYTES {
            let Some(old) = log.bursts.pop_front() else { break };
            log.burst_bytes -= old.bytes;
        }
        self.advance(&mut log, last);
    }

    /// The position of the newest event of any type.
    pub fn head(&self) -> u64 {
        *self.head.borrow()
    }

    /// Tells when the head moves.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// The next entries of these types after a position.
    pub fn read(&self, after: u64, types: &[EventType]) -> Page {
        let log = self.log();
        let first_event = log.events.partition_point(|event| event.position <= after);
        let first_burst = log.bursts.partition_point(|burst| burst.last() <= after);
        let mut events = log.events.range(first_event..).peekable();
        let mut bursts = log.bursts.range(first_burst..).peekable();
        let gap = (after < log.forgotten).then_some(log.forgotten + 1);
        let mut page = Page { items: Vec::new(), upto: after, more: true, gap };
        for _ in 0..SCANNED_AT_ONCE {
            let burst_is_next = match (events.peek(), bursts.peek()) {
                (Some(event), Some(burst)) => burst.first < event.position,
                (None, Some(_)) => true,
                (Some(_), None) => false,
                (None, None) => return Page { upto: log.head, more: false, ..page },
            };
            if burst_is_next {
                let Some(burst) = bursts.next() else { break };
                page.take(burst.event_type, burst.last(), types, || Item::Burst(Arc::clone(burst)));
            } else {
                let Some(event) = events.next() else { break };
                page.take(event.event_type, event.position, types, || Item::Event(Arc::clone(event)));
            }
            if page.items.len() == READ_AT_ONCE {
                break;
            }
        }
        page
    }

    /// For REST: the texts of up to `limit` kept events after a position, and the head.
    pub fn list(&self, event_type: Option<EventType>, after: u64, limit: usize) -> (Vec<Utf8Bytes>, u64) {
        let log = self.log();
        let start = log.events.partition_point(|event| event.position <= after);
        let wanted = |event: &&Arc<Stored>| event_type.is_none_or(|wanted| wanted == event.event_type);
        let texts = log.events.range(start..).filter(wanted).take(limit).map(|event| event.text.clone());
        (texts.collect(), log.head)
    }

    fn advance(&self, log: &mut MutexGuard<'_, Log>, head: u64) {
        log.head = head;
        self.head.send_replace(head);
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    fn take(&mut self, of: EventType, upto: u64, types: &[EventType], item: impl FnOnce() -> Item) {
        self.upto = upto;
        if types.contains(&of) {
            self.items.push(item());
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::event::EventData;

    const MOVED: EventType = EventType::TokensTransferred;
    const FEE: EventType = EventType::TransactionFeeCollected;

    fn event(event_type: EventType) -> Event {
        Event {
            id: Uuid::nil(),
            event_type,
            occurred_at: DateTime::UNIX_EPOCH,
            source_frame: "a".to_owned(),
            backend: None,
            data: EventData::default(),
        }
    }

    fn put(store: &EventStore, event_type: EventType) -> u64 {
        store.append(&event(event_type), Delivery::default())
    }

    fn burst(event_type: EventType, count: usize) -> impl FnOnce(u64) -> Burst {
        move |first| Burst { event_type, first, texts: vec![Utf8Bytes::from("x"); count], bytes: count }
    }

    fn positions(page: &Page) -> Vec<(u64, usize)> {
        let of = |item: &Item| match item {
            Item::Event(event) => (event.position, 1),
            Item::Burst(burst) => (burst.first, burst.texts.len()),
        };
        page.items.iter().map(of).collect()
    }

    #[test]
    fn a_reader_gets_events_and_bursts_of_its_types_in_order_of_position() {
        let store = EventStore::new(100);
        let one = put(&store, MOVED);
        store.append_burst(burst(MOVED, 3));
        put(&store, FEE);
        store.append_burst(burst(FEE, 5));
        let two = put(&store, MOVED);
        let page = store.read(0, &[MOVED]);
        assert_eq!(positions(&page), [(one, 1), (one + 1, 3), (two, 1)]);
        assert_eq!(page.upto, two);
        assert!(two > one + 3 + 5);
        assert_eq!(positions(&store.read(one, &[MOVED])), [(one + 1, 3), (two, 1)]);
        assert!(store.read(two, &[MOVED]).items.is_empty());
    }

    #[test]
    fn pages_join_without_hole_or_overlap() {
        let store = EventStore::new(1_000);
        let all: Vec<u64> = (0..500).map(|_| put(&store, MOVED)).collect();
        let (mut seen, mut cursor) = (Vec::new(), 0);
        while cursor < store.head() {
            let page = store.read(cursor, &[MOVED]);
            assert!(page.items.len() <= READ_AT_ONCE);
            seen.extend(positions(&page).into_iter().map(|(position, _)| position));
            cursor = page.upto;
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn what_retention_took_is_a_gap_and_the_rest_is_not() {
        let store = EventStore::new(3);
        let all: Vec<u64> = (0..5).map(|_| put(&store, MOVED)).collect();
        let page = store.read(0, &[MOVED]);
        assert_eq!((page.gap, page.items.len()), (Some(all[1] + 1), 3));
        assert_eq!(store.read(all[1], &[MOVED]).gap, None);
        assert_eq!(store.read(all[4], &[MOVED]).gap, None);
        let (texts, head) = store.list(Some(MOVED), 0, 2);
        assert_eq!((texts.len(), head), (2, all[4]));
        assert!(store.list(Some(FEE), 0, 2).0.is_empty());
    }

    #[test]
    fn bursts_are_bounded_in_memory_and_leave_no_gap() {
        let store = EventStore::new(3);
        for _ in 0..3 {
            store.append_burst(|first| Burst { bytes: BURST_BYTES / 2, ..burst(MOVED, 10)(first) });
        }
        assert_eq!(store.head(), 30);
        assert_eq!(positions(&store.read(0, &[MOVED])), [(11, 10), (21, 10)]);
        assert_eq!(store.read(0, &[MOVED]).gap, None);
    }
}
