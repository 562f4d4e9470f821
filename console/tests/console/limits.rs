//! Limits, headers, and the end.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::stand::{API, Stand, problem};

#[tokio::test]
async fn every_answer_bears_the_security_headers() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for path in
        ["/healthz", "/readyz", "/metrics", "/nothing", &format!("{API}/results"), &format!("{API}/x")]
    {
        let answer = stand.get(path).await?;
        let headers = answer.headers();
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert!(headers["content-security-policy"].to_str()?.starts_with("default-src 'none'"), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_done_is_a_problem() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for path in ["/nothing", &format!("{API}/nothing")] {
        stand.problem(path, 404).await?;
    }
    for path in ["/healthz", &format!("{API}/results")] {
        let answer = stand.client.post(format!("http://{}{path}", stand.address)).send().await?;
        problem(answer, 405).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_no_text_names_nothing() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    for path in ["results/%FF", "results/%c3%28"] {
        stand.problem(&format!("{API}/{path}"), 404).await?;
    }
    stand.problem("/ui/assets/%FF", 404).await?;
    stand.problem("/badge/%FF.svg", 404).await?;
    for action in ["fire", "pause", "resume"] {
        let url = format!("http://{}{API}/paths/%FF/{action}", stand.address);
        problem(stand.client.post(url).send().await?, 404).await?;
    }
    for path in ["results", "stream", "trend", "cycles"] {
        stand.problem(&format!("{API}/{path}?days=1&%FF=%FF"), 422).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_body_is_refused_before_it_is_read() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let mut stream = TcpStream::connect(stand.address).await?;
    let head = format!("GET {API}/results HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = [0; 12];
    timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"HTTP/1.1 413");
    Ok(())
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_end_and_cuts_who_only_hangs_on() -> anyhow::Result<()> {
    let mut stand = Stand::on_sqlite().await?;
    let mut hanging = TcpStream::connect(stand.address).await?;
    hanging.write_all(b"GET /healthz HTTP/1.1\r\nHost: lo").await?;
    assert_eq!(stand.get("/healthz").await?.status(), 200);
    stand.stop.cancel();
    timeout(Duration::from_secs(9), &mut stand.server).await??;
    assert!(TcpStream::connect(stand.address).await.is_err(), "nobody listens any more");
    Ok(())
}

#[tokio::test]
async fn garbage_on_the_socket_hurts_nobody_else() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let mut stream = TcpStream::connect(stand.address).await?;
    stream.write_all(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n").await?;
    let mut answer = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await??;
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(stand.get("/healthz").await?.status(), 200);
    Ok(())
}

/// Connections that each send so much and then nothing more.
async fn hanging(stand: &Stand, count: usize, sent: &[u8]) -> anyhow::Result<Vec<TcpStream>> {
    let mut hanging = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(stand.address).await?;
        stream.write_all(sent).await?;
        hanging.push(stream);
    }
    Ok(hanging)
}

#[tokio::test]
async fn half_sent_requests_hold_nobody_up() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let body = format!(
        "POST {API}/paths/p-async/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
    );
    let calm = twenty_answers(&stand).await?;
    for sent in ["", "GET /healthz HTTP/1.1\r\nHost: lo", &body, ASKED] {
        let held = hanging(&stand, 300, sent.as_bytes()).await?;
        let besieged = twenty_answers(&stand).await?;
        assert!(besieged < 100 * calm, "{besieged:?} instead of {calm:?}: {sent}");
        drop(held);
    }
    Ok(())
}

const ASKED: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How long twenty answers take, each over a connection of its own.
async fn twenty_answers(stand: &Stand) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    for _ in 0..20 {
        let (mut one, mut answer) = (hanging(stand, 1, ASKED.as_bytes()).await?, [0; 12]);
        one[0].read_exact(&mut answer).await?;
        anyhow::ensure!(&answer == b"HTTP/1.1 200");
    }
    Ok(begin.elapsed())
}

/// Reads until the other end closes.
async fn ends(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut some = [0; 4_096];
    while stream.read(&mut some).await? > 0 {}
    Ok(())
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_and_one_that_is_too_long_is_refused() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let mut half = hanging(&stand, 1, b"GET /healthz HTTP/1.1\r\nHost: lo").await?;
    let mut long =
        hanging(&stand, 1, format!("GET /healthz HTTP/1.1\r\nX: {}", "x".repeat(17_000)).as_bytes()).await?;
    let mut answer = [0; 12];
    timeout(Duration::from_secs(4), long[0].read_exact(&mut answer)).await??;
    assert_eq!(&answer, b"HTTP/1.1 431");
    timeout(Duration::from_secs(20), ends(&mut half[0])).await?.ok();
    Ok(())
}
