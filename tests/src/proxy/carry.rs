//! One connection over the proxy, and what the network does to it on the way.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Network, Rewrite};

/// Bytes taken at once.
pub(super) const CHUNK: usize = 64 * 1024;
/// Chunks that may be on their way in one direction.
const ON_THE_WAY: usize = 1_024;

/// Both ends are to be reset.
struct Cut;

/// One connection, to its end.
pub(super) async fn carry(
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
            let (piece, pause) = match network {
                Network::Sliced { bytes, pause } => (bytes.max(1), pause),
                Network::Sound
                | Network::Slow(_)
                | Network::BlackHole
                | Network::Resets
                | Network::HalfClosed
                | Network::Refused => (CHUNK, Duration::ZERO),
            };
            let delay = match network {
                Network::Sound => Duration::ZERO,
                Network::Slow(delay) => delay,
                Network::Sliced { .. } => Duration::ZERO,
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
                written = write_first(&mut self.to, &way, piece), if !way.is_empty() => {
                    let size = written.map_err(|_| Cut)?;
                    if let Some((_, bytes)) = way.front_mut() {
                        bytes.drain(..size);
                    }
                    way.pop_front_if(|(_, bytes)| bytes.is_empty());
                    if let Some((at, _)) = way.front_mut() {
                        *at = (*at).max(Instant::now() + pause);
                    }
                }
            }
        }
        self.to.shutdown().await.map_err(|_| Cut)
    }
}

/// Writes of the first chunk what fits, at most a piece, once it has been on its way long enough.
async fn write_first(
    to: &mut WriteHalf<'_>,
    way: &VecDeque<(Instant, Vec<u8>)>,
    piece: usize,
) -> io::Result<usize> {
    let Some((at, bytes)) = way.front() else { return Ok(0) };
    sleep_until(*at).await;
    to.write(&bytes[..bytes.len().min(piece)]).await
}
