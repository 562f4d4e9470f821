//! A web server whose moods can be changed while it runs: a receiver of webhooks, or a log server. The end-to-end tests have
//! it from here, too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How it answers.
#[derive(Clone, Debug)]
pub enum Mood {
    /// With this status line, like `200 OK`, and the request in the body.
    Answers(&'static str),
    /// 200, and this.
    Says(String),
    /// Never.
    Hangs,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// As text.
    pub body: String,
}

/// The server. It ends when it is dropped.
pub struct Web {
    port: u16,
    state: Arc<Mutex<State>>,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    asked: Vec<Asked>,
}

impl Web {
    pub async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { mood, asked: Vec::new() }));
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&state)));
        Self { port, state, _serving: serving }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn is_in_the_mood(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.state).asked.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move { answer(stream, &state).await.ok() });
    }
}

/// One request a connection.
async fn answer(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let target = lines[0].split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let mood = {
        let mut state = lock(state);
        state.asked.push(Asked { target, headers, body: body.clone() });
        state.mood.clone()
    };
    let (status, said) = match mood {
        Mood::Answers(status) => (status, format!("you said\n{}\n\n{body}", lines.join("\n"))),
        Mood::Says(said) => ("200 OK", said),
        Mood::Hangs => return std::future::pending().await,
    };
    let answer =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{said}", said.len());
    stream.into_inner().write_all(answer.as_bytes()).await
}
