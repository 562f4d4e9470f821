//! `cargo xtask monitor` starts the whole stack around a demo, and leaves nothing behind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets an error fails there; clippy sees no test in helpers"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// What the command prints before an address, and the page that answers there once it works.
const PARTS: [(&str, &str); 4] = [
    ("page:", "/healthz"),
    ("prometheus:", "/-/ready"),
    ("alertmanager:", "/-/ready"),
    ("victoriametrics:", "/health"),
];

/// `CANARY_BIN`, else `canary` in the target folder that this test was built into.
#[expect(clippy::disallowed_methods, reason = "how `cargo xtask test` says which binary it has built")]
fn canary() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_xtask")).with_file_name("canary");
    let canary = std::env::var_os("CANARY_BIN").map_or(beside, PathBuf::from);
    assert!(canary.is_file(), "{} is not there: `cargo build -p canary-service`", canary.display());
    canary
}

/// Ended with the test, whatever becomes of that.
struct Monitor(Child, BufReader<ChildStdout>);

impl Monitor {
    fn start() -> Self {
        // What a shell starts in the background ignores Ctrl-C, and hands that down.
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(env!("CARGO_BIN_EXE_xtask"));
        command.arg("monitor").arg("--canary").arg(canary());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self(child, output)
    }

    /// What it prints until everything runs.
    fn greeting(&mut self) -> String {
        let mut said = String::new();
        while !said.ends_with("Ctrl-C ends it all\n") {
            assert_ne!(self.1.read_line(&mut said).unwrap(), 0, "it ended after:\n{said}");
        }
        said
    }

    fn interrupt(&mut self) {
        let id = self.0.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", "kill -s INT \"$1\"", "sh", &id]).status();
        assert!(sent.unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The host and port after this word.
fn address(greeting: &str, word: &str) -> String {
    let line = greeting.lines().find_map(|line| line.strip_prefix(word)).unwrap();
    line.trim().strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned()
}

/// The answer to a GET, its head included.
fn get(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Waits for a condition; the test's only clock is the number of looks.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let held = (0..1_200).any(|_| {
        condition() || {
            std::thread::park_timeout(Duration::from_millis(50));
            false
        }
    });
    assert!(held, "{what}");
}

#[test]
fn the_stack_watches_the_demo_and_ctrl_c_leaves_nothing_of_it() {
    let mut monitor = Monitor::start();
    let greeting = monitor.greeting();
    let addresses = PARTS.map(|(word, path)| (address(&greeting, word), path));
    for (address, path) in &addresses {
        assert!(get(address, path).unwrap().contains(" 200 OK"), "{address}{path}\n{greeting}");
    }
    let [_, prometheus, alertmanager, victoria_metrics] = &addresses.map(|(address, _)| address);
    let says =
        |address: &str, path: &str, what: &str| get(address, path).is_ok_and(|answer| answer.contains(what));
    assert!(says(prometheus, "/api/v1/rules", "CanaryPathFailing"), "the shipped rules");
    assert!(says(alertmanager, "/api/v2/status", "CanaryRefundedAfterSettled"), "the shipped routes");
    assert!(says(victoria_metrics, "/flags", "retentionPeriod=\"60d\""), "the shipped flags");
    let scraped =
        "/api/v1/query?query=canary_leader%7Bcanary%3D%22sandbox%22%2Crole%3D%22export%22%7D%3D%3D1";
    eventually("a scraped demo that exports", || says(prometheus, scraped, "canary_leader"));
    eventually("an alert in Alertmanager", || says(alertmanager, "/api/v2/alerts", "CanaryWatchdog"));

    let addresses = PARTS.map(|(word, _)| address(&greeting, word));
    monitor.interrupt();
    eventually("all ports closed", || {
        addresses.iter().all(|address| TcpStream::connect(address.as_str()).is_err())
    });
}
