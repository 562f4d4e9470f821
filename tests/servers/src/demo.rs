//! `canary demo` as a server of one's own: sandbox and canary in one process on free ports of 127.0.0.1.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, bail};

use crate::guardian::Guardian;
use crate::server::has_ended;
use crate::wait;

/// A running demo. Dropping it, or the end of this process, stops it in order.
#[derive(Debug)]
pub struct Demo {
    guardian: Guardian,
    process: u32,
    console: SocketAddr,
    control: String,
}

impl Demo {
    /// Starts the demo of this binary, which exports to this address, and waits until its console listens.
    ///
    /// # Errors
    ///
    /// It ended instead (with its output), or says nothing of its console.
    pub fn start(canary: &Path, export: &str) -> anyhow::Result<Self> {
        let canary = canary.to_str().context("the canary's path is no text")?;
        let mut guardian = Guardian::new("canary-demo", "TERM")?;
        let argv = [canary, "demo", "--listen", "127.0.0.1:0", "--export", export].map(String::from);
        let process = guardian.start(&argv)?;
        let (console, control) = wait::until("the demo", || {
            let said = guardian.log();
            match (addresses(&said), has_ended(process)) {
                (None, true) => bail!("the demo ended instead of starting:\n{said}"),
                (found, _) => Ok(found),
            }
        })?;
        Ok(Self { guardian, process, console: console.parse()?, control })
    }

    /// Where its console listens.
    pub fn console(&self) -> SocketAddr {
        self.console
    }

    /// Where the sandbox takes faults by `POST`.
    pub fn control(&self) -> &str {
        &self.control
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.guardian.log()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        has_ended(self.process)
    }
}

/// The console's address and the control's URL, once both are told.
fn addresses(said: &str) -> Option<(String, String)> {
    let word = |after: &str| said.lines().find_map(|line| line.strip_prefix(after)?.split(' ').next());
    let console = word("page:    http://")?.split('/').next()?;
    Some((console.to_owned(), word("faults:  POST ")?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_the_greeting_once_it_is_whole() {
        let said = "sandbox: frames a and b\nfaults:  POST http://127.0.0.1:3/sandbox/faults\n\
                    page:    http://127.0.0.1:4/ui#/admin/canaries\n";
        let found = ("127.0.0.1:4".to_owned(), "http://127.0.0.1:3/sandbox/faults".to_owned());
        assert_eq!(addresses(said), Some(found));
        assert_eq!(addresses(said.split_once("page").unwrap().0), None);
    }
}
