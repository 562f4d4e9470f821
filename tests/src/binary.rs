//! The program under test, and its commands that end by themselves.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What a command came to.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained of, its log among it.
    pub stderr: String,
}

impl Ended {
    /// Its exit code; none after a signal.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Runs a command of the canary to its end, without any of this process's environment.
///
/// # Panics
/// If it can't be started, or is still running after `seconds`.
pub async fn canary(arguments: &[&str], seconds: u64) -> Ended {
    canary_with(arguments, &[], seconds).await
}

/// As [`canary`], with these variables.
///
/// # Panics
/// As [`canary`].
pub async fn canary_with(arguments: &[&str], environment: &[(&str, &str)], seconds: u64) -> Ended {
    ended(Path::new("/"), arguments, environment, seconds).await
}

pub(crate) async fn canary_in(folder: &Path, arguments: &[&str], seconds: u64) -> Ended {
    ended(folder, arguments, &[], seconds).await
}

async fn ended(folder: &Path, arguments: &[&str], environment: &[(&str, &str)], seconds: u64) -> Ended {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().envs(environment.iter().copied()).current_dir(folder);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(Duration::from_secs(seconds), command.output()).await;
    let output =
        output.unwrap_or_else(|_| panic!("canary {arguments:?} still runs after {seconds} s")).unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// `CANARY_BIN`, else `canary` in the target folder that this test was built into.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let program = named().unwrap_or_else(|| {
            let own = std::env::current_exe().unwrap();
            own.ancestors().nth(2).unwrap().join("canary")
        });
        let text = program.display();
        assert!(program.is_file(), "{text} is not there: `cargo build -p canary-service`, or set CANARY_BIN");
        program
    })
}

#[expect(clippy::disallowed_methods, reason = "how `cargo xtask test` says which binary it has built")]
fn named() -> Option<PathBuf> {
    std::env::var_os("CANARY_BIN").map(PathBuf::from)
}
