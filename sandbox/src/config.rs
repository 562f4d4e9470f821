//! What a sandbox is started with, and what it tells about itself.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use rust_decimal::Decimal;
use serde::Serialize;

/// The names of the two frames, in the order of [`Config::ports`].
pub const FRAMES: [&str; 2] = ["a", "b"];

/// How the platform is set up. The default suits a demo: contract shapes, shorter times.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address both frames listen on.
    pub listen: IpAddr,
    /// Ports of frame a and frame b; `None` picks free ones.
    pub ports: Option<[u16; 2]>,
    /// Every account there is. Users of strangers' traffic have none.
    pub agents: Vec<AgentSeed>,
    /// Charged to the sender of each transfer, in AVT.
    pub fee: Decimal,
    /// How long an access token is good for.
    pub token_ttl: Duration,
    /// Time between heartbeats on an event stream (contract: 10 s).
    pub heartbeat_every: Duration,
    /// Saga: time from initiated to the credit.
    pub settle_after: Duration,
    /// Saga: time from initiated until the sweeper gives up (contract: 5 min).
    pub refund_after: Duration,
    /// How long a broadcast event takes to the other frame.
    pub broadcast_delay: Duration,
    /// Events each frame keeps for replay; asking for older ones is answered with a gap.
    pub event_retention: usize,
}

/// An agent that the platform knows from the start.
#[derive(Clone, Debug, Serialize)]
pub struct AgentSeed {
    /// Short name, for people.
    pub name: String,
    /// Home frame.
    pub frame: String,
    /// Its DID.
    pub did: String,
    /// Client id it signs in with.
    pub client_id: String,
    /// Client secret it signs in with. The sandbox's secrets protect nothing.
    pub client_secret: String,
    /// AVT it starts with.
    pub balance: Decimal,
}

impl AgentSeed {
    fn new(name: &str, frame: &str) -> Self {
        Self {
            name: name.to_owned(),
            frame: frame.to_owned(),
            did: format!("did:avt:agent-{name}"),
            client_id: format!("client-{name}"),
            client_secret: format!("secret-{name}"),
            balance: Decimal::from(1_000_000),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        let [a, b] = FRAMES;
        Self {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: None,
            agents: vec![
                AgentSeed::new("alpha", a),
                AgentSeed::new("bravo", a),
                AgentSeed::new("charlie", b),
                AgentSeed::new("delta", b),
            ],
            fee: Decimal::new(1, 4),
            token_ttl: Duration::from_secs(15 * 60),
            heartbeat_every: Duration::from_secs(1),
            settle_after: Duration::from_millis(200),
            refund_after: Duration::from_secs(5 * 60),
            broadcast_delay: Duration::from_millis(20),
            event_retention: 100_000,
        }
    }
}

/// Where one frame answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrameUrls {
    /// Base of the registry's calls.
    pub registry: String,
    /// The EventStore's WebSocket.
    pub event_store_ws: String,
    /// Base of the EventStore's REST calls.
    pub event_store: String,
    /// A bearer token that the EventStore always takes; agents' tokens of this frame are taken too.
    pub event_store_token: String,
    /// Base of the sandbox's own control calls.
    pub control: String,
}

/// Why a sandbox didn't start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A port could not be had.
    #[error("frame {frame} can't listen on {address}: {source}")]
    Bind {
        /// The frame.
        frame: String,
        /// Address and port asked for.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// An agent's home frame isn't one of [`FRAMES`].
    #[error("agent {agent} lives on frame {frame}, which isn't there; frames are a and b")]
    UnknownFrame {
        /// The agent's name.
        agent: String,
        /// The frame it names.
        frame: String,
    },
}
