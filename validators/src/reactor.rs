//! The session loop that all five reactors run: read, reconnect, poll while there is nothing to read.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use canary_domain::{EventType, backoff};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Readiness;
use crate::backstop::{Backstop, Page, PollError};
use crate::link::{Closed, Link, Signal};
use crate::reader::{Reader, Surroundings};
use crate::stall::WAKE_EVERY;

/// Frames that are dealt with before anything else is looked at.
const AT_ONCE: usize = 512;
/// A connection that lasted so long was a success: the next one is opened at once.
const LASTED: Duration = Duration::from_secs(10);
/// How long the backstop gets to carry the position past an unreadable frame.
const DETOUR: Duration = Duration::from_secs(1);
/// So many connections in a row that broke at an unreadable frame, and it is skipped by beginning anew.
const UNREADABLE: u32 = 3;

/// One reactor.
pub(crate) struct Reactor {
    pub kind: EventType,
    pub reader: Reader,
    pub link: Link,
    pub backstop: Backstop,
    pub around: Arc<Surroundings>,
    pub silence_after: Duration,
    pub readiness: watch::Sender<Readiness>,
}

/// What is known of the connections so far.
struct Tries {
    delays: Box<dyn Iterator<Item = Duration> + Send>,
    opened: Instant,
    last_frame: Instant,
    /// When the last heartbeat came, on whatever connection.
    heard: Instant,
    unreadable: u32,
    /// Whether the stream alone brought no certainty at the last look.
    stuck: bool,
    /// Problems of one outage are said aloud once.
    link_reported: bool,
    backstop_reported: bool,
}

impl Tries {
    fn new(now: Instant) -> Self {
        Self {
            delays: Box::new(backoff()),
            opened: now,
            last_frame: now,
            heard: now,
            unreadable: 0,
            stuck: false,
            link_reported: false,
            backstop_reported: false,
        }
    }
}

impl Reactor {
    /// Reads until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tries = Tries::new(Instant::now());
        let mut wake = interval(WAKE_EVERY);
        wake.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.link.open(Duration::ZERO);
        loop {
            let (link, reader) = (&mut self.link, &mut self.reader);
            tokio::select! {
                () = stop.cancelled() => break,
                end = poll_fn(|cx| poll_frames(link, reader, &mut tries, cx)) => if let Some(closed) = end {
                    self.reconnect(&closed, &mut tries);
                },
                answer = self.backstop.answer() => self.answered(answer, &mut tries),
                _ = wake.tick() => self.reader.tick(),
            }
            self.look_around(&mut tries);
        }
        self.reader.closed();
        self.link.close().await;
    }

    fn look_around(&mut self, tries: &mut Tries) {
        let now = Instant::now();
        // Having stood still ourselves, a silence proves nothing.
        if self.reader.count(now) || self.link.arrival().behind {
            tries.last_frame = now;
        }
        if self.link.is_open() && now - tries.last_frame >= self.silence_after {
            self.reconnect(&Closed::Silent(self.silence_after), tries);
        }
        if self.reader.subscribed() {
            self.readiness.send_if_modified(|readiness| readiness.subscribed(self.kind));
        }
        if let Some(heard) = self.reader.heartbeat() {
            tries.heard = heard;
            tries.unreadable = 0;
        }
        let stuck_before = std::mem::replace(&mut tries.stuck, self.reader.stuck());
        if tries.stuck && !stuck_before {
            self.backstop.hurry(now);
        }
        if self.needs_backstop(now, tries) {
            self.backstop.ask(self.reader.after(), now);
        }
    }

    /// The backstop reads while the socket is down, the stream alone brings no certainty, or heartbeats stay away.
    fn needs_backstop(&self, now: Instant, tries: &Tries) -> bool {
        !self.reader.subscribed()
            || self.reader.stuck()
            || now.saturating_duration_since(tries.heard) >= self.silence_after
    }

    fn reconnect(&mut self, closed: &Closed, tries: &mut Tries) {
        let now = Instant::now();
        if std::mem::replace(&mut tries.link_reported, true) {
            debug!(event = %self.kind, %closed, "still no connection to the EventStore");
        } else {
            warn!(event = %self.kind, %closed, "no connection to the EventStore; reconnecting");
        }
        let was_up = self.reader.subscribed();
        if was_up {
            self.backstop.rest(now);
        }
        if was_up && now - tries.opened >= LASTED {
            tries.delays = Box::new(backoff());
        }
        // Counted first, so that the state that says so has it.
        self.around.metrics.reconnects(self.kind);
        self.reader.closed();
        let mut delay = tries.delays.next().unwrap_or(LASTED);
        if let Closed::Unreadable { reason, .. } = closed {
            self.around.metrics.rejected(self.kind, *reason);
            self.pass_unreadable(tries, now);
            delay = delay.max(DETOUR);
        }
        self.link.open(delay);
    }

    /// The next connection would meet the same frame again: the backstop carries the position past it, or,
    /// if that can't either, reading begins anew behind it.
    fn pass_unreadable(&mut self, tries: &mut Tries, now: Instant) {
        self.backstop.hurry(now);
        tries.unreadable += 1;
        if tries.unreadable >= UNREADABLE {
            warn!(event = %self.kind, after = self.reader.after(), "an unreadable frame can't be passed; coverage begins anew behind it");
            self.reader.forget();
            tries.unreadable = 0;
        }
    }

    fn answered(&mut self, answer: Result<Page, PollError>, tries: &mut Tries) {
        let now = Instant::now();
        match answer.and_then(|page| self.reader.page(&page)) {
            Ok(more) => {
                tries.backstop_reported = false;
                self.backstop.rest(now);
                if more {
                    self.backstop.hurry(now);
                }
            }
            Err(error) => {
                if let Some(reason) = error.reject_reason() {
                    self.around.metrics.rejected(self.kind, reason);
                }
                if std::mem::replace(&mut tries.backstop_reported, true) {
                    debug!(event = %self.kind, %error, "the backstop still can't read the EventStore");
                } else {
                    warn!(event = %self.kind, %error, "the backstop can't read the EventStore; coverage stands still");
                }
                self.backstop.failed(now);
            }
        }
    }
}

/// Deals with the frames that are there, some hundreds at once; `Some` when the connection is over.
fn poll_frames(
    link: &mut Link,
    reader: &mut Reader,
    tries: &mut Tries,
    cx: &mut Context<'_>,
) -> Poll<Option<Closed>> {
    for dealt_with in 0..AT_ONCE {
        match link.poll(cx, |message, arrivals| reader.message(message, || arrivals.last())) {
            Poll::Pending if dealt_with == 0 => return Poll::Pending,
            Poll::Pending => return Poll::Ready(None),
            Poll::Ready(Signal::Opened) => {
                tries.opened = Instant::now();
                tries.last_frame = tries.opened;
                link.subscribe(reader.opened());
            }
            Poll::Ready(Signal::Frame(ControlFlow::Continue(()))) => {
                if reader.subscribed() {
                    tries.link_reported = false;
                }
            }
            Poll::Ready(Signal::Frame(ControlFlow::Break(closed)) | Signal::Closed(closed)) => {
                return Poll::Ready(Some(closed));
            }
        }
    }
    Poll::Ready(None)
}
