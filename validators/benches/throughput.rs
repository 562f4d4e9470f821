//! The reactor's budget (design §12): how many events a second it reads, beside a loop that throws every frame away
//! and one that parses every frame, over loopback sockets, in one run.
//!
//! `cargo bench -p canary-validators`. The contestants read the same stream in turn, many times for a moment each. What
//! counts is the median of the rounds' ratios, over the time that the reading thread had a processor: so a machine
//! that does other things as well still says how many events a second each can read.

#![expect(clippy::unwrap_used, reason = "a measurement that can't be set up has failed")]
#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use canary_domain::{Backend, Clock, EventType, Origin, Role, Test, TestId};
use canary_store::{Board, BoardClock, Holder, Leadership, MemoryBoard};
use canary_telemetry::ReactorMetrics;
use canary_validators::{Credentials, Host, Settings, Validators};
use futures_util::{SinkExt, StreamExt};
use prometheus::Registry;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Bytes an event has.
const EVENT: usize = 650;
/// One in so many is a canary's.
const OURS: usize = 1_000;
const ROUNDS: usize = 61;
const ROUND: Duration = Duration::from_millis(150);
const ALPHA: &str = "did:avt:a:5f1b6c0e9d7a4c31:alpha";

struct Open;

#[async_trait]
impl Credentials for Open {
    async fn bearer(&self) -> Result<SecretString, String> {
        Ok("open".into())
    }

    async fn refused(&self) {}
}

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    // Two threads each way: one pours, one reads.
    let (pouring, reading) = (runtime(), runtime());
    let test = test();
    let mut tasks = JoinSet::new();
    let url = pouring.block_on(pour(Arc::new(block(&test)), &mut tasks));
    let run = |contestant: std::pin::Pin<Box<dyn Future<Output = f64> + Send>>| {
        reading.block_on(async { JoinSet::from_iter([contestant]).join_next().await.unwrap().unwrap() })
    };
    let (mut against_discard, mut against_parse, mut best) = (Vec::new(), Vec::new(), [0.0_f64; 3]);
    for _ in 0..ROUNDS {
        let rates = [
            run(Box::pin(discard(url.clone()))),
            run(Box::pin(reactor(url.clone(), test.clone()))),
            run(Box::pin(parse(url.clone()))),
        ];
        against_discard.push(rates[1] / rates[0]);
        against_parse.push(rates[1] / rates[2]);
        best = std::array::from_fn(|index| best[index].max(rates[index]));
    }
    println!("events a second at best: discard {:.0}, reactor {:.0}, parse {:.0}", best[0], best[1], best[2]);
    println!("reactor / discard: {} (budget 0.85)", spread(against_discard));
    println!("reactor / parse: {} (budget 5)", spread(against_parse));
}

fn spread(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    let at = |part: usize| ratios[(ratios.len() - 1) * part / 4];
    format!("{:.3}, half of the rounds between {:.3} and {:.3}", at(2), at(1), at(3))
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A thousand events as they stand on the wire, one of them the test's; texts and ids of several lengths.
fn block(test: &Test) -> Vec<u8> {
    let mut bytes = Vec::new();
    for index in 0..OURS {
        let ours = index == OURS / 2;
        let (event_id, transfer_id) = (TestId::random(), TestId::random());
        let user = format!("did:avt:a:{:x}:user", 7_919 * index * index);
        let (from, to) =
            if ours { (ALPHA, test.receiver.as_str()) } else { (user.as_str(), "did:avt:a:77aa01:shop") };
        let memo = if ours { test.test_id.memo() } else { format!("Invoice {}, thanks", index * index) };
        let start = format!(
            r#"{{"type":"event","position":{position},"event_id":"{event_id}","event_type":"TokensTransferred","occurred_at":"2026-11-21T01:22:33.123456Z","source_frame":"a","data":{{"transfer_id":"{transfer_id}","from_agent_id":"{from}","to_agent_id":"{to}","amount":"0.01","memo":"{memo}","note":""#,
            position = 1_000 + index,
        );
        let missing = EVENT - start.len() - 3;
        let note: String = "lorem ipsum dolor ".chars().cycle().take(missing).collect();
        bytes.extend_from_slice(&[0x81, 126]);
        bytes.extend_from_slice(&u16::try_from(EVENT).unwrap().to_be_bytes());
        bytes.extend_from_slice(format!("{start}{note}\"}}}}").as_bytes());
    }
    assert_eq!(bytes.len(), OURS * (EVENT + 4));
    bytes
}

fn test() -> Test {
    Test {
        test_id: TestId::random(),
        canary: "bench".into(),
        path: "a-intra".into(),
        backend: Backend::Intra,
        origin: Origin::Fire,
        cycle: None,
        period_ms: None,
        term: 0,
        source_frame: "a".into(),
        dest_frame: "a".into(),
        sender: ALPHA.into(),
        receiver: "did:avt:a:bravo".into(),
        amount: "0.01".parse().unwrap(),
        registered_at: chrono::DateTime::from_timestamp(0, 0).unwrap(),
        deadline: Duration::from_secs(30),
        watch: Duration::from_secs(600),
    }
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

/// The whole reactor, as production runs it: filter, correlation, stamps onto a board, metrics.
async fn reactor(url: Url, test: Test) -> f64 {
    let mut tasks = JoinSet::new();
    let board = Arc::new(MemoryBoard::new());
    let node = "bench".to_owned();
    let term = board.acquire(Role::Runner, &node, Duration::from_secs(600)).await.unwrap().unwrap();
    let until = Instant::now() + Duration::from_secs(600);
    board
        .register(&Leadership::new(Role::Runner, Holder { node: node.clone(), term }, until), &test)
        .await
        .unwrap();
    let registry = Registry::new();
    let host = Host {
        node,
        clock: Arc::new(BoardClock::start(&*board).await.unwrap()) as Arc<dyn Clock>,
        board: board as Arc<dyn Board>,
        credentials: Arc::new(Open),
        metrics: Arc::new(ReactorMetrics::register(&registry, "a").unwrap()),
    };
    let settings = Settings {
        senders: ["alpha", "bravo", "charlie", "delta"].map(|name| ALPHA.replace("alpha", name)).to_vec(),
        ..Settings::new("a", url.clone(), "http://127.0.0.1:9/".parse().unwrap())
    };
    let validators = Validators::new(settings, host).unwrap();
    let (mut ready, stop) = (validators.readiness(), CancellationToken::new());
    let token = stop.clone();
    tasks.spawn(async move { validators.run(token).await.unwrap() });
    ready.wait_for(canary_validators::Readiness::ready).await.unwrap();
    let (busy, before) = (busy(), events(&registry));
    sleep(ROUND).await;
    let rate = (events(&registry) - before) / (self::busy() - busy);
    assert!(matched(&registry) > 0.0, "the canary's events are matched");
    stop.cancel();
    rate
}

/// Seconds that this thread has had a processor. Each contestant runs in one thread.
fn busy() -> f64 {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = statistics.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

fn events(registry: &Registry) -> f64 {
    counter(registry, "reactor_events_total")
}

fn matched(registry: &Registry) -> f64 {
    counter(registry, "reactor_matched_total")
}

fn counter(registry: &Registry, name: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name).unwrap();
    let mine = family.get_metric().iter().filter(|metric| {
        metric.get_label().iter().any(|label| label.value() == EventType::TokensTransferred.as_str())
    });
    mine.map(|metric| metric.get_counter().get_value()).sum()
}
