//! A plain client of the platform: what a test says and hears over real sockets.

use std::{sync::Once, time::Duration};

use anyhow::{Context, Result, bail};
use canary_sandbox::{Config, EventType, Fault, FaultSet, Record, Sandbox};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::header::AUTHORIZATION},
};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Short platform times, so that tests wait on conditions for moments only.
pub fn quick() -> Config {
    Config {
        heartbeat_every: Duration::from_millis(50),
        settle_after: Duration::from_millis(30),
        broadcast_delay: Duration::from_millis(5),
        ..Config::default()
    }
}

pub struct World {
    pub sandbox: Sandbox,
    pub http: Client,
}

/// An answer, read to its end.
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answered {
    async fn read(response: Response) -> Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, text: response.text().await? })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn id(&self) -> String {
        self.json()["transaction_id"].as_str().unwrap_or_default().to_owned()
    }
}

/// A transfer to make; alpha to bravo inside frame a unless said otherwise.
#[derive(Clone)]
pub struct Order<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub backend: &'a str,
    pub target: &'a str,
    pub amount: &'a str,
    pub message: &'a str,
    pub key: Option<&'a str>,
}

impl Default for Order<'_> {
    fn default() -> Self {
        Self {
            from: "alpha",
            to: "bravo",
            backend: "intra",
            target: "a",
            amount: "0.01",
            message: "lunch",
            key: None,
        }
    }
}

/// From alpha on frame a to charlie on frame b.
pub fn across(backend: &str) -> Order<'_> {
    Order { backend, to: "charlie", target: "b", ..Order::default() }
}

pub fn did(agent: &str) -> String {
    format!("did:avt:agent-{agent}")
}

pub fn home(agent: &str) -> &'static str {
    if matches!(agent, "charlie" | "delta") { "b" } else { "a" }
}

impl World {
    pub async fn quick() -> Result<Self> {
        Self::with(quick()).await
    }

    pub async fn with(config: Config) -> Result<Self> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let http = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { sandbox: Sandbox::start(config).await?, http })
    }

    pub fn fault(&self, fault: impl Into<Fault>) {
        self.sandbox.faults().set(FaultSet::of([fault.into()]));
    }

    pub async fn sign_in(&self, agent: &str, secret: &str) -> reqwest::Result<Response> {
        let url = format!("{}/auth/agent/token", self.sandbox.frame(home(agent)).registry);
        let form = [("username", format!("client-{agent}")), ("password", secret.to_owned())];
        self.http.post(url).form(&form).send().await
    }

    pub async fn token(&self, agent: &str) -> Result<String> {
        let answer: Value = self.sign_in(agent, &format!("secret-{agent}")).await?.json().await?;
        Ok(answer["access_token"].as_str().context("no token")?.to_owned())
    }

    pub fn order(&self, token: &str, order: &Order<'_>) -> RequestBuilder {
        let registry = self.sandbox.frame(home(order.from)).registry;
        let mut body = json!({
            "receiver_agent_id": did(order.to),
            "amount": order.amount,
            "message": order.message,
        });
        let url = match order.backend {
            "intra" => format!("{registry}/teg/transfer"),
            backend => {
                body["target_registry"] = json!(order.target);
                format!("{registry}/teg/cross-registry-transfer?backend={backend}")
            }
        };
        let request = self.http.post(url).bearer_auth(token).json(&body);
        match order.key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    /// Signs in and makes a transfer.
    pub async fn send(&self, order: &Order<'_>) -> Result<Answered> {
        let token = self.token(order.from).await?;
        Answered::read(self.order(&token, order).send().await?).await
    }

    /// As [`World::send`], and it must succeed; answers the transfer id.
    pub async fn sent(&self, order: &Order<'_>) -> Result<String> {
        let answered = self.send(order).await?;
        if !StatusCode::from_u16(answered.status)?.is_success() {
            bail!("{}: {}", answered.status, answered.text);
        }
        Ok(answered.id())
    }

    pub async fn balance(&self, agent: &str) -> Result<String> {
        let token = self.token(agent).await?;
        let url = format!("{}/teg/balance", self.sandbox.frame(home(agent)).registry);
        let answer: Value = self.http.get(url).bearer_auth(token).send().await?.json().await?;
        Ok(answer["balance"].as_str().context("no balance")?.to_owned())
    }

    /// A REST page of a frame's events.
    pub async fn page(&self, frame: &str, query: &str) -> Result<Answered> {
        let urls = self.sandbox.frame(frame);
        let url = format!("{}/events?{query}", urls.event_store);
        Answered::read(self.http.get(url).bearer_auth(urls.event_store_token).send().await?).await
    }

    pub async fn control(&self, method: Method, path: &str, body: Option<&str>) -> Result<Answered> {
        let request = self.http.request(method, format!("{}/{path}", self.sandbox.frame("a").control));
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body.to_owned()),
            None => request,
        };
        Answered::read(request.send().await?).await
    }

    /// Polls the record until it shows something.
    pub async fn recorded<T>(&self, what: &str, mut look: impl FnMut(Record) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self.sandbox.record()) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                bail!("the record never showed {what}");
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    pub async fn connect(&self, frame: &str, token: &str) -> Result<Subscriber> {
        let mut request = self.sandbox.frame(frame).event_store_ws.into_client_request()?;
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse()?);
        let (socket, _) = timeout(PATIENCE, connect_async(request)).await??;
        Ok(Subscriber { socket })
    }

    /// Connects and asks, without waiting for the answer.
    pub async fn ask(&self, frame: &str, types: &[EventType], after: Option<u64>) -> Result<Subscriber> {
        let mut subscriber = self.connect(frame, &self.sandbox.frame(frame).event_store_token).await?;
        let ask = json!({ "action": "subscribe", "event_types": types, "after": after });
        subscriber.socket.send(Message::text(ask.to_string())).await?;
        Ok(subscriber)
    }

    /// Subscribes; answers the head too.
    pub async fn subscribe(
        &self,
        frame: &str,
        types: &[EventType],
        after: Option<u64>,
    ) -> Result<(Subscriber, u64)> {
        let mut subscriber = self.ask(frame, types, after).await?;
        let answer = subscriber.next_json().await?;
        if answer["type"] != "subscribed" || answer["event_types"] != json!(types) {
            bail!("not subscribed: {answer}");
        }
        Ok((subscriber, answer["head"].as_u64().context("no head")?))
    }
}

pub struct Subscriber {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Subscriber {
    /// The next frame, `None` at the end of the socket, however it came.
    pub async fn next(&mut self) -> Result<Option<Message>> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.context("the socket says nothing")? {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Ok(Some(message)),
                Some(Err(_)) | None => return Ok(None),
            }
        }
    }

    pub async fn next_json(&mut self) -> Result<Value> {
        let message = self.next().await?.context("the socket has ended")?;
        Ok(serde_json::from_str(message.to_text()?)?)
    }

    /// The next message of a type, leaving out heartbeats (unless asked for).
    pub async fn next_of(&mut self, kind: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = self.next_json().await?;
            if message["type"] == kind {
                return Ok(message);
            }
            if message["type"] != "heartbeat" || Instant::now() > deadline {
                bail!("expected {kind}, heard {message}");
            }
        }
    }

    pub async fn next_event(&mut self) -> Result<Value> {
        self.next_of("event").await
    }

    /// The next heartbeat whose head is at least this; events before it are an error.
    pub async fn heartbeat_from(&mut self, head: u64) -> Result<Value> {
        loop {
            let beat = self.next_of("heartbeat").await?;
            if beat["head"].as_u64().is_some_and(|at| at >= head) {
                return Ok(beat);
            }
        }
    }
}
