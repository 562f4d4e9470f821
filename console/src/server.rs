//! Accepts connections and serves them, each with its limits, until told to stop.
//!
//! `axum::serve` has neither a limit of connections nor of the time in which a request's head must arrive, and
//! waits without end for connections at the end: one stuck client would keep the process from ending.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 256;
/// The longest a connection may take to send a request's head, or idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// The longest a client may take nothing of an answer.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// How long requests in flight may go on after the stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);
/// The pause after the machine could not accept (out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until told to stop, then lets requests in flight end.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer, permit) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
            Some(ended) = connections.join_next() => {
                report(ended);
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            service.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            .serve_connection(TokioIo::new(Box::pin(limited(stream))), service);
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "a connection broke off");
            }
            drop(permit);
        });
    }
    drop(listener);
    if timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        warn!(connections = connections.len(), "connections were cut: they did not end in time");
    }
    connections.shutdown().await;
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

/// The next connection and its peer, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "TCP_NODELAY was not set");
                }
                return (stream, peer, permit);
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
    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
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
