//! The shell that owns a server: this side gives it orders, and lets go of it.
//!
//! The pipe to it is close-on-exec, so no child of the test process can hold it open. The guardian has a process group of
//! its own: Ctrl-C, or a time limit that kills the test's group, leaves it alive to clean up.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};

/// A running guardian; letting go of it stops its server and removes its folder.
#[derive(Debug)]
pub(crate) struct Guardian {
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Guardian {
    /// Starts a guardian with an empty folder; `stop_signal` is what ends its server (`KILL`, `QUIT`).
    pub(crate) fn new(prefix: &str, stop_signal: &str) -> anyhow::Result<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", include_str!("guardian.sh"), "guardian", prefix, stop_signal])
            .env("LC_ALL", "C")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("can't start /bin/sh as a test server's guardian")?;
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().context("the guardian has no output")?);
        let mut guardian = Self { shell, orders, answers, folder: PathBuf::new() };
        guardian.folder = guardian.answer().context("can't make a test server's folder")?.into();
        Ok(guardian)
    }

    /// The folder that everything runs in, removed at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server and the commands before it have printed.
    pub(crate) fn log(&self) -> String {
        match std::fs::read(self.folder.join("log")) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(no log: {error})"),
        }
    }

    /// Runs a command to its end, in the folder.
    pub(crate) fn run(&mut self, argv: &[String]) -> anyhow::Result<()> {
        let answer = self.order(&format!("run {}", quoted(argv)?))?;
        ensure!(answer == "done", "{} ended with {answer}:\n{}", argv.join(" "), self.log());
        Ok(())
    }

    /// Starts the server, in the folder, and answers with its process id. Its log starts afresh.
    pub(crate) fn start(&mut self, argv: &[String]) -> anyhow::Result<u32> {
        self.run(&["truncate".into(), "--size=0".into(), "log".into()])?;
        let answer = self.order(&format!("start {}", quoted(argv)?))?;
        answer.parse().with_context(|| format!("the guardian answered {answer:?} to a start"))
    }

    /// Stops the server at once, without letting it finish anything; the folder stays.
    pub(crate) fn halt(&mut self) -> anyhow::Result<()> {
        self.simple("halt")
    }

    /// Freezes the server and its children where they are; connections stay open and go unanswered.
    pub(crate) fn pause(&mut self) -> anyhow::Result<()> {
        self.simple("pause")
    }

    /// Undoes [`Guardian::pause`].
    pub(crate) fn resume(&mut self) -> anyhow::Result<()> {
        self.simple("resume")
    }

    fn simple(&mut self, order: &str) -> anyhow::Result<()> {
        let answer = self.order(order)?;
        ensure!(answer == "done", "the guardian answered {answer:?} to {order}");
        Ok(())
    }

    fn order(&mut self, line: &str) -> anyhow::Result<String> {
        let orders = self.orders.as_mut().context("the guardian's input is closed")?;
        writeln!(orders, "{line}").context("the test server's guardian is gone")?;
        self.answer()
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).context("can't read the guardian's answer")?;
        ensure!(read > 0, "the test server's guardian is gone");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.orders.take());
        // The guardian ends by itself now; waiting makes "dropped" mean "gone". A failed wait changes nothing.
        self.shell.wait().ok();
    }
}

/// One line of shell that means exactly these words.
fn quoted(argv: &[String]) -> anyhow::Result<String> {
    let mut line = Vec::with_capacity(argv.len());
    for word in argv {
        if word.contains(['\n', '\0']) {
            bail!("a test server's argument has a line break or a zero byte: {word:?}");
        }
        line.push(format!("'{}'", word.replace('\'', r"'\''")));
    }
    Ok(line.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_command_as_they_are() {
        let mut guardian = Guardian::new("canary-guardian", "KILL").unwrap();
        let words = ["printf", "[%s]", "", "it's $HOME `id` \\ \"x\" *", " two  spaces "];
        guardian.run(&words.map(String::from)).unwrap();
        assert_eq!(guardian.log(), r#"[][it's $HOME `id` \ "x" *][ two  spaces ]"#);
    }

    #[test]
    fn a_failed_command_is_an_error_with_its_output() {
        let mut guardian = Guardian::new("canary-guardian", "KILL").unwrap();
        let error = guardian.run(&["sh", "-c", "echo broken >&2; exit 3"].map(String::from)).unwrap_err();
        assert!(error.to_string().contains("status 3:\nbroken"), "{error}");
    }
}
