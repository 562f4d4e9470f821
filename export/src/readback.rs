//! Reads back what a receiver has: over VictoriaMetrics' export, or Prometheus' queries.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use canary_telemetry::remote_write::Series;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;
use url::Url;

use crate::receiver::{Receiver, ReceiverError};
use crate::samples::{LATENCY, OUTCOME, PASSED};

/// What is read at once; a window holds some megabytes.
const LIMIT: usize = 1 << 30;
/// How long a receiver may take to show what it took.
const SETTLES: Duration = Duration::from_secs(3);
/// The labels that samples are pushed with; a receiver may add its own.
const LABELS: [&str; 6] = ["canary", "path", "backend", "source_frame", "dest_frame", "outcome"];

/// Where samples are read back.
#[derive(Clone, Debug)]
pub struct ReadBack {
    receiver: Receiver,
    /// What `api/v1/…` is appended to.
    base: Url,
}

/// Why samples could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum ReadBackError {
    /// The address of the receiver does not say where it is read.
    #[error(
        "{0} does not end with /api/v1/write, so it doesn't say where samples are read: name that address"
    )]
    NoAddress(String),
    /// Nobody answers questions there.
    #[error("{0} answers neither VictoriaMetrics' /api/v1/export nor Prometheus' /api/v1/query")]
    NoApi(String),
    /// A question went unanswered.
    #[error(transparent)]
    Asking(#[from] ReceiverError),
    /// An answer could not be read.
    #[error("{name} gave an answer that can't be read: {cause}")]
    Answer {
        /// Who was asked.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Samples by series, each with milliseconds since the epoch and value, as they were found.
pub(crate) type Stored = HashMap<Series, Vec<(i64, f64)>>;

impl ReadBack {
    /// Beside the address that samples are written to.
    ///
    /// # Errors
    /// When that does not end with `/api/v1/write`.
    pub fn beside(receiver: &Receiver) -> Result<Self, ReadBackError> {
        let base =
            receiver.beside_write("").ok_or_else(|| ReadBackError::NoAddress(receiver.name().into()))?;
        Ok(Self { receiver: receiver.clone(), base })
    }

    /// At another address, up to where `api/v1/export` or `api/v1/query` is appended: a cluster reads elsewhere than it
    /// writes.
    #[must_use]
    pub fn at(receiver: &Receiver, base: &Url) -> Self {
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Self { receiver: receiver.clone(), base }
    }

    /// Sees that what was taken is shown: VictoriaMetrics can be told, others are left alone for a while.
    pub(crate) async fn settle(&self) {
        let flush = self.url("internal/force_flush", &[]);
        if !matches!(self.receiver.get(&flush, LIMIT).await, Ok(Some(_))) {
            sleep(SETTLES).await;
        }
    }

    /// All samples of a deployment from `from` on, before `until`, in milliseconds since the epoch.
    pub(crate) async fn read(&self, canary: &str, from: i64, until: i64) -> Result<Stored, ReadBackError> {
        let selector = format!("{{__name__=~\"{LATENCY}|{PASSED}|{OUTCOME}\",canary={canary:?}}}");
        let stored = match self.export(&selector, from, until).await? {
            Some(stored) => stored,
            None => {
                let stored = self.query(&selector, from, until).await?;
                stored.ok_or_else(|| ReadBackError::NoApi(self.base.origin().ascii_serialization()))?
            }
        };
        Ok(stored.within(from, until))
    }

    /// A line of JSON a series.
    async fn export(&self, selector: &str, from: i64, until: i64) -> Result<Option<Found>, ReadBackError> {
        let pairs = [("match[]", selector), ("start", &seconds(from)), ("end", &seconds(until))];
        let url = self.url("api/v1/export", &pairs);
        let Some(lines) = self.receiver.get(&url, LIMIT).await? else { return Ok(None) };
        let mut found = Found::default();
        for line in lines.lines() {
            let exported: Exported<'_> =
                serde_json::from_str(line).map_err(|error| self.unreadable(&error))?;
            let values = exported.values.iter().map(|value| number(value.get()));
            found.add(&exported.metric, exported.timestamps.into_iter().zip(values));
        }
        Ok(Some(found))
    }

    /// A range of raw samples. It is closed at both ends before Prometheus 3 and open at its begin since, so more is asked
    /// for than is wanted.
    async fn query(&self, selector: &str, from: i64, until: i64) -> Result<Option<Found>, ReadBackError> {
        let query = format!("{selector}[{}ms]", until - from + 1);
        let url = self.url("api/v1/query", &[("query", &query), ("time", &seconds(until))]);
        let Some(answer) = self.receiver.get(&url, LIMIT).await? else { return Ok(None) };
        let answer: Answer = serde_json::from_str(&answer).map_err(|error| self.unreadable(&error))?;
        let mut found = Found::default();
        for series in answer.data.result {
            let samples = series.values.iter().map(|(at, value)| (milliseconds(*at), number(value)));
            found.add(&series.metric, samples);
        }
        Ok(Some(found))
    }

    fn url(&self, path: &str, pairs: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url
    }

    fn unreadable(&self, error: &serde_json::Error) -> ReadBackError {
        ReadBackError::Answer { name: self.base.origin().ascii_serialization(), cause: error.to_string() }
    }
}

#[derive(Deserialize)]
struct Exported<'a> {
    metric: BTreeMap<String, String>,
    /// As texts: serde_json may be off by a last bit when it reads a number.
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
    timestamps: Vec<i64>,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

/// What was found, also beyond the ends that were asked for.
#[derive(Default)]
struct Found(Stored);

impl Found {
    /// A series may come in several parts.
    fn add(&mut self, metric: &BTreeMap<String, String>, samples: impl Iterator<Item = (i64, f64)>) {
        let name = metric.get("__name__").map_or("", String::as_str);
        let labels: Vec<_> =
            LABELS.iter().filter_map(|label| Some((*label, metric.get(*label)?.as_str()))).collect();
        self.0.entry(Series::new(name, &labels)).or_default().extend(samples);
    }

    fn within(mut self, from: i64, until: i64) -> Stored {
        for samples in self.0.values_mut() {
            samples.retain(|(at, _)| (from..until).contains(at));
        }
        self.0
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of this age with three decimals")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}
