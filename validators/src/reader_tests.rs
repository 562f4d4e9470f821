//! How far a reader vouches for what it saw, message by message (I5).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use canary_domain::{Clock, EventType, Interval, Moment};
use canary_telemetry::ReactorMetrics;
use prometheus::Registry;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::Mapping;
use crate::arrival::Arrival;
use crate::backstop::Page;
use crate::correlate::Correlator;
use crate::desk::Desk;
use crate::event::EventReader;
use crate::filter::Filter;
use crate::reader::{Reader, Surroundings};

const KIND: EventType = EventType::TokensTransferred;

pub(crate) fn moment(second: i64) -> Moment {
    chrono::DateTime::from_timestamp(second, 0).unwrap()
}

/// Runs as the script's own clock does; steps when told to.
#[derive(Debug)]
pub(crate) struct Stepping {
    pub start: Instant,
    pub steps: AtomicU64,
}

impl Clock for Stepping {
    fn at(&self, instant: Instant) -> Moment {
        moment(0) + (instant - self.start)
    }

    fn error_bound(&self) -> Duration {
        Duration::ZERO
    }

    fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }
}

struct Script {
    reader: Reader,
    desk: Arc<Desk>,
    clock: Arc<Stepping>,
}

impl Script {
    fn new() -> Self {
        let clock = Arc::new(Stepping { start: Instant::now(), steps: AtomicU64::new(0) });
        let metrics = Arc::new(ReactorMetrics::register(&Registry::new(), "a").unwrap());
        let correlator = Correlator::new(["did:alpha".to_owned()], Duration::from_secs(600));
        let desk = Arc::new(Desk::new(correlator, Arc::clone(&metrics)));
        desk.board_read(&[], Instant::now());
        let around = Surroundings {
            frame: "a".into(),
            node: "node-1".into(),
            max_frame_bytes: 1 << 20,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            metrics,
            desk: Arc::clone(&desk),
        };
        let mapping = Mapping::default();
        let filter = Filter::new(KIND, &mapping, &["did:alpha".to_owned()], desk.in_flight());
        let reader = Reader::new(Arc::new(around), EventReader::new(KIND, mapping), filter);
        Self { reader, desk, clock }
    }

    fn at(&self, second: u64) -> Instant {
        self.clock.start + Duration::from_secs(second)
    }

    fn says(&mut self, second: u64, message: &Value) -> bool {
        let at = self.at(second);
        self.reader
            .message(&Message::text(message.to_string()), || Arrival { at, behind: false })
            .is_continue()
    }

    fn opened(&mut self) -> Option<i64> {
        self.reader.opened()
    }

    fn subscribed(&mut self, second: u64, head: i64) -> bool {
        self.says(second, &json!({"type": "subscribed", "head": head}))
    }

    fn heartbeat(&mut self, second: u64, head: i64) {
        assert!(self.says(second, &json!({"type": "heartbeat", "head": head})));
    }

    fn event(&mut self, second: u64, position: i64) {
        let mut event = users_event(position);
        event["type"] = "event".into();
        assert!(self.says(second, &event));
    }

    fn page(&mut self, second: u64, after: Option<i64>, positions: &[i64], head: i64) {
        let raw = |position: &i64| RawValue::from_string(users_event(*position).to_string()).unwrap();
        let at = self.at(second);
        let events = positions.iter().map(raw).collect();
        self.reader.page(&Page { after, asked: at, received: at, events, head }).unwrap();
    }

    /// What the board would be told last: from when until when, in seconds.
    fn covered(&self) -> Option<(i64, i64)> {
        let outbox = self.desk.take();
        let state = outbox.states().next().expect("a state was published").clone();
        let covered = state.covered.map(|Interval { from, until }| (from.timestamp(), until.timestamp()));
        self.desk.put_back(outbox);
        covered
    }
}

fn users_event(position: i64) -> Value {
    json!({
        "position": position, "event_type": KIND.as_str(), "source_frame": "a",
        "data": {"transfer_id": "x", "from_agent_id": "did:user", "memo": "rent"},
    })
}

/// A reader that has covered from second 10 to second 20 and up to position 100, and was cut off then.
fn cut_off() -> Script {
    let mut script = Script::new();
    assert_eq!(script.opened(), None);
    script.subscribed(10, 90);
    script.heartbeat(20, 100);
    script.reader.closed();
    assert_eq!(script.covered(), Some((10, 20)));
    script
}

#[test]
fn a_heartbeat_in_the_middle_of_a_replay_claims_nothing() {
    let mut script = cut_off();
    assert_eq!(script.opened(), Some(100));
    script.subscribed(30, 200);
    script.heartbeat(31, 110);
    script.event(32, 120);
    script.heartbeat(33, 200);
    script.heartbeat(34, 250);
    assert_eq!(script.covered(), Some((10, 20)), "of one page, or of the whole store: the replay goes on");
    assert!(script.reader.stuck(), "the backstop is asked");
    assert_eq!(script.reader.after(), Some(120), "so far it is certain, without a moment");
    script.event(35, 150);
    script.event(36, 260);
    script.heartbeat(37, 270);
    assert_eq!(script.covered(), Some((10, 37)));
}

#[test]
fn a_replay_without_a_later_event_is_over_once_the_backstop_knows_of_nothing_that_is_missing() {
    let mut script = cut_off();
    script.opened();
    script.subscribed(30, 200);
    script.heartbeat(31, 200);
    script.page(32, Some(100), &[150], 210);
    script.page(32, Some(150), &[], 210);
    script.heartbeat(33, 220);
    assert_eq!(script.covered(), Some((10, 32)), "150 is on its way, and what came later is behind it");
    script.event(34, 150);
    assert!(!script.reader.stuck());
    script.heartbeat(35, 220);
    assert_eq!(script.covered(), Some((10, 35)));
}

#[test]
fn a_gap_message_says_that_the_replay_will_not_bring_what_lies_before_it() {
    let mut script = cut_off();
    script.opened();
    script.subscribed(30, 200);
    assert!(script.says(31, &json!({"type": "gap", "oldest": 201})));
    script.heartbeat(32, 210);
    assert_eq!(script.covered(), Some((10, 20)));
    script.page(33, Some(100), &[], 205);
    script.heartbeat(34, 210);
    assert_eq!(script.covered(), Some((10, 34)));
}

#[test]
fn a_head_that_was_polled_before_a_subscription_from_now_on_leaves_no_hole() {
    let mut script = Script::new();
    assert_eq!(script.opened(), None);
    script.page(10, None, &[], 100);
    assert_eq!(script.covered(), Some((10, 10)));
    script.subscribed(15, 120);
    script.heartbeat(20, 130);
    assert_eq!(script.covered(), Some((15, 20)), "100 to 120 was never read");
}

#[test]
fn a_reconnection_is_no_reset_though_the_backstop_went_on_meanwhile() {
    let mut script = cut_off();
    script.opened();
    script.page(25, Some(100), &[], 130);
    assert!(script.subscribed(26, 120), "120 lies behind what was asked for");
    assert_eq!(script.covered(), Some((10, 25)));
    assert_eq!(script.reader.after(), Some(130));
    script.reader.closed();
    assert_eq!(script.opened(), Some(130));
    assert!(!script.subscribed(30, 120), "this one is");
}

#[test]
fn a_step_of_the_clock_ends_coverage_though_nothing_comes() {
    let mut script = cut_off();
    script.clock.steps.fetch_add(1, Ordering::SeqCst);
    script.reader.tick();
    assert_eq!(script.covered(), None);
    let mut script = cut_off();
    script.clock.steps.fetch_add(1, Ordering::SeqCst);
    script.reader.closed();
    assert_eq!(script.covered(), None);
}
