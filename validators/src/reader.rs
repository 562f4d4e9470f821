//! What one reactor makes of its frames and pages: stamps, coverage, counts.
//!
//! No I/O, and nothing that waits: a frame is dealt with before the next one is looked at.

use std::ops::ControlFlow;
use std::sync::Arc;

use canary_domain::{Clock, EventType, Moment, NodeId, Via};
use canary_store::ReactorState;
use canary_telemetry::{ReactorMetrics, RejectReason};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tracing::{info, warn};

use crate::arrival::Arrival;
use crate::backstop::{Page, PollError};
use crate::control::{Classifier, Kind};
use crate::coverage::Covering;
use crate::desk::{Dealt, Desk};
use crate::event::{EventReader, Seen};
use crate::filter::Filter;
use crate::link::Closed;
use crate::points;
use crate::replay::Replay;

/// What the reactors of one process share.
pub(crate) struct Surroundings {
    pub frame: String,
    pub node: NodeId,
    pub max_frame_bytes: usize,
    pub clock: Arc<dyn Clock>,
    pub metrics: Arc<ReactorMetrics>,
    pub desk: Arc<Desk>,
}

/// The connection as the reader knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Down,
    /// Connected and asked to go on behind `after`, or from now on. `subscribed` has not come; a gap before some
    /// position may have.
    Opened {
        after: Option<i64>,
        gap: Option<i64>,
    },
    /// What lies up to `head` counts as replayed.
    Subscribed {
        head: i64,
        replay: Option<Replay>,
    },
}

/// One reactor, without its connections.
pub(crate) struct Reader {
    kind: EventType,
    around: Arc<Surroundings>,
    classifier: Classifier,
    filter: Filter,
    events: EventReader,
    covering: Covering,
    stream: Stream,
    /// Frames and events since they were last counted.
    frames: u64,
    live: u64,
    replayed: u64,
    last_event: Option<Moment>,
    /// When the last heartbeat of this connection came.
    heartbeat: Option<Instant>,
}

impl Reader {
    pub fn new(around: Arc<Surroundings>, events: EventReader, filter: Filter) -> Self {
        let covering = Covering::new(around.clock.steps());
        Self {
            kind: events.event_type(),
            around,
            classifier: Classifier::new(),
            filter,
            events,
            covering,
            stream: Stream::Down,
            frames: 0,
            live: 0,
            replayed: 0,
            last_event: None,
            heartbeat: None,
        }
    }

    /// Continues what this reactor, or one like it, told the board.
    pub fn resume(&mut self, state: &ReactorState) {
        if let (Some(position), Some(covered)) = (state.position, state.covered) {
            info!(event = %self.kind, position, from_node = state.node, "resuming from a stored position");
            self.covering.resume(position, covered);
        }
    }

    pub fn after(&self) -> Option<i64> {
        self.covering.after()
    }

    pub fn subscribed(&self) -> bool {
        matches!(self.stream, Stream::Subscribed { .. })
    }

    /// When the last heartbeat of this connection came.
    pub fn heartbeat(&self) -> Option<Instant> {
        self.heartbeat
    }

    /// Whether the stream alone carries coverage no further: a gap is open, or the replay may be over or not.
    pub fn stuck(&self) -> bool {
        let questioned = match &self.stream {
            Stream::Subscribed { replay, .. } => replay.is_some_and(|replay| replay.questioned()),
            Stream::Opened { .. } | Stream::Down => false,
        };
        questioned || self.covering.gap()
    }

    /// The socket is connected; answers behind which position to subscribe.
    pub fn opened(&mut self) -> Option<i64> {
        let after = self.after();
        self.stream = Stream::Opened { after, gap: None };
        after
    }

    /// The connection is gone.
    pub fn closed(&mut self) {
        self.stream = Stream::Down;
        self.heartbeat = None;
        self.around.metrics.up(self.kind, false);
        self.follow_clock();
        self.publish();
    }

    /// Nothing that was processed helps any more: begin from now on, with the next connection.
    pub fn forget(&mut self) {
        self.covering.forget();
    }

    /// One message from the socket. `Break`: the connection is of no use any more.
    pub fn message(&mut self, message: &Message, arrival: impl Fn() -> Arrival) -> ControlFlow<Closed> {
        match message {
            Message::Text(text) => return self.text(text, arrival),
            Message::Binary(_) => {
                self.frames += 1;
                self.unreadable(RejectReason::Binary);
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
        }
        ControlFlow::Continue(())
    }

    fn text(&mut self, text: &str, arrival: impl Fn() -> Arrival) -> ControlFlow<Closed> {
        self.frames += 1;
        if text.len() > self.around.max_frame_bytes {
            self.unreadable(RejectReason::TooLarge);
            return ControlFlow::Continue(());
        }
        match self.classifier.kind(text) {
            Ok(Kind::Event) => self.streamed_event(text, arrival),
            Ok(Kind::Subscribed { head }) => return self.subscription(head, arrival()),
            Ok(Kind::Heartbeat { head }) => self.heartbeat_at(head, arrival()),
            Ok(Kind::Gap { oldest }) => self.gap_before(oldest),
            Err(reason) => self.unreadable(reason),
        }
        ControlFlow::Continue(())
    }

    fn streamed_event(&mut self, text: &str, arrival: impl Fn() -> Arrival) {
        match self.stream {
            Stream::Subscribed { replay: None, .. } => self.live += 1,
            Stream::Subscribed { head, replay: Some(replay) } => self.replayed_event(text, head, replay),
            Stream::Opened { .. } | Stream::Down => self.replayed += 1,
        }
        if !text.trim_ascii_end().ends_with('}') {
            // Cut off, and so perhaps before what would make it matter.
            return self.unreadable(RejectReason::Unparsable);
        }
        if self.filter.matters(text.as_bytes()) {
            let Arrival { at, behind } = arrival();
            let read = self.event(text, at, |reader, position| match reader.stream {
                Stream::Subscribed { head, .. } if position > head && !behind => Via::Live,
                Stream::Subscribed { .. } | Stream::Opened { .. } | Stream::Down => Via::Replay,
            });
            read.unwrap_or_else(|reason| self.unreadable(reason));
        }
    }

    /// Counts an event while the replay lasts. Certainty follows from its position, so it is read exactly.
    fn replayed_event(&mut self, text: &str, head: i64, mut replay: Replay) {
        let position = self.events.position(text);
        if position.is_some_and(|position| position > head) {
            self.live += 1;
        } else {
            self.replayed += 1;
        }
        replay.delivered(position.unwrap_or(i64::MIN));
        self.replaying(head, replay);
    }

    fn replaying(&mut self, head: i64, replay: Replay) {
        self.stream = Stream::Subscribed { head, replay: (!replay.over()).then_some(replay) };
    }

    fn event(
        &mut self,
        text: &str,
        at: Instant,
        via: impl Fn(&Self, i64) -> Via,
    ) -> Result<(), RejectReason> {
        let event = self.events.read(text)?;
        let via = via(self, event.position);
        let clock = &self.around.clock;
        let error_us = u64::try_from(clock.error_bound().as_micros()).unwrap_or(u64::MAX);
        let local = event.frame == self.around.frame;
        let seen = Seen { local, at, seen: clock.at(at), via, error_us, event };
        points::FRAME_SEEN.reached();
        match self.around.desk.event(seen) {
            Dealt::With => {}
            Dealt::Lost => {
                warn!(event = %self.kind, "too many events of our agents wait for their tests; coverage begins anew");
                self.covering.restart();
                self.publish();
            }
        }
        Ok(())
    }

    fn subscription(&mut self, head: i64, arrival: Arrival) -> ControlFlow<Closed> {
        // Said twice it changes nothing.
        let Stream::Opened { after, gap } = self.stream else { return ControlFlow::Continue(()) };
        self.follow_clock();
        if let Err(reset) = self.covering.subscribed(after, head, self.around.clock.at(arrival.at)) {
            self.covering.forget();
            let what = format!("its head is {}, and position {} was read before", reset.head, reset.position);
            return ControlFlow::Break(Closed::StoreReset(what));
        }
        let replay = after.and_then(|after| Replay::new(after, head));
        self.stream = Stream::Subscribed { head, replay };
        if let Some(oldest) = gap {
            self.gap_before(oldest);
        }
        self.around.metrics.up(self.kind, true);
        info!(event = %self.kind, head, after, "subscribed");
        self.publish();
        ControlFlow::Continue(())
    }

    fn heartbeat_at(&mut self, head: i64, arrival: Arrival) {
        let Stream::Subscribed { replay, .. } = &mut self.stream else { return };
        self.heartbeat = Some(arrival.at);
        let replayed = replay.as_mut().map(|replay| replay.heartbeat(head));
        self.count_events(arrival.at);
        self.follow_clock();
        if let Some(position) = replayed {
            self.covering.replayed(position, arrival.at);
        } else {
            // What arrived behind it while we stood still is still unread, so its arrival is not known.
            let until = (!arrival.behind).then(|| self.around.clock.at(arrival.at));
            self.covering.streamed(head, until, arrival.at);
        }
        self.settle();
    }

    fn gap_before(&mut self, oldest: i64) {
        match &mut self.stream {
            Stream::Opened { gap, .. } => *gap = Some(oldest),
            Stream::Subscribed { head, replay } => {
                warn!(event = %self.kind, oldest, "the EventStore can't replay everything; fetching it");
                let (head, replay, gone) = (*head, *replay, oldest.saturating_sub(1));
                self.covering.open_gap(head.max(gone));
                if let Some(mut replay) = replay {
                    replay.delivered(gone);
                    self.replaying(head, replay);
                }
            }
            Stream::Down => {}
        }
    }

    /// A page of the backstop; answers whether there may be more.
    pub fn page(&mut self, page: &Page) -> Result<bool, PollError> {
        self.follow_clock();
        let Some(after) = page.after else {
            if self.after().is_none() {
                self.covering.begin(page.head, self.around.clock.at(page.received));
                self.publish();
            }
            return Ok(false);
        };
        let last = page.events.iter().rev().find_map(|event| self.events.position(event.get()));
        let more = last.is_some_and(|last| last < page.head);
        if !page.events.is_empty() && last.is_none_or(|last| last <= after) {
            return Err(PollError::Stuck(after));
        }
        self.fetched_events(page);
        self.fetched_replay(page, after, last.filter(|_| more).unwrap_or(page.head));
        match last {
            Some(last) if more => self.covering.fetched(last, page.received),
            Some(_) | None => {
                self.covering.fetched_all(page.head, self.around.clock.at(page.asked), page.received);
            }
        }
        self.settle();
        Ok(more)
    }

    /// What the page says of the replay that the stream still owes.
    fn fetched_replay(&mut self, page: &Page, after: i64, until: i64) {
        let Stream::Subscribed { head, replay: Some(mut replay) } = self.stream else { return };
        // One without a position may be the last of the replay.
        let positions = page.events.iter().map(|event| self.events.position(event.get()).unwrap_or(head));
        replay.fetched(after, until, positions);
        self.replaying(head, replay);
    }

    fn fetched_events(&mut self, page: &Page) {
        for event in &page.events {
            let text = event.get();
            if text.len() > self.around.max_frame_bytes {
                self.reject(RejectReason::TooLarge);
            } else if self.filter.matters(text.as_bytes()) {
                let read = self.event(text, page.received, |_, _| Via::Backstop);
                read.unwrap_or_else(|reason| self.reject(reason));
            }
        }
        if !page.events.is_empty() {
            self.around.metrics.events(self.kind, Via::Backstop, page.events.len() as u64);
            self.last_event = Some(self.around.clock.at(page.received));
        }
    }

    /// Counts what came since the last time; answers whether any frame did.
    pub fn count(&mut self, now: Instant) -> bool {
        self.count_events(now);
        std::mem::take(&mut self.frames) > 0
    }

    fn count_events(&mut self, now: Instant) {
        let metrics = &self.around.metrics;
        for (via, count) in [(Via::Live, &mut self.live), (Via::Replay, &mut self.replayed)] {
            if *count > 0 {
                metrics.events(self.kind, via, std::mem::take(count));
                self.last_event = Some(self.around.clock.at(now));
            }
        }
    }

    /// Follows the board's clock, though nothing comes, and looks whether coverage may go on past what was held.
    pub fn tick(&mut self) {
        self.follow_clock();
        if self.covering.waits() {
            self.settle();
        }
    }

    fn settle(&mut self) {
        if self.covering.settle(self.around.desk.blocks(self.kind)) {
            self.publish();
        }
    }

    fn follow_clock(&mut self) {
        if self.covering.clock_steps(self.around.clock.steps()) {
            warn!(event = %self.kind, "the board's clock has stepped; coverage begins anew");
            self.publish();
        }
    }

    /// A frame on the stream could not be read: it may have been ours, so coverage waits for the backstop (I5).
    fn unreadable(&mut self, reason: RejectReason) {
        self.reject(reason);
        self.covering.doubt();
    }

    fn reject(&self, reason: RejectReason) {
        self.around.metrics.rejected(self.kind, reason);
    }

    fn publish(&self) {
        let (position, covered) = self.covering.settled();
        let totals = self.around.metrics.totals(self.kind);
        self.around.desk.state(ReactorState {
            frame: self.around.frame.clone(),
            event_type: self.kind,
            node: self.around.node.clone(),
            position,
            covered,
            connected: self.subscribed(),
            last_event_at: self.last_event,
            events_total: totals.events,
            matched_total: totals.matched,
            reconnects_total: totals.reconnects,
        });
    }
}
