//! `GET /api/v1/canaries/trend`: pass rates and latencies of up to 30 days, an hour a step, a column a figure.
//!
//! 30 days of 30 paths are about a megabyte: it is written once for all who ask, and again only when something has
//! changed, every few seconds at most. The hours that go on are counted from the rows, so that a first verdict is there
//! at once and not only when the judge has rolled its hour up.

use std::array;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use canary_domain::{Backend, Moment};
use canary_store::Annotation;
use http::header::CONTENT_TYPE;
use serde::{Serialize, Serializer};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::query::{Given, Query};
use super::row::Time;
use super::words;
use crate::openapi::{BadParameter, Denied};
use crate::picture::{Cell, Glance, PathKept, begin, hour_of};
use crate::plan::PlannedPath;
use crate::problem::Problem;
use crate::views::Views;

const DAYS: i64 = 30;
const HOURS_A_DAY: i64 = 24;
const STEP_MS: i64 = 3_600_000;
/// Spans whose bytes are kept.
const REMEMBERED: usize = 2;
/// How long bytes are given again although something has changed since.
const GOOD_FOR: Duration = Duration::from_secs(3);

/// The answer. Each array of a path is as long as `at`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Trend {
    days: i64,
    step_ms: i64,
    /// When each hour begins, in milliseconds since the epoch, ascending; the last is the one that goes on.
    at: Vec<i64>,
    #[schema(value_type = Vec<TrendPath>)]
    paths: Paths,
    /// What happened meanwhile, oldest first.
    marks: Vec<Mark>,
}

/// The paths, each made when it is written: all of them at once would take more memory than the answer.
#[derive(Debug)]
struct Paths {
    paths: Vec<(PlannedPath, Arc<PathKept>)>,
    hours: RangeInclusive<i64>,
}

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns =
            |(path, kept): &(PlannedPath, Arc<PathKept>)| TrendPath::of(path, kept, self.hours.clone());
        serializer.collect_seq(self.paths.iter().map(columns))
    }
}

/// The hours of a path; null where nothing tells.
#[derive(Debug, Serialize, ToSchema)]
struct TrendPath {
    path: String,
    #[schema(value_type = words::Backend)]
    backend: Backend,
    pass_rate: Vec<Option<f64>>,
    p50_ms: Vec<Option<f64>>,
    p95_ms: Vec<Option<f64>>,
    p99_ms: Vec<Option<f64>>,
    /// Slots, however they ended.
    slots: Vec<i64>,
    /// Those of them that tell how the platform did: passed, late and failed. The pass rate is a share of these.
    told: Vec<i64>,
}

/// A mark on the time line.
#[derive(Debug, Serialize, ToSchema)]
struct Mark {
    at: Time,
    /// `process_start`, `leader_change`, `maintenance`.
    kind: String,
    text: String,
    /// The instance it is about.
    node: Option<String>,
}

/// What may be asked, for the document; [`Query`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its shape is used")]
struct Asked {
    /// How far to look back.
    #[param(minimum = 1, maximum = 30, default = 30)]
    days: Option<i64>,
}

/// What an answer was made from: the same gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    days: i64,
    hour: i64,
    version: u64,
}

/// The newest answers. Shared by all requests; held by the one who writes while the others wait for the bytes.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<Vec<(Key, Instant, Bytes)>>);

impl Written {
    /// The bytes of this very key, or of an older version that are still good, or else those that `write` makes.
    async fn get(&self, key: Key, write: impl AsyncFnOnce() -> Bytes) -> Bytes {
        let mut written = self.0.lock().await;
        let good = |(of, at, _): &&(Key, Instant, Bytes)| {
            (of.days, of.hour) == (key.days, key.hour)
                && (of.version == key.version || at.elapsed() < GOOD_FOR)
        };
        if let Some((_, _, bytes)) = written.iter().find(good) {
            return bytes.clone();
        }
        let bytes = write().await;
        written.retain(|(of, _, _)| of.hour == key.hour && of.days != key.days);
        if written.len() == REMEMBERED {
            written.remove(0);
        }
        written.push((key, Instant::now(), bytes.clone()));
        bytes
    }
}

/// Pass rates and latencies, an hour a step.
#[utoipa::path(get, path = "/trend", params(Asked), responses((status = 200, body = Trend), BadParameter, Denied))]
pub(crate) async fn trend(Shared(views): Shared<Views>, Given(given): Given) -> Result<Response, Problem> {
    let days = Query::new(given, &["days"])?.count("days", DAYS, DAYS)?;
    let hour = hour_of(views.now());
    let glance = views.glance()?;
    let key = Key { days, hour, version: glance.version };
    let write = async || {
        let views = views.clone();
        // Those threads that read the platform's frames have to be there when one comes.
        let writing = spawn_blocking(move || write(&views, &glance, key));
        writing.await.expect("columns are written without a panic, and the runtime is there")
    };
    let bytes = views.remembered().trend.get(key, write).await;
    Ok(([(CONTENT_TYPE, "application/json")], bytes).into_response())
}

fn write(views: &Views, glance: &Glance, key: Key) -> Bytes {
    let trend = Trend::of(&views.plan().paths, glance, key);
    let json = serde_json::to_vec(&trend).expect("columns of numbers have a JSON form");
    // It is kept for a while, so without the room that it had to grow.
    json.into_boxed_slice().into()
}

impl Trend {
    fn of(paths: &[PlannedPath], glance: &Glance, key: Key) -> Self {
        let hours = key.hour + 1 - key.days * HOURS_A_DAY..=key.hour;
        let since: Moment = begin(*hours.start());
        Self {
            days: key.days,
            step_ms: STEP_MS,
            at: hours.clone().map(|hour| hour * STEP_MS).collect(),
            paths: Paths { paths: paths.iter().cloned().zip(glance.paths.iter().cloned()).collect(), hours },
            marks: glance.marks.iter().filter(|mark| mark.at >= since).map(Mark::from).collect(),
        }
    }
}

impl TrendPath {
    fn of(path: &PlannedPath, kept: &PathKept, hours: RangeInclusive<i64>) -> Self {
        let (path, backend) = (path.name.clone(), path.backend);
        let length = hours.clone().count();
        let [slots, told] = array::from_fn(|_| Vec::with_capacity(length));
        let [pass_rate, p50_ms, p95_ms, p99_ms] = array::from_fn(|_| Vec::with_capacity(length));
        let mut columns = Self { path, backend, pass_rate, p50_ms, p95_ms, p99_ms, slots, told };
        for hour in hours {
            let cell = kept.hour(hour);
            let cell = cell.as_deref();
            let [p50, p95, p99] = cell.map_or([None; 3], Cell::percentiles);
            columns.pass_rate.push(cell.and_then(Cell::pass_rate).map(|rate| round(rate, 1e4)));
            columns.p50_ms.push(p50.map(|ms| round(ms.into(), 1e2)));
            columns.p95_ms.push(p95.map(|ms| round(ms.into(), 1e2)));
            columns.p99_ms.push(p99.map(|ms| round(ms.into(), 1e2)));
            columns.slots.push(cell.map_or(0, Cell::slots));
            columns.told.push(cell.map_or(0, Cell::told));
        }
        columns
    }
}

/// A megabyte of digits that mean nothing would double the answer.
fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

impl From<&Annotation> for Mark {
    fn from(Annotation { at, kind, text, node }: &Annotation) -> Self {
        Self { at: Time(*at), kind: kind.clone(), text: text.clone(), node: node.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_are_given_again_until_they_are_old_and_something_has_changed() {
        let written = Written::default();
        let ask = async |days, hour, version, fresh: &'static str| {
            let bytes = written.get(Key { days, hour, version }, async || Bytes::from(fresh)).await;
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        assert_eq!(ask(30, 1, 1, "a").await, "a");
        assert_eq!(ask(30, 1, 2, "b").await, "a", "it is young");
        assert_eq!(ask(7, 1, 2, "week").await, "week", "another span");
        tokio::time::advance(GOOD_FOR).await;
        assert_eq!(ask(30, 1, 1, "b").await, "a", "nothing has changed");
        assert_eq!(ask(30, 1, 2, "c").await, "c");
        assert_eq!(ask(30, 2, 2, "d").await, "d", "another hour");
        assert_eq!(ask(7, 1, 2, "e").await, "e", "one hour is remembered");
    }
}
