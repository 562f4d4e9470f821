//! `GET /api/v1/canaries/stream`: every outcome, as it is decided, as server-sent events.
//!
//! A stream is a place in the ledger's numbers of changes. It takes what comes after it from the ring that all streams
//! share, or from the ledger if it is further behind, whenever its client has read what it was sent: none is lost, none
//! comes twice, and a slow client costs no memory. The numbers are the ledger's, so a client may go on with another
//! console, and each console shows what the judge of the other decided.
//!
//! Who may listen is looked at again before anything is sent: a stream outlives neither its token nor its session.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use canary_domain::PathState;
use canary_store::Brief;
use futures_util::stream::unfold;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use utoipa::{IntoParams, ToSchema};

use super::brief::ApiBrief;
use super::query::{Given, Query};
use super::row::Time;
use super::words;
use crate::access::{Access, Caller};
use crate::listeners::Listening;
use crate::openapi::{BadParameter, Denied};
use crate::picture::{News, Place, State};
use crate::problem::Problem;
use crate::views::Views;

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After how many milliseconds a client connects again.
const RETRY: &str = "retry: 2000\n\n";
/// Changes sent at once.
const BATCH: usize = 64;
/// Changes read at once from the ledger.
const PAGE: i64 = 200;
/// Who is further behind gets a snapshot: its page shows the newest 200, and the rest is in `/results`.
const MOST_BEHIND: i64 = 10_000;
/// Before a ledger that is away is asked again.
const AGAIN: Duration = Duration::from_secs(1);

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A proxy that gathers what it is sent would make the stream useless (nginx).
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The data of `snapshot`: where everything stands.
#[derive(Debug, Serialize, ToSchema)]
struct Snapshot {
    /// The latest change.
    head: i64,
    #[schema(value_type = words::PathState)]
    state: PathState,
    paths: Vec<SnapshotPath>,
}

/// A path in a snapshot.
#[derive(Debug, Serialize, ToSchema)]
struct SnapshotPath {
    path: String,
    #[schema(value_type = words::PathState)]
    state: PathState,
    /// The newest slot with a verdict.
    last: Option<ApiBrief>,
}

/// The data of `heartbeat`.
#[derive(Debug, Serialize, ToSchema)]
struct Heartbeat {
    now: Time,
}

/// What may be asked, for the document; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape is used")]
struct Asked {
    /// Like the header `Last-Event-ID`, which goes first: the last change that was seen.
    #[param(minimum = 0)]
    last_event_id: Option<i64>,
}

/// Every outcome, as it is decided: first a `snapshot`, or what came after the last event that was seen, then an
/// `outcome` each, and a `heartbeat` every 15 s.
///
/// Who saw no event yet gets a snapshot, also who saw one that the ledger never gave, or is more than 10,000 changes behind.
/// A caller may have 8 streams open, of 64 in all: another is answered 503. A stream ends with its token or its session.
#[utoipa::path(
    get,
    path = "/stream",
    params(Asked, ("Last-Event-ID" = Option<i64>, Header, description = "The last change that was seen.")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "Server-sent events."),
        BadParameter,
        Denied
    )
)]
pub(crate) async fn stream(
    Shared(views): Shared<Views>,
    Shared(access): Shared<Arc<Access>>,
    caller: Caller,
    headers: HeaderMap,
    Given(given): Given,
) -> Result<Response, Problem> {
    let query = Query::new(given, &["last_event_id"])?;
    let last = last_event_id(&headers, query.text("last_event_id"))?;
    let place = begin(&views, last).await?;
    let listening = views.streams().begin(&caller.name)?;
    let line = Line::new(views, Listener { access, caller, _listening: listening }, place, HEARTBEAT);
    let body = Body::from_stream(unfold(line, async |mut line| {
        let bytes = line.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), line))
    }));
    Ok(([(CONTENT_TYPE, "text/event-stream"), (BUFFERING, "no")], body).into_response())
}

/// The last change that the client has seen. A browser that connects again sends the header, beside the query that the
/// page once gave it: the header is the newer one.
fn last_event_id(headers: &HeaderMap, query: Option<&str>) -> Result<Option<i64>, Problem> {
    let header = headers.get(LAST_EVENT_ID).map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let given = header.as_deref().filter(|id| !id.is_empty()).or(query);
    let Some(text) = given else { return Ok(None) };
    let id = text.parse().ok().filter(|id| *id >= 0);
    let wrong = || Problem::parameter("last_event_id", format!("last_event_id: `{text}` is no event's id"));
    id.map(Some).ok_or_else(wrong)
}

/// Where a stream goes on; `None`: with a snapshot.
async fn begin(views: &Views, last: Option<i64>) -> Result<Option<Place>, Problem> {
    let here = views.look(|state| state.feed.place())?;
    let Some(at) = last else { return Ok(None) };
    // Another console may have read further than this one.
    let known = at <= here.at || at <= views.picture().ledger().latest_change().await?;
    let near = here.at.saturating_sub(at) <= MOST_BEHIND;
    Ok((known && near).then_some(Place { at, ..here }))
}

/// Whose stream it is.
struct Listener {
    access: Arc<Access>,
    caller: Caller,
    _listening: Listening,
}

/// One client's stream.
struct Line {
    views: Views,
    listener: Listener,
    /// What was sent last; `None`: a snapshot is due.
    place: Option<Place>,
    moves: watch::Receiver<()>,
    heartbeat: Interval,
    ended: CancellationToken,
    greeted: bool,
}

impl Line {
    fn new(views: Views, listener: Listener, place: Option<Place>, every: Duration) -> Self {
        let mut heartbeat = interval_at(Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (moves, ended) = (views.picture().moves(), views.ended().clone());
        Self { views, listener, place, moves, heartbeat, ended, greeted: false }
    }

    /// What to send next; `None` at the end of the console, or once its client would not be let in any more.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            return Some(Bytes::from_static(RETRY.as_bytes()));
        }
        let (bytes, place) = tokio::select! {
            biased;
            () = self.ended.cancelled() => return None,
            _ = self.heartbeat.tick() => {
                let now = Time(self.views.now());
                (event("heartbeat", None, &Heartbeat { now }), self.place)
            }
            (bytes, place) = news(&self.views, &mut self.moves, self.place) => (bytes, Some(place)),
        };
        let Listener { access, caller, _listening: _ } = &self.listener;
        if !access.still(caller).await {
            info!(caller = caller.name, "a stream ends: its token or its session is not good any more");
            return None;
        }
        self.place = place;
        Some(bytes)
    }
}

/// What comes after a place, and the place after that. Dropped at any moment it has changed nothing.
async fn news(views: &Views, moves: &mut watch::Receiver<()>, place: Option<Place>) -> (Bytes, Place) {
    loop {
        moves.mark_unchanged();
        let found =
            place.and_then(|place| views.picture().look(|state| (place, state.feed.after(place, BATCH))));
        match found {
            None | Some((_, News::Anew)) => {
                let holds = views.holds().await;
                let snapshot = views.look(|state| snapshot(views, state, &holds));
                if let Ok(snapshot) = snapshot {
                    return snapshot;
                }
            }
            Some((place, News::Changes(changes))) => {
                if let Some((last, _)) = changes.last() {
                    return (outcomes(&changes), Place { at: *last, ..place });
                }
            }
            Some((place, News::Behind)) => match views.picture().ledger().changes(place.at, PAGE).await {
                Ok(page) => {
                    let changes: Vec<_> =
                        page.into_iter().filter_map(|brief| Some((brief.change?, Arc::new(brief)))).collect();
                    if let Some((last, _)) = changes.last() {
                        return (outcomes(&changes), Place { at: *last, ..place });
                    }
                }
                Err(error) => {
                    debug!(%error, "a stream waits for the ledger");
                    sleep(AGAIN).await;
                    continue;
                }
            },
        }
        if moves.changed().await.is_err() {
            // The sender lives as long as the views that this borrows.
            std::future::pending::<()>().await;
        }
    }
}

fn snapshot(views: &Views, state: &State, holds: &[canary_store::PlacedHold]) -> (Bytes, Place) {
    let place = state.feed.place();
    let states = views.states(state, holds);
    let paths = views.plan().paths.iter().zip(&state.paths).zip(states.paths);
    let paths = paths.map(|((path, kept), state)| SnapshotPath {
        path: path.name.clone(),
        state,
        last: kept.verdicts().next().map(|brief| (&**brief).into()),
    });
    let snapshot = Snapshot { head: place.at, state: states.overall, paths: paths.collect() };
    (event("snapshot", Some(place.at), &snapshot), place)
}

fn outcomes(changes: &[(i64, Arc<Brief>)]) -> Bytes {
    let events =
        changes.iter().map(|(change, brief)| event("outcome", Some(*change), &ApiBrief::from(&**brief)));
    events.collect::<Vec<_>>().concat().into()
}

fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("these types have a JSON form, without line breaks");
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Pass, Rule};
    use crate::limits::Limits;
    use crate::session::{Cookies, Sessions};
    use crate::tokens::Tokens;
    use crate::views::sample;
    use canary_domain::Moment;
    use tokio::task::JoinSet;

    fn listener(views: &Views, rule: Rule, pass: Pass) -> Listener {
        let access = Arc::new(Access { rule, cookies: Cookies::of("test"), limits: Limits::new() });
        let caller = Caller::of(pass);
        Listener { access, _listening: views.streams().begin(&caller.name).unwrap(), caller }
    }

    /// Whether an event of this name comes within ten seconds.
    async fn comes(line: &mut Line, name: &str) -> bool {
        let begin = format!("event: {name}\n");
        let found = async {
            while let Some(bytes) = line.next().await {
                if bytes.starts_with(begin.as_bytes()) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(Duration::from_secs(10), found).await.unwrap_or(false)
    }

    #[tokio::test]
    async fn a_sign_of_life_comes_again_and_again_while_nothing_happens() {
        let folder = tempfile::tempdir().unwrap();
        let (views, stop) = (sample(&folder).await, CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(views.clone().run(stop.clone()));
        let listener = listener(&views, Rule::Local, Pass::Local);
        let mut line = Line::new(views, listener, None, Duration::from_millis(50));
        assert_eq!(line.next().await.as_deref(), Some(RETRY.as_bytes()));
        assert!(comes(&mut line, "snapshot").await);
        for _ in 0..3 {
            assert!(comes(&mut line, "heartbeat").await);
        }
        let now = Time(canary_domain::parse_iso("2026-11-21T01:30:00Z").unwrap());
        let text = event("heartbeat", None, &Heartbeat { now });
        assert_eq!(text, "event: heartbeat\ndata: {\"now\":\"2026-11-21T01:30:00.000000Z\"}\n\n");
        stop.cancel();
        assert!(!comes(&mut line, "nothing").await, "it ends with the console");
        assert_eq!(line.next().await, None);
    }

    #[tokio::test]
    async fn a_heartbeat_finds_out_that_the_token_is_gone() {
        let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        std::fs::write(&file, format!("ann:viewer:{hash}\nbob:viewer:{}\n", "0".repeat(64))).unwrap();
        let (views, stop) = (sample(&folder).await, CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(views.clone().run(stop.clone()));
        let tokens = Tokens::open(file.clone()).await.unwrap();
        let pass = Pass::Bearer(tokens.find("secret").await.unwrap());
        let sessions = Sessions::new(Arc::new(|| None), Arc::new(|| Moment::UNIX_EPOCH), "test");
        let listener = listener(&views, Rule::Tokens(tokens, sessions), pass);
        let mut line = Line::new(views, listener, None, Duration::from_millis(50));
        assert!(comes(&mut line, "snapshot").await && comes(&mut line, "heartbeat").await);
        // The same name and token, but another role: it may come back, and is told what it may do now.
        std::fs::write(&file, format!("ann:operator:{hash}\n")).unwrap();
        let ended = async { while line.next().await.is_some() {} };
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the stream ends");
        stop.cancel();
    }
}

#[cfg(test)]
mod hostile {
    use super::*;
    use canary_test_hostile::{Corpus, times};
    use http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(times(16))]

        #[test]
        fn whatever_is_given_as_the_last_event_is_a_number_from_0_or_refused_by_its_name(
            text in Corpus::read(env!("CARGO_MANIFEST_DIR"), "queries").bytes(), number in "[-+]?[0-9]{0,21}"
        ) {
            for given in [text, number.into_bytes()] {
                let Ok(value) = HeaderValue::from_bytes(&given) else { continue };
                let headers = HeaderMap::from_iter([(http::HeaderName::from_static("last-event-id"), value)]);
                match last_event_id(&headers, None) {
                    Ok(id) => prop_assert!(id.is_none_or(|id| id >= 0)),
                    Err(problem) => prop_assert!(problem.detail().starts_with("last_event_id: "), "{}", problem.detail()),
                }
            }
        }
    }
}
