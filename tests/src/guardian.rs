//! The shell that owns a deployment's folder and processes: see `guardian.sh`.
//!
//! The pipe to it is close-on-exec, so no child of the test process can hold it open. The guardian has a process group of
//! its own: Ctrl-C, or a time limit that kills the test's group, leaves it alive to clean up. A process is forgotten before
//! it is reaped, so no other that got its id is ever killed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// A running guardian; letting go of it kills what it watches and removes its folder.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
    /// Shared by the deployment and its instances: an order and its answer are one turn.
    pipe: Mutex<Option<(ChildStdin, BufReader<ChildStdout>)>>,
    folder: PathBuf,
}

impl Guardian {
    pub(crate) fn new() -> Self {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", include_str!("guardian.sh")])
            .env("LC_ALL", "C")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, mut output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        let folder = PathBuf::from(answer(&mut output));
        Self { shell, pipe: Mutex::new(Some((input, output))), folder }
    }

    /// Removed at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn watch(&self, process: u32) {
        self.order(&format!("watch {process}"));
    }

    /// To be told before the process is reaped.
    pub(crate) fn forget(&self, process: u32) {
        self.order(&format!("forget {process}"));
    }

    fn order(&self, line: &str) {
        let mut pipe = self.pipe.lock().unwrap();
        let (input, output) = pipe.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        assert_eq!(answer(output), "done", "the guardian's answer to {line}");
    }
}

fn answer(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the guardian is gone");
    line.trim_end().to_owned()
}

impl Drop for Guardian {
    fn drop(&mut self) {
        if let Ok(pipe) = self.pipe.get_mut() {
            drop(pipe.take());
        }
        // It ends by itself now; waiting makes "dropped" mean "gone". A failed wait changes nothing.
        self.shell.wait().ok();
    }
}
