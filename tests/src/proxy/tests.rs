//! What each end sees of each network.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::carry::CHUNK;
use super::*;
use crate::{until, until_some};

const SOON: Duration = Duration::from_secs(5);
const A_WHILE: Duration = Duration::from_millis(200);

/// A server that says everything back, and the proxy before it.
async fn echo() -> (Proxy, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    (proxy, echoing(listener))
}

fn echoing(listener: TcpListener) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.ok();
                to.shutdown().await.ok();
            });
        }
    });
    tasks
}

async fn connect(proxy: &Proxy) -> TcpStream {
    timeout(SOON, TcpStream::connect(proxy.address())).await.unwrap().unwrap()
}

async fn hear(stream: &mut TcpStream, words: &str) {
    let mut heard = vec![0; words.len()];
    timeout(SOON, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, words.as_bytes());
}

async fn says_back(stream: &mut TcpStream, words: &str) {
    stream.write_all(words.as_bytes()).await.unwrap();
    hear(stream, words).await;
}

async fn is_reset(stream: &mut TcpStream) -> bool {
    let read = timeout(SOON, stream.read(&mut [0])).await.unwrap();
    read.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn a_sound_network_carries_both_ways_and_the_end_of_a_connection() {
    let (proxy, _server) = echo().await;
    let mut stream = connect(&proxy).await;
    let words = "x".repeat(3 * CHUNK);
    let (mut from, mut to) = stream.split();
    let (heard, said) = tokio::join!(
        async {
            let mut heard = String::new();
            from.read_to_string(&mut heard).await.map(|_| heard)
        },
        async {
            to.write_all(words.as_bytes()).await?;
            to.shutdown().await
        }
    );
    said.unwrap();
    assert!(heard.unwrap() == words);
}

#[tokio::test]
async fn a_slow_network_carries_everything_later() {
    let (proxy, _server) = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.set(Network::Slow(A_WHILE));
    let asked = Instant::now();
    says_back(&mut stream, "hello").await;
    assert!(asked.elapsed() >= 2 * A_WHILE);
}

#[tokio::test]
async fn a_black_hole_opens_connections_and_carries_nothing_until_it_is_over() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await;
    says_back(&mut old, "before").await;
    proxy.set(Network::BlackHole);
    let mut new = connect(&proxy).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(b"inside").await.unwrap();
        assert!(timeout(A_WHILE, stream.read(&mut [0])).await.is_err());
    }
    proxy.set(Network::Sound);
    hear(&mut old, "inside").await;
    hear(&mut new, "inside").await;
}

#[tokio::test]
async fn resets_befall_old_connections_and_new_ones_until_they_are_over() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await;
    says_back(&mut old, "before").await;
    proxy.set(Network::Resets);
    assert!(is_reset(&mut old).await);
    let mut new = connect(&proxy).await;
    assert!(is_reset(&mut new).await);
    proxy.set(Network::Sound);
    says_back(&mut connect(&proxy).await, "after").await;
}

#[tokio::test]
async fn a_half_closed_connection_still_carries_what_the_client_says() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    let mut client = connect(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    says_back_by_hand(&mut client, &mut server).await;
    proxy.set(Network::HalfClosed);
    assert_eq!(timeout(SOON, client.read(&mut [0])).await.unwrap().unwrap(), 0);
    client.write_all(b"still here").await.unwrap();
    hear(&mut server, "still here").await;
}

async fn says_back_by_hand(client: &mut TcpStream, server: &mut TcpStream) {
    client.write_all(b"one").await.unwrap();
    hear(server, "one").await;
    server.write_all(b"two").await.unwrap();
    hear(client, "two").await;
}

#[tokio::test]
async fn a_refusing_port_is_open_again_at_the_same_place() {
    let (proxy, _server) = echo().await;
    let mut old = connect(&proxy).await;
    says_back(&mut old, "before").await;
    proxy.set(Network::Refused);
    assert!(is_reset(&mut old).await);
    // The port closes beside the connections, a moment before or after them.
    until("a refusal", 5, async || {
        let refused = TcpStream::connect(proxy.address()).await.err();
        refused.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    })
    .await;
    proxy.set(Network::Sound);
    let again = async || TcpStream::connect(proxy.address()).await.ok();
    says_back(&mut until_some("an open port", 5, again).await, "after").await;
}

#[tokio::test]
async fn what_the_server_says_is_rewritten() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let louder: Rewrite = Arc::new(|bytes| bytes.make_ascii_uppercase());
    let proxy = Proxy::rewriting(listener.local_addr().unwrap(), louder);
    let _server = echoing(listener);
    let mut stream = connect(&proxy).await;
    stream.write_all(b"hello").await.unwrap();
    hear(&mut stream, "HELLO").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(gone);
    assert!(is_reset(&mut connect(&proxy).await).await);
}

#[tokio::test]
async fn a_slicing_network_carries_everything_in_small_pieces() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    proxy.set(Network::Sliced { bytes: 3, pause: Duration::from_millis(20) });
    let mut client = connect(&proxy).await;
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"in small pieces").await.unwrap();
    let (mut heard, mut longest) = (Vec::new(), 0);
    while heard.len() < 15 {
        let mut piece = [0; 15];
        let size = timeout(SOON, server.read(&mut piece)).await.unwrap().unwrap();
        longest = longest.max(size);
        heard.extend_from_slice(&piece[..size]);
    }
    assert_eq!(heard, b"in small pieces");
    // A reader that a loaded machine wakes late may find two pieces at once.
    assert!(longest < 15, "it came in one");
}
