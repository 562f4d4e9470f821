//! How often one may guess a token, and fire; and how often a refusal is worth a line of the log.
//!
//! Only wrong tokens are counted: behind a proxy all clients are one peer, and none may lock the others out. A right token
//! always passes, whoever guessed before. Each instance counts for itself. Who was quiet for long enough is forgotten every [`FORGET_EVERY`], so that the
//! memory of who asked is bounded by how many can ask meanwhile.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock, QuantaInstant};
use governor::middleware::NoOpMiddleware;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use http::Request;
use tokio::time::interval;
use tower_governor::governor::{GovernorConfig, GovernorConfigBuilder};
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use crate::access::Caller;
use crate::peer::Peer;
use crate::problem::{Kind, Problem};

/// Wrong tokens at once, by one peer, and the time after which there may be one more.
const WRONG: (u32, Duration) = (5, Duration::from_secs(6));
/// Lines of the log at once, of refusals of one peer, and the time after which there may be one more.
const LINES: (u32, Duration) = (10, Duration::from_secs(1));
/// Tests fired at once, by one caller, and the time after which there may be one more.
const FIRE: (u32, Duration) = (6, Duration::from_secs(10));
/// How often who was quiet is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(30);

type Config<K> = GovernorConfig<K, NoOpMiddleware<QuantaInstant>>;
/// A limit, to be laid around an operation.
pub(crate) type Limit<K> = GovernorLayer<K, NoOpMiddleware<QuantaInstant>, Body>;

/// Counts by the network of the other end.
type ByNetwork = DefaultKeyedRateLimiter<IpAddr>;

/// The limits of one console.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    wrong: Arc<ByNetwork>,
    lines: Arc<ByNetwork>,
    fire: Arc<Config<ByCaller>>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        let by_network = |limit| Arc::new(RateLimiter::keyed(quota(limit)));
        Self { wrong: by_network(WRONG), lines: by_network(LINES), fire: config(ByCaller, FIRE) }
    }

    /// Counts a token that is not known; what its bearer is told.
    pub(crate) fn wrong_token(&self, peer: Peer) -> Problem {
        match self.wrong.check_key(&peer.network()) {
            Ok(()) => Problem::new(Kind::Unauthorized, "this token is not known"),
            Err(early) => {
                let wait = early.wait_time_from(DefaultClock::default().now());
                // Whole seconds, cut: one more is never too early.
                Problem::too_many(wait.as_secs() + 1)
            }
        }
    }

    /// Whether one more refusal of this peer is worth a line of the log.
    pub(crate) fn may_tell(&self, peer: Peer) -> bool {
        self.lines.check_key(&peer.network()).is_ok()
    }

    pub(crate) fn fire(&self) -> Limit<ByCaller> {
        GovernorLayer::new(Arc::clone(&self.fire)).error_handler(|error| refuse(&error))
    }

    /// Forgets who was quiet, again and again; never ends.
    pub(crate) async fn forget(self) {
        let mut ticks = interval(FORGET_EVERY);
        loop {
            ticks.tick().await;
            self.wrong.retain_recent();
            self.lines.retain_recent();
            self.fire.limiter().retain_recent();
        }
    }
}

fn quota((burst, every): (u32, Duration)) -> Quota {
    let burst = NonZeroU32::new(burst).expect("the burst is not 0");
    Quota::with_period(every).expect("the time is not 0").allow_burst(burst)
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
            Problem::too_many(seconds).into_response()
        }
        GovernorError::UnableToExtractKey | GovernorError::Other { .. } => {
            Problem::new(Kind::Unauthorized, "it is not known who asks").into_response()
        }
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
