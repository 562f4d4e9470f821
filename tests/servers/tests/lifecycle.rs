//! The servers work, and are gone afterwards, however the process that asked for them ended.
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets an error fails there; clippy sees no test in helpers"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use canary_test_servers::{
    Alertmanager, Postgres, Prometheus, Redis, Shipped, VictoriaMetrics, shared_postgres, shared_redis,
};

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn refuses(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// The first line of Redis' answer.
fn redis(stream: &mut TcpStream, command: &str) -> std::io::Result<String> {
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn sql(url: &str, statement: &str) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-Atqc", statement, url]).stdin(Stdio::null());
    psql
}

fn ask(url: &str, statement: &str) -> String {
    let output = sql(url, statement).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Waits for a condition; the tests' only clock is the number of looks.
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let pause = || std::thread::park_timeout(Duration::from_millis(10));
    assert!(
        (0..2_000).any(|_| condition() || {
            pause();
            false
        }),
        "{what}"
    );
}

#[test]
fn a_dropped_redis_is_gone_with_its_folder() {
    let server = Redis::start().unwrap();
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert_eq!(redis(&mut connect(port), "SET here 1").unwrap(), "+OK");
    assert!(folder.is_dir());
    drop(server);
    assert!(refuses(port) && !folder.exists());
}

#[test]
fn a_dropped_postgres_is_gone_with_its_folder() {
    let server = Postgres::start().unwrap();
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert_eq!(ask(&server.url("postgres"), "SELECT 1 + 1"), "2");
    drop(server);
    assert!(refuses(port) && !folder.exists());
}

/// The first line of the answer to a GET.
fn get(port: u16, path: &str) -> String {
    let mut stream = connect(port);
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_dropped_victoria_metrics_is_gone_with_its_folder_and_a_restarted_one_is_where_it_was() {
    let mut server = VictoriaMetrics::start().unwrap();
    let (port, folder) = (server.port(), server.folder().to_owned());
    server.restart().unwrap();
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
    assert!(get(port, "/health").ends_with("200 OK"));
    drop(server);
    assert!(refuses(port) && !folder.exists());
}

#[test]
fn a_dropped_prometheus_is_gone_with_its_folder_and_a_restarted_one_is_where_it_was() {
    let mut server = Prometheus::start().unwrap();
    let (port, folder) = (server.port(), server.folder().to_owned());
    server.restart().unwrap();
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
    assert!(get(port, "/-/ready").ends_with("200 OK"));
    drop(server);
    assert!(refuses(port) && !folder.exists());
}

#[test]
fn an_alertmanager_starts_on_the_shipped_configuration_and_a_dropped_one_is_gone_with_its_folder() {
    let shipped = Shipped::read("alertmanager/alertmanager.yml").unwrap();
    let server = Alertmanager::start_with(shipped.text()).unwrap();
    let (port, folder) = (server.port(), server.folder().to_owned());
    assert_eq!(server.url(), format!("http://127.0.0.1:{port}"));
    assert!(get(port, "/-/ready").ends_with("200 OK"));
    drop(server);
    assert!(refuses(port) && !folder.exists());
}

#[test]
fn an_alertmanager_that_refuses_its_configuration_is_an_error_with_its_words() {
    let error = format!("{:#}", Alertmanager::start_with("route: {receiver: nobody}").unwrap_err());
    assert!(error.contains("undefined receiver"), "{error}");
}

#[test]
fn killing_the_test_process_stops_its_servers_and_removes_their_folders() {
    let mut holder = Command::new(env!("CARGO_BIN_EXE_test-servers"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines().take(2);
    let held: Vec<(u16, PathBuf)> = lines.map(|line| port_and_folder(&line.unwrap())).collect();
    assert_eq!(held.len(), 2);
    assert!(held.iter().all(|(port, folder)| !refuses(*port) && folder.is_dir()), "{held:?}");

    holder.kill().unwrap();
    holder.wait().unwrap();
    for (port, folder) in held {
        eventually("the server stops", || refuses(port));
        eventually("the folder goes", || !folder.exists());
    }
}

fn port_and_folder(line: &str) -> (u16, PathBuf) {
    let (url, folder) = line.split_once(' ').unwrap();
    let after_host = url.split_once("127.0.0.1:").unwrap().1;
    (after_host.split('/').next().unwrap().parse().unwrap(), Path::new(folder).to_owned())
}

#[test]
fn a_restarted_postgres_has_every_committed_row_on_the_same_port() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_database().unwrap();
    ask(&url, "CREATE TABLE kept (n int); INSERT INTO kept SELECT generate_series(1, 1000)");
    server.stop().unwrap();
    server.stop().unwrap();
    assert!(refuses(server.port()));
    server.restart().unwrap();
    assert_eq!(ask(&url, "SELECT count(*) FROM kept"), "1000");
    server.restart().unwrap();
    assert_eq!(ask(&url, "SELECT count(*) FROM kept"), "1000");
}

#[test]
fn a_restarted_redis_is_empty_on_the_same_port() {
    let mut server = Redis::start().unwrap();
    let port = server.port();
    assert_eq!(redis(&mut connect(port), "SET here 1").unwrap(), "+OK");
    server.stop().unwrap();
    assert!(refuses(port));
    server.restart().unwrap();
    assert_eq!(server.port(), port);
    assert_eq!(redis(&mut connect(port), "GET here").unwrap(), "$-1");
}

#[test]
fn redis_takes_arguments_and_its_url_the_password() {
    let server = Redis::start_with(&["--requirepass", "it's secret"]).unwrap();
    assert_eq!(server.url(), format!("redis://:it's secret@127.0.0.1:{}", server.port()));
    let mut stream = connect(server.port());
    assert!(redis(&mut stream, "PING").unwrap().starts_with("-NOAUTH"));
    assert_eq!(redis(&mut stream, r#"AUTH "it's secret""#).unwrap(), "+OK");
}

#[test]
fn a_redis_that_refuses_its_arguments_is_an_error_with_its_words() {
    let error = format!("{:#}", Redis::start_with(&["--no-such-setting", "1"]).unwrap_err());
    assert!(error.contains("Bad directive"), "{error}");
}

#[test]
fn a_paused_redis_answers_once_it_is_resumed_and_not_before() {
    let mut server = Redis::start().unwrap();
    let mut stream = connect(server.port());
    assert_eq!(redis(&mut stream, "PING").unwrap(), "+PONG");
    server.pause().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let silence = redis(&mut stream, "PING").unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    server.resume().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn a_paused_postgres_holds_open_connections_too() {
    let mut server = Postgres::start().unwrap();
    let url = server.create_database().unwrap();
    let mut session = sql(&url, "SELECT 'open'")
        .args(["-c", "SELECT count(*) FROM generate_series(1, 30000000)"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(session.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "open");
    server.pause().unwrap();
    let running = postgres_states(server.folder());
    assert!(running.len() > 3 && running.iter().all(|state| *state == 'T'), "{running:?}");
    assert!(session.try_wait().unwrap().is_none());
    server.resume().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "30000000");
    assert!(session.wait().unwrap().success());
}

#[test]
fn a_stopped_server_cannot_be_paused() {
    let mut server = Redis::start().unwrap();
    server.stop().unwrap();
    let error = format!("{:#}", server.pause().unwrap_err());
    assert!(error.contains("can't pause Redis") && error.contains("not running"), "{error}");
}

#[test]
fn a_paused_server_can_be_dropped() {
    let mut postgres = Postgres::start().unwrap();
    let mut redis = Redis::start().unwrap();
    let gone = [postgres.folder().to_owned(), redis.folder().to_owned()];
    postgres.pause().unwrap();
    redis.pause().unwrap();
    drop((postgres, redis));
    assert!(gone.iter().all(|folder| !folder.exists()));
}

/// The states of all processes that run in the server's data folder.
fn postgres_states(folder: &Path) -> Vec<char> {
    let data = folder.join("data");
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process = entry.unwrap().path();
        (std::fs::read_link(process.join("cwd")).ok()? == data).then_some(process)
    });
    processes
        .filter_map(|process| {
            let stat = std::fs::read_to_string(process.join("stat")).ok()?;
            stat.rsplit(") ").next()?.chars().next()
        })
        .collect()
}

#[test]
fn the_shared_servers_are_one_each_and_databases_are_fresh() {
    assert_eq!(shared_redis().port(), shared_redis().port());
    assert_eq!(redis(&mut connect(shared_redis().port()), "PING").unwrap(), "+PONG");
    let (one, other) =
        (shared_postgres().create_database().unwrap(), shared_postgres().create_database().unwrap());
    assert_ne!(one, other);
    ask(&one, "CREATE TABLE here (n int)");
    ask(&other, "CREATE TABLE here (n int)");
}
