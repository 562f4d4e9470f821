//! A network that fails on order: a TCP proxy on 127.0.0.1 whose faults are switched while connections are under way.
//!
//! A network does not tell either end what it does to it, and neither does this: each end sees what it would see of
//! a slow link, a partition, a reset, a half-closed connection or a closed port. What lies in a black hole is not lost but
//! waits, as TCP would send it again; it is lost if an end gives up first. A change takes hold at once, of old
//! connections and of new ones; a connection that a fault has ended stays ended.

mod carry;
mod listening;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::listening::{Listening, bound, listen};

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Carries everything at once.
    Sound,
    /// Carries everything, later by so much in each direction.
    Slow(Duration),
    /// Carries everything in pieces of at most so many bytes, with a pause after each.
    Sliced {
        /// The longest piece.
        bytes: usize,
        /// From one piece to the next.
        pause: Duration,
    },
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
