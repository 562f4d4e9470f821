//! A private Alertmanager on 127.0.0.1.

use std::path::Path;

use anyhow::Context;

use crate::guardian::Guardian;
use crate::server::{Program, Server};
use crate::{binaries, web};

const CONFIG_FILE: &str = "alertmanager.yml";
/// It is alone: without an address it looks for no others.
const FLAGS: [&str; 3] =
    ["--config.file=alertmanager.yml", "--storage.path=data", "--cluster.listen-address="];

/// An Alertmanager of one's own, empty. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Alertmanager {
    server: Server<AlertmanagerServer>,
}

impl Alertmanager {
    /// Starts an Alertmanager with this configuration file (YAML), and waits until it answers.
    ///
    /// # Errors
    ///
    /// Alertmanager isn't installed (names the package), or didn't start (with its log).
    pub fn start_with(config: &str) -> anyhow::Result<Self> {
        binaries::alertmanager()?;
        let guardian = Guardian::new("canary-alertmanager", "KILL")?;
        std::fs::write(guardian.folder().join(CONFIG_FILE), config)
            .context("can't write Alertmanager's configuration")?;
        Ok(Self { server: Server::start(AlertmanagerServer, guardian)? })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's folder, its log and configuration among what is in it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

#[derive(Debug)]
struct AlertmanagerServer;

impl Program for AlertmanagerServer {
    const NAME: &'static str = "Alertmanager";

    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let program = binaries::alertmanager()?;
        let mut argv = vec![program.to_str().context("Alertmanager's path is no text")?.to_owned()];
        argv.extend(FLAGS.map(String::from));
        argv.push(format!("--web.listen-address=127.0.0.1:{port}"));
        Ok(argv)
    }

    fn is_ready(&self, _folder: &Path, port: u16, process: u32) -> bool {
        web::is_ready(process, port, "/-/ready")
    }
}
