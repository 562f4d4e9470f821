//! What is kept beside the row of a failure: how the observers were when it was judged, and what the platform's logs say.

use canary_domain::{EventType, Facts, Moment};
use canary_store::{Evidence, LogSearch, Watcher};
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Time;

/// What is kept of a failure beside its row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub(crate) struct ApiEvidence {
    /// When the sweep that gave the first such verdict read the reactors.
    observed_at: Time,
    /// The local frame's reactors then, of all instances.
    reactors: Vec<ApiWatcher>,
    /// What the search of the platform's logs came to; null: not asked, or not yet.
    log: Option<ApiLogSearch>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Watcher)]
struct ApiWatcher {
    frame: String,
    #[schema(value_type = String)]
    event_type: EventType,
    node: String,
    connected: bool,
    position: Option<i64>,
    covered_since: Option<Time>,
    covered_until: Option<Time>,
    last_event_at: Option<Time>,
    /// Whether it had certainly seen everything from the firing to the deadline.
    covers: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogSearch)]
struct ApiLogSearch {
    at: Time,
    /// HTTP status; null: there was no answer.
    status: Option<u16>,
    /// The first 16 KB of the answer, secrets removed.
    body: Option<String>,
    /// Whether there was more.
    truncated: bool,
    /// Why there was no answer.
    error: Option<String>,
}

impl ApiEvidence {
    /// Of a test of which this is known.
    pub fn new(evidence: Evidence, facts: &Facts) -> Self {
        let Evidence { observed, log } = evidence;
        let span = (facts.start(), facts.deadline_at());
        let reactors = observed.reactors.into_iter().map(|watcher| ApiWatcher::new(watcher, span));
        Self {
            observed_at: Time(observed.at),
            reactors: reactors.collect(),
            log: log.map(ApiLogSearch::from),
        }
    }
}

impl ApiWatcher {
    fn new(watcher: Watcher, (start, deadline): (Moment, Moment)) -> Self {
        let Watcher {
            frame,
            event_type,
            node,
            connected,
            position,
            covered_since,
            covered_until,
            last_event_at,
        } = watcher;
        let covers = covered_since.is_some_and(|since| since <= start)
            && covered_until.is_some_and(|until| deadline <= until);
        Self {
            frame,
            event_type,
            node,
            connected,
            position,
            covered_since: covered_since.map(Time),
            covered_until: covered_until.map(Time),
            last_event_at: last_event_at.map(Time),
            covers,
        }
    }
}

impl From<LogSearch> for ApiLogSearch {
    fn from(LogSearch { at, status, body, truncated, error }: LogSearch) -> Self {
        Self { at: Time(at), status, body, truncated, error }
    }
}
