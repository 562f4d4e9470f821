//! A private VictoriaMetrics on 127.0.0.1.

use std::path::Path;

use anyhow::Context;

use crate::guardian::Guardian;
use crate::server::{Program, Server};
use crate::{binaries, web};

/// As the documentation asks of a receiver of the canary's exports.
const FLAGS: [&str; 3] = ["-storageDataPath=data", "-retentionPeriod=60d", "-dedup.minScrapeInterval=1ms"];

/// A VictoriaMetrics of one's own, empty. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct VictoriaMetrics {
    server: Server<Victoria>,
}

impl VictoriaMetrics {
    /// Starts a VictoriaMetrics and waits until it answers.
    ///
    /// # Errors
    ///
    /// VictoriaMetrics isn't installed (names the package), or didn't start (with its log).
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`VictoriaMetrics::start`], with more flags.
    ///
    /// # Errors
    ///
    /// As [`VictoriaMetrics::start`].
    pub fn start_with(flags: &[&str]) -> anyhow::Result<Self> {
        binaries::victoria_metrics()?;
        let program = Victoria { flags: flags.iter().map(ToString::to_string).collect() };
        Ok(Self { server: Server::start(program, Guardian::new("canary-victoria", "KILL")?)? })
    }

    /// `http://127.0.0.1:<port>`. Stays the same over a restart.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1. Stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's folder, its log among what is in it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Kills the server as a crash would (SIGKILL): what it had not on disk yet is lost; port and data are kept.
    /// Stopping a stopped one does nothing.
    ///
    /// # Errors
    ///
    /// The guardian is gone.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.stop()
    }

    /// Starts it again on the same port with the data it had, killing it first if it runs.
    ///
    /// # Errors
    ///
    /// As [`VictoriaMetrics::start`], and when somebody took the port meanwhile.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.restart()
    }

    /// Freezes the server (SIGSTOP): connections stay open, and nothing is answered.
    ///
    /// # Errors
    ///
    /// The server is stopped, or the guardian is gone.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.server.pause()
    }

    /// Lets it run on after a [`VictoriaMetrics::pause`].
    ///
    /// # Errors
    ///
    /// The server is stopped, or the guardian is gone.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.server.resume()
    }
}

#[derive(Debug)]
struct Victoria {
    flags: Vec<String>,
}

impl Program for Victoria {
    const NAME: &'static str = "VictoriaMetrics";

    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let program = binaries::victoria_metrics()?;
        let mut argv = vec![program.to_str().context("VictoriaMetrics' path is no text")?.to_owned()];
        argv.extend(FLAGS.map(String::from));
        argv.push(format!("-httpListenAddr=127.0.0.1:{port}"));
        argv.extend(self.flags.iter().cloned());
        Ok(argv)
    }

    fn is_ready(&self, _folder: &Path, port: u16, process: u32) -> bool {
        web::is_ready(process, port, "/health")
    }
}
