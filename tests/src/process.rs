//! A process of the canary that runs until it is told to stop: its signals, its end and its log.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use crate::binary;
use crate::guardian::Guardian;
use crate::wait::until_some;

/// Lines of the log that a failed test shows.
const SHOWN: usize = 150;

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: to stop in order.
    Terminate,
    /// SIGKILL: dead at once.
    Kill,
    /// SIGSTOP: frozen where it is.
    Stop,
    /// SIGCONT: runs on.
    Continue,
}

/// A process. Dropping it kills it; if the test has failed, the end of its log is shown.
#[derive(Debug)]
pub struct Process {
    child: Child,
    ended: Option<ExitStatus>,
    log: PathBuf,
    guardian: Arc<Guardian>,
}

impl Process {
    /// Starts the canary in a folder of its own that goes with it.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn spawn(arguments: &[&str]) -> Self {
        Self::start(Arc::new(Guardian::new()), arguments, "process.log", &[("RUST_LOG", "info")])
    }

    /// Its whole environment is given.
    pub(crate) fn start(
        guardian: Arc<Guardian>,
        arguments: &[&str],
        log: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let log = guardian.folder().join(log);
        let output = File::create(&log).unwrap();
        let child = Command::new(binary::program())
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(guardian.folder())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        guardian.watch(child.id());
        Self { child, ended: None, log, guardian }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The folder that it runs in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.guardian.folder()
    }

    /// Everything it has printed and logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it has ended and was waited for.
    pub fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Terminate => "TERM",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        assert!(self.ended.is_none(), "it has ended already");
        let id = self.id().to_string();
        let sent = Command::new("/bin/sh").args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &id]).status();
        assert!(sent.unwrap().success(), "SIG{name} could not be sent to {id}");
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() && is_dead(self.child.id()) {
            self.reap();
        }
        self.ended
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it still runs after `seconds`.
    pub async fn end(&mut self, seconds: u64) -> ExitStatus {
        until_some("the canary's end", seconds, async || self.has_ended()).await
    }

    /// SIGTERM, and the end that it has to come to within 10 s.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::Terminate);
        self.end(10).await
    }

    /// SIGKILL, and its end.
    pub async fn kill(&mut self) {
        self.signal(Signal::Kill);
        self.end(10).await;
    }

    fn reap(&mut self) {
        self.guardian.forget(self.child.id());
        self.ended = self.child.wait().ok();
    }

    /// Prints the end of its log.
    #[expect(clippy::print_stderr, reason = "a failed test says why")]
    pub fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(SHOWN);
        eprintln!("--- the end of {} ---\n{}", self.log.display(), lines[from..].join("\n"));
    }
}

/// Dead, but not reaped yet: its id can't be another's.
fn is_dead(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // A failed kill means that it is dead.
            self.child.kill().ok();
            self.reap();
        }
        if std::thread::panicking() {
            self.show_log();
        }
    }
}
