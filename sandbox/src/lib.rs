//! A two-frame platform in the contract's image, for the demo and the tests.
//!
//! It listens on real sockets, moves tokens between real books, and says so in real events, and it fails on
//! demand in every way that a platform is known to fail ([`FaultSet`]). It treats every transfer alike: nothing
//! in here knows who is a canary. What it keeps of everything it did ([`Record`]) is what a test holds the canary
//! against.
//!
//! Its own races: a saga's steps, broadcasts and late events run beside the calls that caused them, faults change
//! while all of these are under way, and callers go away in the middle. Each module says how it lives with them.

mod answers;
mod auth;
mod clock;
mod config;
mod control;
mod desk;
mod event;
mod event_store;
mod faults;
mod firehose;
mod idempotency;
mod intra;
mod ledger;
mod platform;
mod record;
mod registry;
mod saga;
mod server;
mod strangers;
mod stream;
mod transfer;
mod two_phase;
mod words;

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use tokio::net::TcpListener;

pub use self::{
    config::{AgentSeed, Config, FRAMES, FrameUrls, SandboxError},
    event::EventData,
    faults::{
        Alteration, AnswerBody, Call, CallFault, Corruption, DelayAt, EventFault, Fault, FaultSet, Faults,
        Only, SagaFault, SocketFault, What,
    },
    record::{Effect, EmittedEvent, Movement, MovementKind, Record, TransferCall},
    words::{Backend, EventType},
};
use self::{desk::Desk, platform::Platform};

/// A running platform. Dropping it stops it too, without waiting for its tasks.
pub struct Sandbox {
    platform: Arc<Platform>,
    addresses: [SocketAddr; 2],
}

impl Sandbox {
    /// Starts both frames; they listen once this returns.
    ///
    /// # Errors
    /// If a port can't be had, or an agent names a frame that isn't there.
    pub async fn start(config: Config) -> Result<Self, SandboxError> {
        if let Some(agent) = config.agents.iter().find(|agent| !FRAMES.contains(&agent.frame.as_str())) {
            return Err(SandboxError::UnknownFrame { agent: agent.name.clone(), frame: agent.frame.clone() });
        }
        let [port_a, port_b] = config.ports.unwrap_or_default();
        let (listener_a, address_a) = bind(FRAMES[0], SocketAddr::new(config.listen, port_a)).await?;
        let (listener_b, address_b) = bind(FRAMES[1], SocketAddr::new(config.listen, port_b)).await?;
        let platform = Arc::new(Platform::new(config));
        for (desk, listener) in Desk::all(&platform).into_iter().zip([listener_a, listener_b]) {
            let frame = desk.frame().name.clone();
            let app = app(desk);
            let (tasks, stop) = (&platform.tasks, &platform.stop);
            tasks.spawn(server::serve(listener, app, stop.clone()));
            tasks.spawn(until(stop.clone(), strangers::run(Arc::clone(&platform), frame.clone())));
            tasks.spawn(until(stop.clone(), firehose::run(Arc::clone(&platform), frame)));
        }
        Ok(Self { platform, addresses: [address_a, address_b] })
    }

    /// Where a frame answers.
    ///
    /// # Panics
    /// If `name` is none of [`FRAMES`].
    pub fn frame(&self, name: &str) -> FrameUrls {
        let found = self.platform.frames.iter().zip(self.addresses).find(|(frame, _)| frame.name == name);
        let Some((frame, address)) = found else { panic!("there is no frame {name}; there are {FRAMES:?}") };
        FrameUrls {
            registry: format!("http://{address}/api/v1"),
            event_store_ws: format!("ws://{address}/ws/events"),
            event_store: format!("http://{address}/api/v1"),
            event_store_token: frame.auth.service_token().to_owned(),
            control: format!("http://{address}/sandbox"),
        }
    }

    /// The agents it was started with.
    pub fn agents(&self) -> &[AgentSeed] {
        &self.platform.config.agents
    }

    /// The faults; setting them here is the same as posting them.
    pub fn faults(&self) -> &Faults {
        &self.platform.faults
    }

    /// A copy of everything it has recorded so far.
    pub fn record(&self) -> Record {
        self.platform.record()
    }

    /// Closes listeners and sockets, and returns once every task has ended. Sagas under way are abandoned.
    pub async fn shutdown(self) {
        self.platform.stop.cancel();
        self.platform.tasks.close();
        self.platform.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.platform.stop.cancel();
    }
}

async fn bind(frame: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), SandboxError> {
    let failed =
        |source| SandboxError::Bind { frame: frame.to_owned(), address: address.to_string(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn app(desk: Desk) -> Router {
    Router::new()
        .nest("/api/v1", registry::routes().merge(stream::rest_routes()))
        .nest("/sandbox", control::routes())
        .merge(stream::socket_routes())
        .with_state(desk)
}

async fn until(stop: tokio_util::sync::CancellationToken, task: impl Future<Output = ()>) {
    stop.run_until_cancelled(task).await;
}
