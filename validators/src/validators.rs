//! Puts the five reactors together, and runs them with the feed and the stamper that they share.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Clock, EventType, NodeId, backoff};
use canary_store::{Board, ReactorState};
use canary_telemetry::ReactorMetrics;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

use crate::backstop::{Backstop, Shelf, client};
use crate::correlate::Correlator;
use crate::desk::Desk;
use crate::event::EventReader;
use crate::feed::Feed;
use crate::filter::Filter;
use crate::link::{Door, Link};
use crate::reactor::Reactor;
use crate::reader::{Reader, Surroundings};
use crate::resume::{Wanted, choose};
use crate::stamper::Stamper;
use crate::{Credentials, MappingError, Readiness, Settings};

/// How long what was seen last may take to reach the board when stopping.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The instance that the reactors run in.
#[derive(Clone)]
pub struct Host {
    /// Its name.
    pub node: NodeId,
    /// Where stamps go. With a [`canary_store::MemoryBoard`] of its own the reactors observe beside anything that
    /// runs, and tell nobody else.
    pub board: Arc<dyn Board>,
    /// The board's clock.
    pub clock: Arc<dyn Clock>,
    /// What the reactors sign in to the EventStore with.
    pub credentials: Arc<dyn Credentials>,
    /// What is counted.
    pub metrics: Arc<ReactorMetrics>,
}

/// Why the reactors can't run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ValidatorsError {
    /// The mapping can't be used.
    #[error("platform.mapping: {0}")]
    Mapping(#[from] MappingError),
    /// The client of the backstop can't be built.
    #[error("the backstop's HTTP client can't be built: {0}")]
    Client(#[from] reqwest::Error),
    /// A part ended though nobody stopped it.
    #[error("the {0} ended by itself")]
    Ended(&'static str),
    /// A part panicked.
    #[error("a part of the validators panicked: {0}")]
    Panicked(#[from] JoinError),
}

/// The five reactors of the local frame.
pub struct Validators {
    settings: Settings,
    host: Host,
    desk: Arc<Desk>,
    reactors: Vec<Reactor>,
    readiness: watch::Sender<Readiness>,
}

impl Validators {
    /// Prepares them; nothing is connected yet.
    ///
    /// # Errors
    /// When the settings can't be used.
    pub fn new(settings: Settings, host: Host) -> Result<Self, ValidatorsError> {
        settings.mapping.check()?;
        let correlator = Correlator::new(settings.senders.iter().cloned(), settings.watch);
        let desk = Arc::new(Desk::new(correlator, Arc::clone(&host.metrics)));
        let readiness = watch::Sender::new(Readiness::default());
        let around = Arc::new(Surroundings {
            frame: settings.local_frame.clone(),
            node: host.node.clone(),
            max_frame_bytes: settings.max_frame_bytes,
            clock: Arc::clone(&host.clock),
            metrics: Arc::clone(&host.metrics),
            desk: Arc::clone(&desk),
        });
        let http = client()?;
        let mut reactors = Vec::with_capacity(EventType::ALL.len());
        for &kind in EventType::ALL {
            let filter = Filter::new(kind, &settings.mapping, &settings.senders, desk.in_flight());
            let event_name = settings.mapping.name(kind).to_owned();
            let door = Door {
                url: settings.ws_url.clone(),
                event_name: event_name.clone(),
                credentials: Arc::clone(&host.credentials),
            };
            let shelf = Shelf {
                client: http.clone(),
                url: events_url(&settings.rest_url),
                event_name,
                credentials: Arc::clone(&host.credentials),
            };
            let events = EventReader::new(kind, settings.mapping.clone());
            reactors.push(Reactor {
                kind,
                reader: Reader::new(Arc::clone(&around), events, filter),
                link: Link::new(Arc::new(door)),
                backstop: Backstop::new(Arc::new(shelf), settings.backstop_every, Instant::now()),
                around: Arc::clone(&around),
                silence_after: settings.silence_after,
                readiness: readiness.clone(),
            });
        }
        Ok(Self { settings, host, desk, reactors, readiness })
    }

    /// Follows which reactors have been subscribed.
    #[must_use]
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.subscribe()
    }

    /// Reads and stamps until told to stop; what was seen by then still reaches the board, if it answers within 3 s.
    ///
    /// # Errors
    /// When a part of it ends by itself: then the process should, too.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), ValidatorsError> {
        let Some(states) = stored(&*self.host.board, &stop).await else { return Ok(()) };
        let written = CancellationToken::new();
        let mut shared = self.spawn_shared(&written);
        let mut reactors = self.spawn_reactors(&states, &stop);
        let ended = tokio::select! {
            ended = shared.join_next() => ended,
            ended = reactors.join_next() => ended,
        };
        if !stop.is_cancelled() {
            return Err(match ended {
                Some(Err(panic)) => panic.into(),
                Some(Ok(part)) => ValidatorsError::Ended(part),
                None => ValidatorsError::Ended("reactors"),
            });
        }
        all_ended(&mut reactors).await?;
        written.cancel();
        match timeout(LAST_WORDS, all_ended(&mut shared)).await {
            Ok(ended) => ended,
            Err(_) => {
                warn!(board = self.host.board.describe(), "what was seen last did not reach the board");
                Ok(())
            }
        }
    }

    fn spawn_shared(&self, written: &CancellationToken) -> JoinSet<&'static str> {
        let Self { host, desk, .. } = self;
        let (board, metrics) = (Arc::clone(&host.board), Arc::clone(&host.metrics));
        let feed = Feed { desk: Arc::clone(desk), board: Arc::clone(&board) }.run(written.clone());
        let stamper = Stamper { desk: Arc::clone(desk), board, metrics }.run(written.clone());
        let mut shared = JoinSet::new();
        shared.spawn(async move {
            feed.await;
            "feed from the board"
        });
        shared.spawn(async move {
            stamper.await;
            "stamper"
        });
        shared
    }

    fn spawn_reactors(&mut self, states: &[ReactorState], stop: &CancellationToken) -> JoinSet<&'static str> {
        let now = self.host.clock.now();
        let mut reactors = JoinSet::new();
        for mut reactor in self.reactors.drain(..) {
            let wanted = Wanted {
                frame: &self.settings.local_frame,
                event_type: reactor.kind,
                node: &self.host.node,
                watch: self.settings.watch,
            };
            if let Some(state) = choose(states, &wanted, now) {
                reactor.reader.resume(state);
            }
            let stop = stop.clone();
            reactors.spawn(async move {
                let name = reactor.kind.as_str();
                reactor.run(stop).await;
                name
            });
        }
        reactors
    }
}

/// What reactors have stored; waits for the board, since without it nothing is known to look for.
async fn stored(board: &dyn Board, stop: &CancellationToken) -> Option<Vec<ReactorState>> {
    let mut delays = backoff();
    loop {
        match board.reactors().await {
            Ok(states) => return Some(states),
            Err(error) => {
                warn!(board = board.describe(), %error, "the reactors wait for the board before they begin");
            }
        }
        tokio::select! {
            () = sleep(delays.next().unwrap_or(LAST_WORDS)) => {}
            () = stop.cancelled() => return None,
        }
    }
}

async fn all_ended(parts: &mut JoinSet<&'static str>) -> Result<(), ValidatorsError> {
    while let Some(ended) = parts.join_next().await {
        ended?;
    }
    Ok(())
}

/// `{base}/events`, whether or not the base ends in a slash.
fn events_url(base: &Url) -> Url {
    let mut url = base.clone();
    let path = format!("{}/events", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}
