//! Accepts connections and serves them, each with its limits, until told to stop.
//!
//! `axum::serve` has neither a limit of connections ([`Seats`]) nor of the time in which a request's head must arrive, and
//! waits without end for connections at the end: one stuck client would keep the process from ending.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::peer::Peer;
use crate::seats::{Answering, Seat, Seats};

/// The most memory a connection takes for what it reads, in bytes: a request's head has to fit.
const MAX_HEAD: usize = 16_384;
/// The longest a client may take nothing of an answer.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How long requests in flight may go on after the stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// The pause after the machine could not accept (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until told to stop, then lets requests in flight end.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let seats = Arc::<Seats>::default();
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener) => accepted,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
        };
        let Some(seat) = seats.take(Peer::from(peer).network()) else {
            debug!(%peer, "a connection was closed: all are taken, and being answered");
            continue;
        };
        let service = seated(Arc::clone(&seat), peer, router.clone());
        let connection = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(Box::pin(limited(stream))), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    debug!(%error, "a connection broke off");
                },
                () = seat.is_over() => debug!(%peer, "a connection was cut: its client sent nothing in time"),
            }
        });
    }
    drop(listener);
    if timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        warn!(connections = connections.len(), "connections were cut: they did not end in time");
    }
    connections.shutdown().await;
}

/// Answers the requests of one connection, whose seat is kept while it does.
fn seated(
    seat: Arc<Seat>,
    peer: SocketAddr,
    router: Router,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    let service = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        let answering = seat.answering();
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&seat));
        let answer = service.call(request);
        async move { Ok(answer.await?.map(|body| Body::new(Held { body, _answering: answering }))) }
    })
}

/// An answer's body, which keeps the seat until it is sent.
struct Held {
    body: Body,
    _answering: Answering,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that breaks off when its client takes nothing for too long.
///
/// A client that lives but does not read fills the socket's buffers; writing stops then. One that is gone without a
/// word fills them only after many heartbeats of a stream: there the system has to notice that nothing is acknowledged.
fn limited(stream: TcpStream) -> TimeoutStream<TcpStream> {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(&stream).set_tcp_user_timeout(Some(WRITE_WITHIN)) {
        debug!(%error, "TCP_USER_TIMEOUT was not set");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_WITHIN));
    stream
}

/// The next connection and its peer.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "TCP_NODELAY was not set");
                }
                return (stream, peer);
            }
            // The peer gave up before it was accepted.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                warn!(%error, "no connection could be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a request made the console panic");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use futures_util::stream;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;

    /// A server of an answer without an end, which holds `held` for as long as it is being sent.
    async fn endless(held: mpsc::Sender<()>) -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move || {
            let held = held.clone();
            async move {
                Body::from_stream(stream::repeat_with(move || {
                    assert!(!held.is_closed());
                    Ok::<_, Infallible>(Bytes::from_static(&[b'.'; 65_536]))
                }))
            }
        };
        let mut servers = JoinSet::new();
        servers.spawn(serve(listener, Router::new().route("/", get(answer)), CancellationToken::new()));
        (address, servers)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_dropped_and_one_that_reads_is_not() {
        let (held, mut watch) = mpsc::channel(1);
        let (address, servers) = endless(held).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut some = vec![0; 1 << 20];
        for _ in 0..4 {
            client.read_exact(&mut some).await.unwrap();
            tokio::time::advance(WRITE_WITHIN / 2).await;
        }
        let stalled = tokio::time::Instant::now();
        let rest = async { while client.read(&mut some).await.is_ok_and(|read| read > 0) {} };
        sleep(WRITE_WITHIN * 2).await;
        timeout(Duration::from_secs(3_600), rest).await.expect("the connection ends");
        assert!(stalled.elapsed() >= WRITE_WITHIN);
        drop(servers);
        assert_eq!(watch.recv().await, None, "and so does the answer");
    }
}
