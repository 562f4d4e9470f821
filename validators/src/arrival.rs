//! Notes, at the socket itself, when bytes arrive.
//!
//! One reading of the socket brings hundreds of frames: they arrived together and share its moment, which is read
//! here once, before anything is decrypted, unframed or queued (design §2.2).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop;
use tokio::time::Instant;

use crate::stall::Stall;

/// When the bytes that were read last arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub at: Instant,
    /// They may have arrived much earlier: see [`Stall`].
    pub behind: bool,
}

#[derive(Debug)]
struct State {
    at: Instant,
    stall: Stall,
}

impl State {
    fn new(now: Instant) -> Self {
        Self { at: now, stall: Stall::new(now) }
    }
}

/// Shared by a socket, which writes it, and the reader of its frames; outlives the socket.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals(Arc<Mutex<State>>);

impl Arrivals {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State::new(Instant::now()))))
    }

    pub fn last(&self) -> Arrival {
        let state = self.lock();
        Arrival { at: state.at, behind: state.stall.behind() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that notes the moments of its readings.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    arrivals: Arrivals,
}

impl Watched {
    pub fn new(stream: TcpStream, arrivals: Arrivals) -> Self {
        *arrivals.lock() = State::new(Instant::now());
        Self { stream, arrivals }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let now = Instant::now();
        let mut state = self.arrivals.lock();
        match read {
            Poll::Ready(_) => {
                state.at = now;
                state.stall.read(now);
            }
            // Without budget the runtime answers so, whatever the socket holds.
            Poll::Pending if coop::has_budget_remaining() => state.stall.empty(now),
            Poll::Pending => {}
        }
        drop(state);
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
