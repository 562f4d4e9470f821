//! The reactor's budget (design §12): how many events a second it reads, beside a loop that throws every frame away
//! and one that parses every frame, over loopback sockets, in one run.
//!
//! `cargo bench -p canary-validators`. The contestants read the same stream in turn, many times for a moment each. What
//! counts is the median of the rounds' ratios, over the time that the reading thread had a processor: so a machine
//! that does other things as well still says how many events a second each can read.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod stage;

use std::sync::Arc;
use std::time::Duration;

use canary_domain::TestId;
use canary_figures::{Figure, quick};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};
use url::Url;

use crate::stage::{Canary, EVENT, Place, event, frame, runtime, test};

/// One in so many is a canary's.
const OURS: usize = 1_000;
const ROUND: Duration = Duration::from_millis(150);

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let rounds = if quick() { 31 } else { 121 };
    let (pouring, reading) = (runtime(), runtime());
    let test_id = TestId::random();
    let mut tasks = JoinSet::new();
    let url = pouring.block_on(pour(Arc::new(block(test_id)), &mut tasks));
    let run = |contestant: std::pin::Pin<Box<dyn Future<Output = f64> + Send>>| {
        reading.block_on(async { JoinSet::from_iter([contestant]).join_next().await.unwrap().unwrap() })
    };
    let (mut against_discard, mut against_parse, mut best) = (Vec::new(), Vec::new(), [0.0_f64; 3]);
    for _ in 0..rounds {
        let rates = [
            run(Box::pin(discard(url.clone()))),
            run(Box::pin(reactor(url.clone(), test_id))),
            run(Box::pin(parse(url.clone()))),
        ];
        against_discard.push(rates[1] / rates[0]);
        against_parse.push(rates[1] / rates[2]);
        best = std::array::from_fn(|index| best[index].max(rates[index]));
    }
    for (name, best) in ["discard", "reactor", "parse"].into_iter().zip(best) {
        Figure::new(format!("{name}, at best"), best, "events/s").print();
    }
    ratio("reactor / discard", against_discard).at_least(0.85).print();
    ratio("reactor / parse", against_parse).at_least(5.0).print();
}

/// The median of the rounds.
fn ratio(what: &str, mut ratios: Vec<f64>) -> Figure {
    ratios.sort_by(f64::total_cmp);
    let at = |part: usize| ratios[(ratios.len() - 1) * part / 4];
    let spread = format!("half of the rounds between {:.3} and {:.3}", at(1), at(3));
    println!("{what}: {:.3}, {spread}", at(2));
    Figure::new(what, at(2), "×").note(spread)
}

/// A thousand events as they stand on the wire, one of them the test's.
fn block(test_id: TestId) -> Vec<u8> {
    let ours = |index| (index == OURS / 2).then_some(test_id);
    let bytes: Vec<u8> = (0..OURS).flat_map(|index| frame(&event(index, ours(index)))).collect();
    assert_eq!(bytes.len(), OURS * (EVENT + 4));
    bytes
}

/// A server that pours the block over whoever subscribes to `TokensTransferred`, as fast as it is read.
async fn pour(block: Arc<Vec<u8>>, tasks: &mut JoinSet<()>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap()).parse().unwrap();
    tasks.spawn(async move {
        let mut sockets = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            sockets.spawn(serve(stream, Arc::clone(&block)));
        }
    });
    url
}

async fn serve(stream: TcpStream, block: Arc<Vec<u8>>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let Some(Ok(Message::Text(subscribe))) = socket.next().await else { return };
    let subscribed = json!({"type": "subscribed", "event_types": [], "head": 1});
    if socket.send(Message::text(subscribed.to_string())).await.is_err() {
        return;
    }
    if subscribe.contains("TokensTransferred") {
        // The frames are on the wire already, so the server's own work is one copy.
        while socket.get_mut().write_all(&block).await.is_ok() {}
    } else {
        while socket.next().await.is_some() {}
    }
}

async fn subscribe(
    url: &Url,
) -> tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>> {
    let (mut socket, _) = connect_async(url.as_str()).await.unwrap();
    let subscribe = json!({"action": "subscribe", "event_types": ["TokensTransferred"], "after": null});
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket
}

/// Reads for one round, and lets each frame be dealt with.
async fn bare(url: Url, mut deal: impl FnMut(&Message)) -> f64 {
    let mut socket = subscribe(&url).await;
    let (started, busy, mut count) = (Instant::now(), busy(), 0_u32);
    while started.elapsed() < ROUND {
        for _ in 0..OURS {
            deal(&socket.next().await.unwrap().unwrap());
            count += 1;
        }
    }
    f64::from(count) / (self::busy() - busy)
}

async fn discard(url: Url) -> f64 {
    bare(url, |message| {
        std::hint::black_box(message);
    })
    .await
}

async fn parse(url: Url) -> f64 {
    bare(url, |message| {
        let event: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        std::hint::black_box(event);
    })
    .await
}

/// The whole reactor.
async fn reactor(url: Url, test_id: TestId) -> f64 {
    let canary = Canary::start(url, &Place::new().await, std::iter::once(test(test_id))).await;
    let events = || canary.counter("reactor_events_total");
    let (busy, before) = (busy(), events());
    sleep(ROUND).await;
    let rate = (events() - before) / (self::busy() - busy);
    assert!(canary.counter("reactor_matched_total") > 0.0, "the canary's events are matched");
    canary.stop().await;
    rate
}

/// Seconds that this thread has had a processor. Each contestant runs in one thread.
fn busy() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = statistics.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds).as_secs_f64()
}
