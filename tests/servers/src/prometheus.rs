//! A private Prometheus on 127.0.0.1.

use std::path::Path;

use anyhow::Context;

use crate::guardian::Guardian;
use crate::server::{Program, Server};
use crate::{binaries, web};

/// Scrapes nothing, and takes samples as old as the documentation asks for.
const CONFIG: &str = "storage:\n  tsdb:\n    out_of_order_time_window: 60d\n";
const CONFIG_FILE: &str = "prometheus.yml";
const FLAGS: [&str; 3] =
    ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-remote-write-receiver"];

/// A Prometheus of one's own, empty. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Prometheus {
    server: Server<PrometheusServer>,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes nothing and takes remote writes, and waits until it answers.
    ///
    /// # Errors
    ///
    /// Prometheus isn't installed (names the package), or didn't start (with its log).
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(CONFIG, &[])
    }

    /// As [`Prometheus::start`], with this configuration file (YAML) and more flags. Files that it names by relative
    /// paths have to be absolute: its folder is new.
    ///
    /// # Errors
    ///
    /// As [`Prometheus::start`].
    pub fn start_with(config: &str, flags: &[&str]) -> anyhow::Result<Self> {
        binaries::prometheus()?;
        let program = PrometheusServer { flags: flags.iter().map(ToString::to_string).collect() };
        let guardian = Guardian::new("canary-prometheus", "KILL")?;
        std::fs::write(guardian.folder().join(CONFIG_FILE), config)
            .context("can't write Prometheus' configuration")?;
        Ok(Self { server: Server::start(program, guardian)? })
    }

    /// `http://127.0.0.1:<port>`. Stays the same over a restart.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1. Stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's folder, its log and configuration among what is in it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Kills the server as a crash would (SIGKILL); port and data are kept. Stopping a stopped one does nothing.
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
    /// As [`Prometheus::start`], and when somebody took the port meanwhile.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.restart()
    }
}

#[derive(Debug)]
struct PrometheusServer {
    flags: Vec<String>,
}

impl Program for PrometheusServer {
    const NAME: &'static str = "Prometheus";

    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let program = binaries::prometheus()?;
        let mut argv = vec![program.to_str().context("Prometheus' path is no text")?.to_owned()];
        argv.extend(FLAGS.map(String::from));
        argv.push(format!("--web.listen-address=127.0.0.1:{port}"));
        argv.extend(self.flags.iter().cloned());
        Ok(argv)
    }

    fn is_ready(&self, _folder: &Path, port: u16, process: u32) -> bool {
        web::is_ready(process, port, "/-/ready")
    }
}
