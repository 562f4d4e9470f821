//! A network that fails on order: a TCP proxy on 127.0.0.1 whose faults are switched while connections are under way.
//!
//! A network does not tell either end what it does to it, and neither does this: each end sees what it would see of
//! a slow link, a partition, a reset, a half-closed connection or a closed port. What lies in a black hole is not lost but
//! waits, as TCP would send it again; it is lost if an end gives up first. A change takes hold at once, of old
//! connections and of new ones; a connection that a fault has ended stays ended.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Bytes taken at once.
const CHUNK: usize = 64 * 1024;
/// Chunks that may be on their way in one direction.
const ON_THE_WAY: usize = 1_024;
const BACKLOG: u32 = 1_024;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Carries everything at once.
    Sound,
    /// Carries everything, later by so much in each direction.
    Slow(Duration),
    /// Connections open, and nothing is carried in either direction, nor the end of a connection.
    BlackHole,
    /// Resets every connection there is, and new ones once they are accepted.
    Resets,
    /// Ends the server's half of each connection: the client reads its end, and may go on sending.
    HalfClosed,
    /// Resets every connection there is; nobody listens for new ones.
    Refused,
}

/// What is done to the bytes from the server on their way, a chunk at a time.
pub type Rewrite = Arc<dyn Fn(&mut Vec<u8>) + Send + Sync>;

/// A proxy before one server. Dropping it closes its port and its connections.
pub struct Proxy {
    address: SocketAddr,
    network: watch::Sender<Network>,
    /// Keeps the port while nobody listens on it.
    _place: TcpSocket,
    /// Owns the listening and every connection; ended by being dropped.
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Stands before a server that need not be there yet.
    ///
    /// # Panics
    /// When no port can be had.
    #[must_use]
    pub fn start(upstream: SocketAddr) -> Self {
        Self::rewriting(upstream, Arc::new(|_| {}))
    }

    /// As [`Proxy::start`], and changes what the server says.
    ///
    /// # Panics
    /// As [`Proxy::start`].
    #[must_use]
    pub fn rewriting(upstream: SocketAddr, rewrite: Rewrite) -> Self {
        let place = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = place.local_addr().unwrap();
        let network = watch::Sender::new(Network::Sound);
        let listener = listen(address).unwrap();
        let listening = Listening { address, upstream, network: network.subscribe(), rewrite };
        let mut tasks = JoinSet::new();
        tasks.spawn(listening.run(Some(listener)));
        Self { address, network, _place: place, _tasks: tasks }
    }

    /// As [`Proxy::start`], before a port of 127.0.0.1.
    ///
    /// # Panics
    /// As [`Proxy::start`].
    #[must_use]
    pub fn before(port: u16) -> Self {
        Self::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Where it listens; the same for all its life.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the network, at once.
    pub fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

/// A socket with the port, which shares it with the listener and does not listen itself.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(BACKLOG)
}

struct Listening {
    address: SocketAddr,
    upstream: SocketAddr,
    network: watch::Receiver<Network>,
    rewrite: Rewrite,
}

impl Listening {
    async fn run(mut self, mut listener: Option<TcpListener>) {
        let mut connections = JoinSet::new();
        loop {
            let refused = *self.network.borrow_and_update() == Network::Refused;
            if refused {
                listener = None;
            } else if listener.is_none() {
                // The port is kept, so this fails at most for want of file descriptors; the next change tries again.
                listener = listen(self.address).ok();
            }
            tokio::select! {
                changed = self.network.changed() => if changed.is_err() { return },
                client = accepted(listener.as_ref()) => if let Ok(client) = client {
                    connections.spawn(carry(client, self.upstream, self.network.clone(), Arc::clone(&self.rewrite)));
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

async fn accepted(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(client, _)| client),
        None => std::future::pending().await,
    }
}

/// Both ends are to be reset.
struct Cut;

/// One connection, to its end.
async fn carry(
    mut client: TcpStream,
    upstream: SocketAddr,
    mut network: watch::Receiver<Network>,
    rewrite: Rewrite,
) {
    if network.wait_for(|network| *network != Network::BlackHole).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(upstream).await else { return cut(&client) };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = Direction { from: from_client, to: to_server, network: network.clone(), half_closes: false };
    let down = Direction { from: from_server, to: to_client, network, half_closes: true };
    if tokio::try_join!(up.run(&|_| {}), down.run(&*rewrite)).is_err() {
        cut(&client);
        cut(&server);
    }
}

/// Makes the close that follows a reset. It can't fail but on a socket that is gone already.
fn cut(stream: &TcpStream) {
    stream.set_zero_linger().ok();
}

/// One direction of a connection.
struct Direction<'a> {
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    network: watch::Receiver<Network>,
    /// Whether [`Network::HalfClosed`] ends it.
    half_closes: bool,
}

impl Direction<'_> {
    async fn run(mut self, rewrite: &(dyn Fn(&mut Vec<u8>) + Send + Sync)) -> Result<(), Cut> {
        let mut way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let (mut open, mut chunk) = (true, vec![0; CHUNK]);
        while open || !way.is_empty() {
            let network = *self.network.borrow_and_update();
            let delay = match network {
                Network::Sound => Duration::ZERO,
                Network::Slow(delay) => delay,
                Network::HalfClosed if self.half_closes => break,
                Network::HalfClosed => Duration::ZERO,
                Network::Resets | Network::Refused => return Err(Cut),
                Network::BlackHole => {
                    self.network.changed().await.map_err(|_| Cut)?;
                    continue;
                }
            };
            tokio::select! {
                changed = self.network.changed() => changed.map_err(|_| Cut)?,
                read = self.from.read(&mut chunk), if open && way.len() < ON_THE_WAY => match read {
                    Ok(0) => open = false,
                    Ok(size) => {
                        let mut bytes = chunk[..size].to_vec();
                        rewrite(&mut bytes);
                        way.push_back((Instant::now() + delay, bytes));
                    }
                    Err(_) => return Err(Cut),
                },
                written = write_first(&mut self.to, &way), if !way.is_empty() => {
                    let size = written.map_err(|_| Cut)?;
                    if let Some((_, bytes)) = way.front_mut() {
                        bytes.drain(..size);
                    }
                    way.pop_front_if(|(_, bytes)| bytes.is_empty());
                }
            }
        }
        self.to.shutdown().await.map_err(|_| Cut)
    }
}

/// Writes of the first chunk what fits, once it has been on its way long enough.
async fn write_first(to: &mut WriteHalf<'_>, way: &VecDeque<(Instant, Vec<u8>)>) -> io::Result<usize> {
    let Some((at, bytes)) = way.front() else { return Ok(0) };
    sleep_until(*at).await;
    to.write(bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{until, until_some};
    use tokio::time::timeout;

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
}
