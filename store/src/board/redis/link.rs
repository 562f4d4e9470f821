//! The connection to Redis: opened when first needed, opened again when it broke, given up when it does not answer.
//!
//! The client's own connection manager keeps a connection whose answers time out, and hands the failure of an earlier
//! attempt to the next caller; a lease needs neither. Here a connection that broke or timed out is dropped by
//! whoever noticed, only one caller connects at a time, and right after a failed attempt the others fail at once.
//!
//! A command whose answer was lost may have been carried out: nothing is sent twice here.

use std::future::Future;
use std::mem;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult,
    ScriptInvocation,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::source::Source;
use crate::{Result, StoreError};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take. A whole pipeline counts as one.
pub(super) const ANSWER: Duration = Duration::from_secs(3);
/// How long nobody tries again after a failed attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers of servers that say: not now.
const NOT_NOW: &[&str] =
    &["LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "BUSY", "OOM", "MISCONF"];

/// Answers of servers that say: not you.
const REFUSALS: &[&str] = &["WRONGPASS", "NOAUTH"];

#[derive(Debug)]
pub(super) struct Link {
    source: Source,
    login: RwLock<Login>,
    /// The server as messages name it.
    name: String,
    /// Shared by all callers; held while one of them connects.
    state: Mutex<State>,
}

/// How to log in. It changes when the server refuses it and the URL has changed.
#[derive(Debug)]
struct Login {
    client: Client,
    /// The one before: what is on its way may still speak of it.
    former: Option<Client>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Open>,
    /// How often a connection was opened: tells a broken one from its successor.
    opened: u64,
    failed: Option<(Instant, RedisError)>,
}

#[derive(Clone, Debug)]
struct Open {
    connection: MultiplexedConnection,
    number: u64,
}

impl Link {
    /// Reads the URL; connects to nothing.
    ///
    /// # Errors
    /// When the URL is none of Redis. The error doesn't repeat it.
    pub(super) fn new(source: Source) -> Result<Self> {
        let client = read(&source).map_err(|cause| StoreError::Broken {
            store: "redis".to_owned(),
            step: "read its URL",
            cause,
        })?;
        let name = name(&client);
        let login = RwLock::new(Login { client, former: None });
        Ok(Self { source, login, name, state: Mutex::default() })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends commands in one go.
    pub(super) async fn pipeline<T: FromRedisValue>(
        &self,
        step: &'static str,
        commands: &Pipeline,
    ) -> Result<T> {
        let mut open = self.open(step).await?;
        let answer = limited(commands.query_async(&mut open.connection)).await;
        self.settle(step, &open, answer).await
    }

    /// Runs a script, after sending its text if the server does not know it.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        step: &'static str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T> {
        let mut open = self.open(step).await?;
        let answer = limited(script.invoke_async(&mut open.connection)).await;
        self.settle(step, &open, answer).await
    }

    /// Opens a connection of its own that listens to a channel.
    pub(super) async fn listen(&self, step: &'static str, channel: &str) -> Result<PubSub> {
        let subscribed = limited(async {
            let mut connection = self.client().get_async_pubsub().await?;
            connection.subscribe(channel).await?;
            Ok(connection)
        });
        subscribed.await.map_err(|error| {
            self.renew(&error);
            self.error(step, &error)
        })
    }

    fn client(&self) -> Client {
        self.login.read().unwrap_or_else(PoisonError::into_inner).client.clone()
    }

    /// Reads the URL again if the server refused the login; the next connection is made with it. Another server would be
    /// another board, so that takes a restart.
    fn renew(&self, refusal: &RedisError) {
        let refused = refusal.kind() == ErrorKind::AuthenticationFailed
            || refusal.code().is_some_and(|code| REFUSALS.contains(&code));
        if !refused {
            return;
        }
        match read(&self.source) {
            Ok(client) if name(&client) == self.name => {
                let mut login = self.login.write().unwrap_or_else(PoisonError::into_inner);
                let former = mem::replace(&mut login.client, client);
                login.former = Some(former);
            }
            Ok(_) => debug!("the URL names another server now: restart to follow it"),
            Err(cause) => debug!(cause, "the URL could not be read again"),
        }
    }

    /// The error of a step.
    pub(super) fn error(&self, step: &'static str, error: &RedisError) -> StoreError {
        let login = self.login.read().unwrap_or_else(PoisonError::into_inner);
        let settings = [Some(&login.client), login.former.as_ref()]
            .map(|client| client.map(|client| client.get_connection_info().redis_settings()));
        let secrets =
            settings.iter().flatten().flat_map(|known| [known.password(), known.username()]).flatten();
        let (store, cause) = (self.name.clone(), scrub(error, secrets));
        if is_passing(error) {
            StoreError::Unavailable { store, step, cause }
        } else {
            StoreError::Broken { store, step, cause }
        }
    }

    async fn open(&self, step: &'static str) -> Result<Open> {
        let mut state = self.state.lock().await;
        if let Some(open) = &state.connection {
            return Ok(open.clone());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < PAUSE
        {
            return Err(self.error(step, error));
        }
        // The limits are set below, around the whole of each call.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        match self.client().get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                state.opened += 1;
                let open = Open { connection, number: state.opened };
                state.connection = Some(open.clone());
                state.failed = None;
                Ok(open)
            }
            Err(error) => {
                self.renew(&error);
                let failure = self.error(step, &error);
                state.failed = Some((Instant::now(), error));
                Err(failure)
            }
        }
    }

    /// Drops the connection if it is what failed.
    async fn settle<T>(&self, step: &'static str, used: &Open, answer: RedisResult<T>) -> Result<T> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if error.is_io_error() || error.is_unrecoverable_error() || is_passing(&error) {
            let mut state = self.state.lock().await;
            if state.connection.as_ref().is_some_and(|open| open.number == used.number) {
                state.connection = None;
            }
        }
        Err(self.error(step, &error))
    }
}

/// The client of the URL as it is now. The cause doesn't repeat it.
fn read(source: &Source) -> std::result::Result<Client, String> {
    let none = "it is none; write it like redis://host:6379 or rediss://host:6379";
    Client::open(source.read()?.expose_secret()).map_err(|_| none.to_owned())
}

/// The server as messages name it.
fn name(client: &Client) -> String {
    format!("redis at {}", client.get_connection_info().addr())
}

async fn limited<T>(call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER, call).await.unwrap_or_else(|_| {
        let cause = format!("no answer within {ANSWER:?}");
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, cause).into())
    })
}

/// Whether it may pass by itself.
fn is_passing(error: &RedisError) -> bool {
    let answers = error.clone().into_server_errors();
    error.is_io_error()
        || answers.is_some_and(|errors| errors.iter().any(|(_, error)| NOT_NOW.contains(&error.code())))
}

/// The error on one line; a server may repeat what it was sent, so secrets are cut out.
fn scrub<'a>(error: &RedisError, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut cause = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    for secret in secrets.filter(|secret| !secret.is_empty()) {
        cause = cause.replace(secret, "…");
    }
    cause
}
