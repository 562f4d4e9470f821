//! Whatever an EventStore says: nothing of it stops a reactor, and what the byte search throws away is exactly what nobody
//! would have matched.
//!
//! The rules of the contract are written down here once more, over a whole parse of each text, and both ways are compared:
//! what that says is the test's has to reach the board, and nothing else may.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use canary_domain::{Backend, Clock, EventType, Interval, Origin, Stage, Test, parse_decimal, parse_iso};
use canary_store::{Announcement, ReactorState};
use canary_telemetry::ReactorMetrics;
use canary_test_hostile::{Corpus, Written, times};
use prometheus::Registry;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::Mapping;
use crate::arrival::Arrival;
use crate::backstop::{Page, read_page};
use crate::control::{Classifier, Kind};
use crate::correlate::Correlator;
use crate::desk::Desk;
use crate::event::EventReader;
use crate::filter::{Filter, InFlight};
use crate::reader::{Reader, Surroundings};
use crate::reader_tests::{Stepping, moment};

const ALPHA: &str = "did:avt:a:alpha";
const BRAVO: &str = "did:avt:a:bravo";
const TEST_ID: &str = "7d3f0c52-2f3c-4a8e-9a53-0b6d7c1e2f4a";
const TRANSFER: &str = "t-1";

/// What may make an event the test's, or not.
const WORDS: [&str; 10] = [
    "\"did:avt:a:alpha\"",
    "\"did:avt:a:bravo\"",
    "\"did:avt:a:mallory\"",
    "\"canary-7d3f0c52-2f3c-4a8e-9a53-0b6d7c1e2f4a\"",
    "\"cross_registry:canary-7d3f0c52-2f3c-4a8e-9a53-0b6d7c1e2f4a\"",
    "\"canary-7D3F0C522F3C4A8E9A530B6D7C1E2F4A\"",
    "\"t-1\"",
    "\"t-2\"",
    "\"0.01\"",
    "\"TokensTransferred\"",
];

fn corpus(target: &str) -> Corpus {
    Corpus::read(env!("CARGO_MANIFEST_DIR"), target)
}

fn frames(written: Written) -> impl Strategy<Value = String> {
    corpus("frames").json(&WORDS, written)
}

fn pages(written: Written) -> impl Strategy<Value = String> {
    corpus("pages").json(&WORDS, written)
}

fn kinds() -> impl Strategy<Value = EventType> {
    select(EventType::ALL)
}

fn test() -> Test {
    Test {
        test_id: TEST_ID.parse().unwrap(),
        canary: "test".into(),
        path: "a-async".into(),
        backend: Backend::Async,
        origin: Origin::Fire,
        cycle: None,
        period_ms: None,
        term: 0,
        source_frame: "a".into(),
        dest_frame: "b".into(),
        sender: ALPHA.into(),
        receiver: BRAVO.into(),
        amount: "0.01".parse().unwrap(),
        registered_at: moment(0),
        deadline: Duration::from_secs(330),
        watch: Duration::from_secs(600),
    }
}

/// A reader that is subscribed, of a board with the one test, whose transfer is known.
struct Bench {
    reader: Reader,
    desk: Arc<Desk>,
    now: Instant,
}

impl Bench {
    fn new(kind: EventType) -> Self {
        let now = Instant::now();
        let clock = Arc::new(Stepping { start: now, steps: AtomicU64::new(0) });
        let metrics = Arc::new(ReactorMetrics::register(&Registry::new(), "a").unwrap());
        let correlator = Correlator::new([ALPHA.to_owned()], Duration::from_secs(600));
        let desk = Arc::new(Desk::new(correlator, Arc::clone(&metrics)));
        desk.board_read(&[], now);
        desk.announced(Announcement::Test { test: Box::new(test()) }, now);
        let test_id = TEST_ID.parse().unwrap();
        desk.announced(Announcement::Transfer { test_id, transfer_id: TRANSFER.into() }, now);
        let around = Surroundings {
            frame: "a".into(),
            node: "node-1".into(),
            max_frame_bytes: 1 << 20,
            clock: clock as Arc<dyn Clock>,
            metrics,
            desk: Arc::clone(&desk),
        };
        let filter = Filter::new(kind, &Mapping::default(), &[ALPHA.to_owned()], desk.in_flight());
        let reader = Reader::new(Arc::new(around), EventReader::new(kind, Mapping::default()), filter);
        Self { reader, desk, now }
    }

    fn subscribed(mut self) -> Self {
        self.reader.opened();
        assert!(self.says(&json!({"type": "subscribed", "head": 1}).to_string()));
        self
    }

    fn says(&mut self, text: &str) -> bool {
        let at = self.now;
        self.reader.message(&Message::text(text), || Arrival { at, behind: false }).is_continue()
    }

    /// What the board would be told of the test.
    fn seen(&self) -> Vec<Stage> {
        self.desk.take().sightings().map(|sighting| sighting.stage).collect()
    }
}

/// What a reactor that had read up to position 10 told the board.
fn resumed(kind: EventType) -> ReactorState {
    ReactorState {
        frame: "a".into(),
        event_type: kind,
        node: "node-0".into(),
        position: Some(10),
        covered: Some(Interval { from: moment(0), until: moment(0) }),
        connected: false,
        last_event_at: None,
        events_total: 0,
        matched_total: 0,
        reconnects_total: 0,
    }
}

/// By the contract alone: which stage of the test this event is; `None`: of nobody's test, or no event.
fn by_the_contract(kind: EventType, event: &Value) -> Option<Stage> {
    let scalar = |pointer: &str| match event.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    let is = |pointer: &str, text: &str| scalar(pointer).as_deref() == Some(text);
    let position = event.pointer("/position")?;
    position.as_i64().or_else(|| position.as_str()?.parse().ok())?;
    parse_iso(event.pointer("/occurred_at")?.as_str()?)?;
    let frame = scalar("/source_frame")?;
    let moved = is("/data/transfer_id", TRANSFER);
    let memo = event.pointer("/data/memo").and_then(Value::as_str).unwrap_or_default();
    let named = [format!("canary-{TEST_ID}"), format!("cross_registry:canary-{TEST_ID}")]
        .iter()
        .any(|own| own == memo);
    let parties = if kind == EventType::TransactionFeeCollected {
        is("/data/payer_agent_id", ALPHA)
            || (scalar("/data/payer_agent_id").is_none() && is("/data/from_agent_id", ALPHA))
    } else {
        let amount = parse_decimal(&scalar("/data/amount")?)?;
        is("/data/from_agent_id", ALPHA) && is("/data/to_agent_id", BRAVO) && amount == test().amount.value()
    };
    (is("/event_type", kind.as_str()) && (moved || named) && parties).then(|| kind.stage(frame == "a"))
}

/// Both ways over one frame.
fn compare(kind: EventType, text: &str) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(kind).subscribed();
    bench.says(text);
    let (seen, parsed) = (bench.seen(), serde_json::from_str::<Value>(text).unwrap_or_default());
    let should = by_the_contract(kind, &parsed);
    if parsed.get("type").and_then(Value::as_str) == Some("event") {
        prop_assert_eq!(&seen, &should.into_iter().collect::<Vec<_>>(), "{}", text);
    }
    prop_assert!(seen.iter().all(|stage| Some(*stage) == should), "{}", text);
    Ok(())
}

/// Both ways over one page.
fn compare_page(kind: EventType, text: &str) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(kind);
    bench.reader.resume(&resumed(kind));
    let Ok((events, head)) = read_page(text.as_bytes()) else { return Ok(()) };
    let raw: Vec<Value> =
        events.iter().map(|event| serde_json::from_str(event.get()).unwrap_or_default()).collect();
    let page = Page { after: Some(10), asked: bench.now, received: bench.now, events, head };
    let mut should: Vec<Stage> = raw.iter().filter_map(|event| by_the_contract(kind, event)).collect();
    if bench.reader.page(&page).is_err() {
        should.clear();
    }
    let seen = bench.seen();
    prop_assert!(should.iter().all(|stage| seen.contains(stage)), "{}", text);
    prop_assert!(seen.iter().all(|stage| should.contains(stage)), "{}", text);
    Ok(())
}

#[test]
fn both_ways_agree_on_the_whole_corpus() {
    for kind in EventType::ALL {
        corpus("frames").entries().for_each(|entry| {
            let text = String::from_utf8_lossy(&entry.bytes);
            compare(*kind, &text).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        });
        corpus("pages").entries().for_each(|entry| {
            let text = String::from_utf8_lossy(&entry.bytes);
            compare_page(*kind, &text).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        });
    }
}

proptest! {
    #![proptest_config(times(8))]

    /// Each with a search of its own, which looks at the first frame closely: so in whatever way it is written.
    #[test]
    fn a_frame_reaches_the_board_exactly_if_it_is_a_tests_by_the_contract(
        kind in kinds(), text in frames(Written::AsNobodyDoes)
    ) {
        compare(kind, &text)?;
    }

    #[test]
    fn a_pages_events_reach_the_board_exactly_if_they_are_a_tests(kind in kinds(), text in pages(Written::AsNobodyDoes)) {
        compare_page(kind, &text)?;
    }

    /// By a search that has got used to how the platform lays its events out, as long as no key stands twice.
    #[test]
    fn what_a_practised_search_throws_away_nobody_would_have_matched(
        kind in kinds(), texts in prop::collection::vec(frames(Written::AsEncodersDo), 1..8)
    ) {
        let in_flight = Arc::new(InFlight::default());
        in_flight.insert(TRANSFER);
        let mut filter = Filter::new(kind, &Mapping::default(), &[ALPHA.to_owned()], in_flight);
        let reader = EventReader::new(kind, Mapping::default());
        for text in &texts {
            let matters = filter.matters(text.as_bytes());
            let once = |key: &str| text.matches(&format!("\"{key}\"")).count() < 2;
            let Ok(event) = reader.read(text) else { continue };
            let ours = event.sender == ALPHA || event.transfer_id.as_deref() == Some(TRANSFER);
            if (ours || event.memo.is_some()) && ["transfer_id", "from_agent_id", "payer_agent_id"].into_iter().all(once) {
                prop_assert!(matters, "{}", text);
            }
            if matters && !text.contains('\\') && !text.contains("canary-") {
                let values = [ALPHA, TRANSFER].iter().any(|word| text.contains(word));
                prop_assert!(values, "{} matters for no reason", text);
            }
        }
    }

    #[test]
    fn no_event_passes_for_a_control_message_and_a_control_message_says_what_it_says(text in frames(Written::AsEncodersDo)) {
        // A number that no value can hold may stand in a field that nobody reads.
        let Ok(parsed) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
        let says = |key: &str| parsed.get(key).and_then(Value::as_i64);
        let kind = parsed.get("type").and_then(Value::as_str);
        match Classifier::new().kind(&text) {
            Ok(Kind::Event) => {}
            Ok(Kind::Subscribed { head }) => prop_assert_eq!((kind, says("head")), (Some("subscribed"), Some(head))),
            Ok(Kind::Heartbeat { head }) => prop_assert_eq!((kind, says("head")), (Some("heartbeat"), Some(head))),
            Ok(Kind::Gap { oldest }) => prop_assert_eq!((kind, says("oldest")), (Some("gap"), Some(oldest))),
            Err(_) => prop_assert_ne!(kind, Some("event")),
        }
    }

    #[test]
    fn no_bytes_stop_a_reader_and_none_make_it_vouch_for_what_is_to_come(
        kind in kinds(), texts in prop::collection::vec(prop_oneof![frames(Written::AsNobodyDoes), corpus("frames").texts()], 1..12),
        page in corpus("pages").bytes()
    ) {
        let mut bench = Bench::new(kind);
        for text in &texts {
            if !bench.says(text) || !bench.reader.subscribed() {
                bench.reader.closed();
                bench.reader.opened();
            }
        }
        if let Ok((events, head)) = read_page(&page) {
            let after = bench.reader.after();
            bench.reader.page(&Page { after, asked: bench.now, received: bench.now, events, head }).ok();
        }
        bench.reader.tick();
        let covered: Vec<_> = bench.desk.take().states().filter_map(|state| state.covered).collect();
        prop_assert!(covered.iter().all(|span| span.until <= moment(0)), "{:?}", covered);
    }
}
