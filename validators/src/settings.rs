//! What the reactors have to be told.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use url::Url;

use crate::Mapping;

/// An event larger than this is skipped unless configured otherwise.
const MAX_FRAME_BYTES: usize = 1 << 20;

/// The settings of the five reactors of one frame.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The local frame's name.
    pub local_frame: String,
    /// Its EventStore's WebSocket (contract §3).
    pub ws_url: Url,
    /// The base of its EventStore's REST interface; `/events` is added (contract §4).
    pub rest_url: Url,
    /// A socket without a frame for so long is opened again.
    pub silence_after: Duration,
    /// How often the backstop polls while it is needed.
    pub backstop_every: Duration,
    /// How long a test is watched; what nobody claimed is remembered for so long.
    pub watch: Duration,
    /// Where the fields of an event are.
    pub mapping: Mapping,
    /// DIDs of the canary's agents that send.
    pub senders: Vec<String>,
    /// Larger frames are counted and skipped.
    pub max_frame_bytes: usize,
}

impl Settings {
    /// Settings with the design's defaults (§6, §13).
    #[must_use]
    pub fn new(local_frame: impl Into<String>, ws_url: Url, rest_url: Url) -> Self {
        Self {
            local_frame: local_frame.into(),
            ws_url,
            rest_url,
            silence_after: Duration::from_secs(30),
            backstop_every: Duration::from_secs(10),
            watch: Duration::from_secs(600),
            mapping: Mapping::default(),
            senders: Vec::new(),
            max_frame_bytes: MAX_FRAME_BYTES,
        }
    }
}

/// Where the EventStore's bearer comes from.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// The bearer to use now.
    ///
    /// # Errors
    /// In words for the log, without the secret, when there is none.
    async fn bearer(&self) -> Result<SecretString, String>;

    /// The last bearer was answered 401 or 403: get a new one next time.
    async fn refused(&self);
}
