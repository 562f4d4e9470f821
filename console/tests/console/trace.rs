//! What is written down of who asks.

use std::io;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use reqwest::header::COOKIE;
use serde_json::json;
use tokio::time::Instant;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::desk::{Desk, OPERATOR, VIEWER};
use crate::stand::Stand;

/// Everything that this test's thread logs, which runs its console, too.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    pub fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        (log.clone(), tracing::subscriber::set_default(subscriber.with_writer(log).finish()))
    }

    /// The lines that hold all of these.
    pub fn lines(&self, all: &[&str]) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| all.iter().all(|part| line.contains(part))).count()
    }
}

#[tokio::test]
async fn sign_ins_refusals_and_actions_are_logged_with_name_and_address_and_never_a_token()
-> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let (log, _logging) = Log::begin();
    let cookie = desk.sign_in(OPERATOR).await?;
    assert_eq!(log.lines(&["INFO", "signed in", "bob", "operator", "remote=127.0.0.1"]), 1);
    let wrong = json!({ "token": "guessed token" });
    assert_eq!(desk.of_page(Method::POST, "/session").json(&wrong).send().await?.status(), 401);
    assert_eq!(log.lines(&["WARN", "a sign-in was refused", "remote=127.0.0.1"]), 1);

    let pause = "/paths/p-async/pause";
    assert_eq!(desk.with_token(Method::POST, pause, VIEWER).send().await?.status(), 403);
    assert_eq!(log.lines(&["INFO", "refused", pause, "status=403", "caller=\"ann\"", "remote=127.0.0.1"]), 1);
    assert_eq!(desk.with_token(Method::POST, pause, "guessed token").send().await?.status(), 401);
    assert_eq!(log.lines(&["INFO", "refused", pause, "status=401", "caller=\"-\"", "remote=127.0.0.1"]), 1);
    assert_eq!(desk.whoami("").await?, Err(401));
    assert_eq!(log.lines(&["INFO", "/session"]), 0, "whoever is not signed in may ask so");
    assert_eq!(desk.of_page(Method::POST, pause).header(COOKIE, &cookie).send().await?.status(), 200);
    assert_eq!(log.lines(&["INFO", "an operator acts", "bob", "pause", "p-async", "remote=127.0.0.1"]), 1);

    let session = cookie.trim_start_matches("canary-session-9f86d081=");
    for secret in [OPERATOR, VIEWER, "guessed token", session] {
        assert_eq!(log.lines(&[secret]), 0, "{secret}");
    }
    Ok(())
}

#[tokio::test]
async fn a_flood_of_wrong_tokens_does_not_flood_the_log() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let (log, _logging) = Log::begin();
    let begin = Instant::now();
    for _ in 0..100 {
        let wrong = json!({ "token": "guessed token" });
        let answer = desk.of_page(Method::POST, "/session").json(&wrong).send().await?;
        assert!([401, 429].contains(&answer.status().as_u16()));
    }
    let told = log.lines(&["refused", "remote=127.0.0.1"]);
    let most = 11 + usize::try_from(begin.elapsed().as_secs())?;
    assert!((1..=most).contains(&told), "{told} lines");
    Ok(())
}

#[tokio::test]
async fn a_console_without_tokens_warns_of_whom_it_lets_in() -> anyhow::Result<()> {
    let (log, _logging) = Log::begin();
    let _stand = Stand::on_sqlite().await?;
    assert_eq!(log.lines(&["WARN", "console.admin_token_file is not set", "operator"]), 1);
    Ok(())
}
