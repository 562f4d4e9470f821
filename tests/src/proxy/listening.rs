//! The proxy's port: open, or refusing while its place is kept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::carry::carry;
use super::{Network, Rewrite};

const BACKLOG: u32 = 1_024;

/// A socket with the port, which shares it with the listener and does not listen itself.
pub(super) fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bound(address)?.listen(BACKLOG)
}

/// The port before a server, and the connections that came through it.
pub(super) struct Listening {
    pub address: SocketAddr,
    pub upstream: SocketAddr,
    pub network: watch::Receiver<Network>,
    pub rewrite: Rewrite,
}

impl Listening {
    pub async fn run(mut self, mut listener: Option<TcpListener>) {
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
