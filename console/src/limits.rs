//! How often one may sign in, and fire.
//!
//! Each instance counts for itself. Who was quiet for long enough is forgotten every [`FORGET_EVERY`], so that the
//! memory of who asked is bounded by how many can ask meanwhile.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use governor::clock::QuantaInstant;
use governor::middleware::NoOpMiddleware;
use http::Request;
use tokio::time::interval;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};
use tracing::warn;

use crate::access::Caller;
use crate::peer::Peer;
use crate::problem::{Kind, Problem};

/// Sign-ins at once, by one peer, and the time after which there may be one more.
const SIGN_IN: (u32, Duration) = (5, Duration::from_secs(6));
/// Tests fired at once, by one caller, and the time after which there may be one more.
const FIRE: (u32, Duration) = (6, Duration::from_secs(10));
/// How often who was quiet is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(30);

type Config<K> = GovernorConfig<K, NoOpMiddleware<QuantaInstant>>;
/// A limit, to be laid around an operation.
pub(crate) type Limit<K> = GovernorLayer<K, NoOpMiddleware<QuantaInstant>, Body>;

/// The limits of one console.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    sign_in: Arc<Config<ByPeer>>,
    fire: Arc<Config<ByCaller>>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self { sign_in: config(ByPeer, SIGN_IN), fire: config(ByCaller, FIRE) }
    }

    pub(crate) fn sign_in(&self) -> Limit<ByPeer> {
        GovernorLayer::new(Arc::clone(&self.sign_in)).error_handler(|error| refuse(&error))
    }

    pub(crate) fn fire(&self) -> Limit<ByCaller> {
        GovernorLayer::new(Arc::clone(&self.fire)).error_handler(|error| refuse(&error))
    }

    /// Forgets who was quiet, again and again; never ends.
    pub(crate) async fn forget(self) {
        let mut ticks = interval(FORGET_EVERY);
        loop {
            ticks.tick().await;
            self.sign_in.limiter().retain_recent();
            self.fire.limiter().retain_recent();
        }
    }
}

fn config<K>(key: K, (burst, every): (u32, Duration)) -> Arc<Config<K>>
where
    K: KeyExtractor,
    K::Key: Hash + Eq + Clone,
{
    let config = GovernorConfigBuilder::default().period(every).burst_size(burst).key_extractor(key).finish();
    Arc::new(config.expect("neither the burst nor the time is 0"))
}

fn refuse(error: &GovernorError) -> Response {
    match error {
        // Whole seconds, cut: one more is never too early.
        GovernorError::TooManyRequests { wait_time, headers: _ } => {
            let seconds = wait_time + 1;
            warn!(seconds, "refused a request: too many");
            Problem::too_many(seconds).into_response()
        }
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => {
            Problem::new(Kind::Unauthorized, "it is not known who asks").into_response()
        }
    }
}

/// By the network of the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByPeer;

impl KeyExtractor for ByPeer {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        Ok(Peer::of(request.extensions()).network())
    }
}

/// By the name of the token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByCaller;

impl KeyExtractor for ByCaller {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> Result<String, GovernorError> {
        let caller = request.extensions().get::<Caller>();
        caller.map(|caller| caller.name.clone()).ok_or(GovernorError::UnableToExtractKey)
    }
}
