//! A receiver on a real socket whose moods can be changed while it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::decode::{Sample, samples};

/// How it answers.
#[derive(Clone, Debug)]
pub enum Mood {
    /// 204.
    Takes,
    /// This line and these headers, and takes nothing.
    Answers(&'static str),
    /// Takes everything, and resets the connection instead of an answer.
    TakesAndResets,
    /// Never.
    Hangs,
    /// 400 to each request with a sample of a series that has this in it, as Prometheus does: nothing of it is kept.
    Refuses(&'static str),
}

/// What it has got.
#[derive(Debug)]
pub struct Seen {
    mood: Mood,
    /// Each sample with all the values it ever got.
    pub samples: BTreeMap<(String, i64), Vec<f64>>,
    /// Requests with samples that were taken, in their order.
    pub taken: Vec<Vec<Sample>>,
    /// All requests.
    pub requests: usize,
    /// The longest body.
    pub largest: usize,
}

pub struct FakeReceiver {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    _serving: JoinSet<()>,
}

impl FakeReceiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen =
            Seen { mood: Mood::Takes, samples: BTreeMap::new(), taken: Vec::new(), requests: 0, largest: 0 };
        let seen = Arc::new(Mutex::new(seen));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&seen)));
        Self { port, seen, _serving: serving }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1/write", self.port)
    }

    pub fn is_in_the_mood(&self, mood: Mood) {
        self.seen().mood = mood;
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many samples it has, each counted once.
    pub fn count(&self) -> usize {
        self.seen().samples.len()
    }

    /// Panics if any sample ever came with two values.
    pub fn assert_consistent(&self) {
        for (sample, values) in &self.seen().samples {
            assert!(
                values.iter().all(|value| value.to_bits() == values[0].to_bits()),
                "{sample:?}: {values:?}"
            );
        }
    }
}

async fn serve(listener: TcpListener, seen: Arc<Mutex<Seen>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let seen = Arc::clone(&seen);
        connections.spawn(async move { answer(stream, &seen).await.ok() });
        while connections.try_join_next().is_some() {}
    }
}

/// One request a connection.
async fn answer(stream: TcpStream, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(digits) = line.strip_prefix("content-length: ") {
            length = digits.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let mut stream = stream.into_inner();
    match decide(seen, &body) {
        Some(line) if line.is_empty() => stream.set_zero_linger(),
        Some(line) => {
            let answer = format!("HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await
        }
        None => std::future::pending().await,
    }
}

/// The answer's status line; empty: a reset, `None`: none.
fn decide(seen: &Mutex<Seen>, body: &[u8]) -> Option<String> {
    const TAKEN: &str = "204 No Content";
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.requests += 1;
    seen.largest = seen.largest.max(body.len());
    let samples = samples(body);
    match seen.mood.clone() {
        Mood::Hangs => None,
        Mood::Answers(line) => Some(line.to_owned()),
        Mood::Refuses(series) if samples.iter().any(|(name, _, _)| name.contains(series)) => {
            Some("400 Bad Request".to_owned())
        }
        Mood::TakesAndResets => {
            seen.keep(samples);
            Some(String::new())
        }
        Mood::Takes | Mood::Refuses(_) => {
            seen.keep(samples);
            Some(TAKEN.to_owned())
        }
    }
}

impl Seen {
    fn keep(&mut self, samples: Vec<Sample>) {
        for (series, at, value) in &samples {
            self.samples.entry((series.clone(), *at)).or_default().push(*value);
        }
        if !samples.is_empty() {
            self.taken.push(samples);
        }
    }
}
