//! The moment of seeing (design §12): how long after a frame of a canary's event is there its moment of seeing is,
//! while 100,000 users' events a second pass the same socket.
//!
//! `cargo bench -p canary-validators --bench seeing`. The stream is poured as bytes that were made before, so that the
//! machine's processors are the reactor's; the events come in bursts, one every millisecond. A frame is taken to be there
//! when the call that hands its bytes to the kernel begins, so that call counts as the reactor's, too. Beside it, from the
//! same stream: a bare loop that does nothing but read the clock when the same frame comes out of its socket. What
//! that one shows is the machine's.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod stage;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use canary_domain::{Stage, TestId};
use canary_figures::{Figure, percentile, quick};
use canary_store::Board;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};
use url::Url;

use crate::stage::{Canary, Place, event, frame, runtime, test};

const PER_SECOND: usize = 100_000;
const TICK: Duration = Duration::from_millis(1);
const BURST: usize = PER_SECOND / 1_000;
/// One burst of so many has a canary's event in its middle.
const OURS: usize = 5;

/// When each canary's frame was handed to the kernel.
type Sent = Arc<Mutex<BTreeMap<TestId, Instant>>>;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let (pouring, reading) = (runtime(), runtime());
    let events = if quick() { 1_000 } else { 6_000 };
    let bare = measure(events, &pouring, |url, tests| reading.block_on(bare(url, tests)));
    report("a bare loop", &bare, None);
    let reactor = measure(events, &pouring, |url, tests| reading.block_on(reactor(url, tests)));
    report("a reactor", &reactor, Some(1.0));
}

fn report(who: &str, delays: &[f64], budget: Option<f64>) {
    println!("{who}: {} events, the slowest {:.3} ms", delays.len(), percentile(delays, 100.0));
    for percent in [50.0, 99.0, 99.9] {
        let figure =
            Figure::new(format!("{who} sees an event, p{percent}"), percentile(delays, percent), "ms");
        match budget.filter(|_| percent > 99.0) {
            Some(limit) => figure.at_most(limit).print(),
            None => figure.print(),
        }
    }
}

/// Pours a stream with so many canaries' events to a reader; answers how long after each was sent it was seen, in ms.
fn measure(
    events: usize,
    pouring: &tokio::runtime::Runtime,
    read: impl FnOnce(Url, &[TestId]) -> BTreeMap<TestId, Instant>,
) -> Vec<f64> {
    let tests: Vec<TestId> = (0..events).map(|_| TestId::random()).collect();
    let (sent, mut tasks) = (Sent::default(), JoinSet::new());
    let url = pouring.block_on(pour(tests.clone(), Arc::clone(&sent), &mut tasks));
    let seen = read(url, &tests);
    let sent = sent.lock().unwrap();
    assert_eq!(seen.len(), events, "every event is seen");
    let ms =
        |(id, seen): (&TestId, &Instant)| seen.saturating_duration_since(sent[id]).as_secs_f64() * 1_000.0;
    seen.iter().map(ms).collect()
}

/// A server that pours 100,000 events a second over whoever subscribes to `TokensTransferred`, until all canaries' are sent.
async fn pour(tests: Vec<TestId>, sent: Sent, tasks: &mut JoinSet<()>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap()).parse().unwrap();
    let tests = Arc::new(tests);
    tasks.spawn(async move {
        let mut sockets = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            sockets.spawn(serve(stream, Arc::clone(&tests), Arc::clone(&sent)));
        }
    });
    url
}

async fn serve(stream: TcpStream, tests: Arc<Vec<TestId>>, sent: Sent) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let Some(Ok(Message::Text(subscribe))) = socket.next().await else { return };
    let subscribed = json!({"type": "subscribed", "event_types": [], "head": 1});
    if socket.send(Message::text(subscribed.to_string())).await.is_err() {
        return;
    }
    if subscribe.contains("TokensTransferred") {
        pour_all(socket.get_mut(), &tests, &sent).await;
    }
    while socket.next().await.is_some() {}
}

async fn pour_all(stream: &mut TcpStream, tests: &[TestId], sent: &Sent) {
    let users: Vec<u8> = (0..BURST).flat_map(|index| frame(&event(1_000 + index, None))).collect();
    let half = users.len() / 2;
    let mut tick = interval(TICK);
    // A burst that is late is made up for, so that as many pass as are said to.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut next = tests.iter();
    for burst in 0.. {
        tick.tick().await;
        let written = if burst % OURS == 0 {
            let Some(test_id) = next.next() else { return };
            let ours = frame(&event(1_000 + burst, Some(*test_id)));
            let bytes = [&users[..half], &ours, &users[half..]].concat();
            sent.lock().unwrap().insert(*test_id, Instant::now());
            stream.write_all(&bytes).await
        } else {
            stream.write_all(&users).await
        };
        if written.is_err() {
            return;
        }
    }
}

async fn bare(url: Url, tests: &[TestId]) -> BTreeMap<TestId, Instant> {
    let (mut socket, _) = connect_async(url.as_str()).await.unwrap();
    let subscribe = json!({"action": "subscribe", "event_types": ["TokensTransferred"], "after": null});
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    let memo = memchr::memmem::Finder::new("canary-");
    let mut seen = BTreeMap::new();
    while seen.len() < tests.len() {
        let message = socket.next().await.unwrap().unwrap();
        let now = Instant::now();
        let Message::Text(text) = message else { continue };
        if let Some(at) = memo.find(text.as_bytes()) {
            let id = &text[at + memo.needle().len()..][..36];
            seen.insert(id.parse().unwrap(), now);
        }
    }
    seen
}

async fn reactor(url: Url, tests: &[TestId]) -> BTreeMap<TestId, Instant> {
    let place = Place::new().await;
    let canary = Canary::start(url, &place, tests.iter().map(|test_id| test(*test_id))).await;
    let (now, at_now) = (Instant::now(), place.clock.now());
    // Looked at seldom and from another thread, so that the looking doesn't hold up what is measured.
    while canary.counter("reactor_matched_total") < as_f64(tests.len()) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let mut facts = place.board.open_tests().await.unwrap();
    while facts.iter().any(|facts| facts.stamps.get(Stage::TokensXfer).is_none()) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        facts = place.board.open_tests().await.unwrap();
    }
    canary.stop().await;
    let seen = facts.iter().map(|facts| {
        let seen = facts.stamps.get(Stage::TokensXfer).unwrap().seen;
        // Moments before and after this one are as far from it as their instants are.
        let after = (seen - at_now).to_std();
        let instant = after.map_or_else(|_| now - (at_now - seen).to_std().unwrap(), |after| now + after);
        (facts.test.test_id, instant)
    });
    seen.collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of events is exact")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
