//! One reactor's socket: a source of frames that says when it broke off (style habit 4).
//!
//! Connecting, frames and the end come out of one place, in order, so that silence is never read as absence. After
//! the end nothing comes until the owner asks for a new connection, from a position that only it knows.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use canary_telemetry::RejectReason;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, Stream};
use http::{HeaderValue, StatusCode, header};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::debug;
use url::Url;

use crate::Credentials;
use crate::arrival::{Arrival, Arrivals, Watched};

/// From the first packet to the subscription's leaving.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// A frame up to this size is taken in, to be skipped; a larger one costs the connection.
const MAX_MESSAGE: usize = 32 << 20;

/// The socket library clears the whole buffer before each reading, so a large one costs more than it brings.
const READ_BUFFER: usize = 64 << 10;

type Socket = WebSocketStream<MaybeTlsStream<Watched>>;

/// Where a reactor connects, and what it subscribes to.
pub(crate) struct Door {
    pub url: Url,
    /// The platform's name of the event.
    pub event_name: String,
    pub credentials: Arc<dyn Credentials>,
}

/// Why there is no connection any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    #[error("it could not be opened: {0}")]
    Refused(String),
    #[error("it was lost: {0}")]
    Lost(String),
    /// The next connection would meet the same frame again.
    #[error("a frame on it could not be read: {what}")]
    Unreadable { what: String, reason: RejectReason },
    #[error("nothing came for {0:?}")]
    Silent(Duration),
    #[error("the EventStore's positions begin anew: {0}")]
    StoreReset(String),
}

/// What comes from a link.
#[derive(Debug)]
pub(crate) enum Signal<T> {
    /// Connected; [`Link::subscribe`] comes next.
    Opened,
    /// What was made of a frame.
    Frame(T),
    Closed(Closed),
}

enum State {
    Down,
    Opening(BoxFuture<'static, Result<Socket, Closed>>),
    /// The subscription is on its way.
    Subscribing(Box<Socket>),
    Open(Box<Socket>),
}

pub(crate) struct Link {
    door: Arc<Door>,
    arrivals: Arrivals,
    state: State,
}

impl Link {
    pub fn new(door: Arc<Door>) -> Self {
        Self { door, arrivals: Arrivals::new(), state: State::Down }
    }

    /// Drops the connection, if there is one, and opens a new one after a delay.
    pub fn open(&mut self, delay: Duration) {
        let (door, arrivals) = (Arc::clone(&self.door), self.arrivals.clone());
        let opening = async move {
            sleep(delay).await;
            let refused = |_| Closed::Refused(format!("no answer within {OPEN_WITHIN:?}"));
            timeout(OPEN_WITHIN, door.open(arrivals)).await.map_err(refused).flatten()
        };
        self.state = State::Opening(opening.boxed());
    }

    /// Subscribes on the connection that was opened, from behind a position or from now on.
    pub fn subscribe(&mut self, after: Option<i64>) {
        let mut socket = match std::mem::replace(&mut self.state, State::Down) {
            State::Open(socket) => socket,
            other @ (State::Down | State::Opening(_) | State::Subscribing(_)) => {
                self.state = other;
                return;
            }
        };
        let subscribe = json!({"action": "subscribe", "event_types": [self.door.event_name], "after": after});
        // If it can't be queued, it can't be flushed either, and that is noticed at once.
        if let Err(error) = socket.start_send_unpin(Message::text(subscribe.to_string())) {
            debug!(%error, "the subscription could not be queued");
        }
        self.state = State::Subscribing(socket);
    }

    /// When the frame that came last arrived.
    pub fn arrival(&self) -> Arrival {
        self.arrivals.last()
    }

    pub fn is_open(&self) -> bool {
        match &self.state {
            State::Open(_) | State::Subscribing(_) => true,
            State::Down | State::Opening(_) => false,
        }
    }

    /// The next signal. A frame is dealt with where the socket has put it: to hand it on would cost more than to read it.
    #[inline]
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        deal: impl FnOnce(&Message, &Arrivals) -> T,
    ) -> Poll<Signal<T>> {
        let State::Open(socket) = &mut self.state else { return self.poll_opening(cx, deal) };
        match ready!(Pin::new(&mut **socket).poll_next(cx)) {
            Some(Ok(message)) if !message.is_close() => {
                Poll::Ready(Signal::Frame(deal(&message, &self.arrivals)))
            }
            end => Poll::Ready(Signal::Closed(self.end(ended(end)))),
        }
    }

    fn poll_opening<T>(
        &mut self,
        cx: &mut Context<'_>,
        deal: impl FnOnce(&Message, &Arrivals) -> T,
    ) -> Poll<Signal<T>> {
        match &mut self.state {
            State::Down | State::Open(_) => Poll::Pending,
            State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                Ok(socket) => {
                    self.state = State::Open(Box::new(socket));
                    Poll::Ready(Signal::Opened)
                }
                Err(closed) => Poll::Ready(Signal::Closed(self.end(closed))),
            },
            State::Subscribing(socket) => match ready!(socket.poll_flush_unpin(cx)) {
                Ok(()) => self.subscribed().poll(cx, deal),
                Err(error) => {
                    Poll::Ready(Signal::Closed(self.end(Closed::Lost(format!("subscribing: {error}")))))
                }
            },
        }
    }

    fn end(&mut self, closed: Closed) -> Closed {
        self.state = State::Down;
        closed
    }

    fn subscribed(&mut self) -> &mut Self {
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Subscribing(socket) => State::Open(socket),
            other @ (State::Down | State::Opening(_) | State::Open(_)) => other,
        };
        self
    }

    /// Says goodbye, for a moment at most.
    pub async fn close(self) {
        const GOODBYE: Duration = Duration::from_millis(500);
        if let State::Open(mut socket) = self.state {
            // The process ends; whether the server has heard it changes nothing.
            timeout(GOODBYE, socket.close()).await.ok();
        }
    }
}

fn ended(end: Option<Result<Message, Error>>) -> Closed {
    match end {
        Some(Ok(Message::Close(Some(frame)))) => {
            Closed::Lost(format!("the server closed it ({})", frame.code))
        }
        Some(Ok(_)) => Closed::Lost("the server closed it".into()),
        Some(Err(error @ (Error::Capacity(_) | Error::Utf8(_) | Error::Protocol(_)))) => unreadable(&error),
        Some(Err(error)) => Closed::Lost(error.to_string()),
        None => Closed::Lost("the server ended it".into()),
    }
}

/// A reset in the middle of a frame looks like a breach of the protocol, but says nothing about frames to come.
fn unreadable(error: &Error) -> Closed {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    if matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) {
        return Closed::Lost(error.to_string());
    }
    let too_large = matches!(error, Error::Capacity(_));
    let reason = if too_large { RejectReason::TooLarge } else { RejectReason::Unparsable };
    Closed::Unreadable { what: error.to_string(), reason }
}

impl Door {
    async fn open(&self, arrivals: Arrivals) -> Result<Socket, Closed> {
        let request = self.request().await.map_err(Closed::Refused)?;
        let stream = self.connect().await.map_err(|error| Closed::Refused(format!("connecting: {error}")))?;
        let watched = Watched::new(stream, arrivals);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        match client_async_tls_with_config(request, watched, Some(config), None).await {
            Ok((socket, _)) => Ok(socket),
            Err(error) => Err(self.refused(error).await),
        }
    }

    async fn request(&self) -> Result<Request, String> {
        let bearer = self.credentials.bearer().await.map_err(|error| format!("no bearer: {error}"))?;
        let mut request = self.url.as_str().into_client_request().map_err(|error| error.to_string())?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret()))
            .map_err(|_| "the bearer has characters that no header can carry".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(request)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the URL names no host");
        let host = self.url.host_str().ok_or_else(invalid)?;
        let port = self.url.port_or_known_default().ok_or_else(invalid)?;
        // An IPv6 address stands in brackets in a URL, and without them everywhere else.
        let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn refused(&self, error: Error) -> Closed {
        let Error::Http(answer) = &error else { return Closed::Refused(error.to_string()) };
        if matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.credentials.refused().await;
        }
        Closed::Refused(format!("the server answered {}", answer.status()))
    }
}
