//! One subscriber: what it asked for, where it is, and a loop that reads on from there.
//!
//! A heartbeat's head is the position up to which this socket has been handed everything, so it never claims an
//! event that is still waiting to go out. The socket may be cut, the faults may change and the client may leave at
//! any moment: every wait here listens to all three, and a write that nobody reads ends when the connection is cut.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::{FutureExt, SinkExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

use super::delivery::Held;
use crate::{
    clock,
    desk::Desk,
    faults::{Place, SocketFate},
    server::Peer,
    words::EventType,
};

/// The socket has ended, whoever ended it.
#[derive(Debug)]
pub(super) struct Over;

/// What a subscriber says first.
#[derive(Debug, Deserialize)]
struct Subscribe {
    action: Action,
    event_types: Vec<EventType>,
    after: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Subscribe,
}

pub(super) struct Session {
    desk: Desk,
    peer: Peer,
    socket: WebSocket,
    types: Vec<EventType>,
    heads: watch::Receiver<u64>,
    changes: watch::Receiver<u64>,
    pace: Interval,
    fate: SocketFate,
    /// Events sent since the fate was decided.
    sent: u64,
    /// Everything up to here has been handed out, save for `held`.
    pub cursor: u64,
    /// What lay in the store at subscription is replay.
    pub replay_until: u64,
    pub held: Option<Held>,
}

/// Serves a subscriber until its socket ends.
pub(super) async fn run(desk: Desk, peer: Peer, mut socket: WebSocket) {
    let subscribe = match first_message(&mut socket).await {
        Ok(Some(subscribe)) => subscribe,
        Ok(None) | Err(Over) => return,
    };
    tracing::debug!(frame = desk.frame().name, ?subscribe, "a subscriber came");
    let Over = Session::new(desk, peer, socket, subscribe.event_types).serve(subscribe.after).await;
}

/// `None` if it made no sense; the client has been told and the socket closed.
async fn first_message(socket: &mut WebSocket) -> Result<Option<Subscribe>, Over> {
    loop {
        let text = match socket.recv().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Binary(_))) => Utf8Bytes::default(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Over),
        };
        match serde_json::from_str(&text) {
            Ok(subscribe @ Subscribe { action: Action::Subscribe, .. }) => return Ok(Some(subscribe)),
            Err(error) => {
                let detail = json!({ "type": "error", "detail": error.to_string() });
                let close = CloseFrame { code: close_code::POLICY, reason: "bad subscription".into() };
                socket.send(Message::text(detail.to_string())).await.map_err(|_| Over)?;
                socket.send(Message::Close(Some(close))).await.map_err(|_| Over)?;
                return Ok(None);
            }
        }
    }
}

impl Session {
    fn new(desk: Desk, peer: Peer, socket: WebSocket, types: Vec<EventType>) -> Self {
        let every = desk.platform.config.heartbeat_every;
        let mut pace = interval_at(Instant::now() + every, every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut session = Self {
            heads: desk.frame().store.heads(),
            changes: desk.faults().changes(),
            desk,
            peer,
            socket,
            types,
            pace,
            fate: SocketFate::default(),
            sent: 0,
            cursor: 0,
            replay_until: 0,
            held: None,
        };
        session.ask_fate();
        session
    }

    async fn serve(mut self, after: Option<u64>) -> Over {
        let Err(over) = self.subscribed(after).await else { return self.stream().await };
        over
    }

    async fn subscribed(&mut self, after: Option<u64>) -> Result<(), Over> {
        self.obey().await?;
        let head = self.desk.frame().store.head();
        self.say(&json!({ "type": "subscribed", "event_types": self.types, "head": head })).await?;
        (self.cursor, self.replay_until) = (after.unwrap_or(head), head);
        let place = Place { types: &self.types, ..Place::frame(&self.desk.frame().name) };
        let unable = after.is_some_and(|after| after > head || self.desk.faults().replay_gap(place));
        if unable {
            self.cursor = head;
            self.gap(head + 1).await?;
        }
        Ok(())
    }

    async fn stream(&mut self) -> Over {
        loop {
            if let Err(over) = self.step().await {
                return over;
            }
        }
    }

    /// Hands out what there is; at the end of it, waits.
    async fn step(&mut self) -> Result<(), Over> {
        self.heads.mark_unchanged();
        let page = self.desk.frame().store.read(self.cursor, &self.types);
        if let Some(oldest) = page.gap {
            self.gap(oldest).await?;
        }
        for item in page.items {
            self.deliver(item).await?;
        }
        self.cursor = page.upto;
        if page.more {
            self.glance().await
        } else {
            let until = self.held.as_ref().map(|held| held.until);
            self.idle(until, true).await?;
            self.release_if_due().await
        }
    }

    /// What a busy stream must not forget over its events.
    async fn glance(&mut self) -> Result<(), Over> {
        if self.pace.tick().now_or_never().is_some() {
            self.heartbeat().await?;
        }
        match self.socket.recv().now_or_never() {
            Some(message) => heard(message),
            None => Ok(()),
        }
    }

    /// Waits until a moment, or for news if `for_news`, while heartbeats go on and faults are obeyed.
    pub async fn idle(&mut self, until: Option<Instant>, for_news: bool) -> Result<(), Over> {
        self.flush().await?;
        loop {
            self.obey().await?;
            tokio::select! {
                _ = self.heads.changed(), if for_news => return Ok(()),
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return Ok(()),
                _ = self.pace.tick() => self.heartbeat().await?,
                _ = self.changes.changed() => self.ask_fate(),
                message = self.socket.recv() => heard(message)?,
            }
        }
    }

    /// Sends an event's frame, or does what the faults want done instead of it.
    pub async fn send(&mut self, message: Message) -> Result<(), Over> {
        self.obey().await?;
        self.sent += 1;
        self.socket.feed(message).await.map_err(|_| Over)
    }

    async fn heartbeat(&mut self) -> Result<(), Over> {
        if self.fate.no_heartbeats {
            return Ok(());
        }
        let head = self.held.as_ref().map_or(self.cursor, |held| held.position - 1).min(self.cursor);
        self.say(&json!({ "type": "heartbeat", "head": head, "at": clock::text(clock::now()) })).await
    }

    async fn gap(&mut self, oldest: u64) -> Result<(), Over> {
        self.say(&json!({ "type": "gap", "oldest": oldest })).await
    }

    async fn say(&mut self, message: &Value) -> Result<(), Over> {
        self.socket.send(Message::text(message.to_string())).await.map_err(|_| Over)
    }

    async fn flush(&mut self) -> Result<(), Over> {
        self.socket.flush().await.map_err(|_| Over)
    }

    fn ask_fate(&mut self) {
        self.changes.mark_unchanged();
        let place = Place { types: &self.types, ..Place::frame(&self.desk.frame().name) };
        self.fate = self.desk.faults().socket_fate(place);
        self.sent = 0;
    }

    /// Stalls or closes, if that is this socket's fate by now.
    async fn obey(&mut self) -> Result<(), Over> {
        if self.changes.has_changed().is_ok_and(|changed| changed) {
            self.ask_fate();
        }
        if self.fate.stalls_after.is_some_and(|after| self.sent >= after) {
            self.stall().await?;
        }
        match self.fate.closes_after {
            Some(after) if self.sent >= after => Err(self.close().await),
            Some(_) | None => Ok(()),
        }
    }

    /// Says nothing until the faults change. It doesn't listen either, as a frozen server wouldn't: not even pings
    /// are answered, and a client that leaves is missed only when there is something to say again.
    async fn stall(&mut self) -> Result<(), Over> {
        self.flush().await?;
        while self.fate.stalls_after.is_some_and(|after| self.sent >= after) {
            tokio::select! {
                _ = self.changes.changed() => self.ask_fate(),
                () = self.peer.is_cut() => return Err(Over),
            }
        }
        Ok(())
    }

    async fn close(&mut self) -> Over {
        let ended = match self.fate.abruptly {
            true => self.socket.flush().await,
            false => self.socket.send(Message::Close(None)).await,
        };
        if self.fate.abruptly || ended.is_err() {
            self.peer.cut();
        }
        Over
    }
}

/// Clients have nothing more to say; all that counts is whether they are still there.
fn heard(message: Option<Result<Message, axum::Error>>) -> Result<(), Over> {
    match message.ok_or(Over)?.map_err(|_| Over)? {
        Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Ok(()),
        Message::Close(_) => Err(Over),
    }
}
