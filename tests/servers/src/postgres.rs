//! A private PostgreSQL on 127.0.0.1.
//!
//! It refuses to run as root, so root hands the folder to the user `postgres` and runs it as that user. What costs time
//! and protects against power cuts alone is switched off; commits still wait for their write, or a stopped server would
//! lose rows that a test was told are safe.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};

use crate::binaries;
use crate::guardian::Guardian;
use crate::server::{Program, Server};

const SETTINGS: [&str; 13] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    // In the folder, so that nothing stays behind in /dev/shm after a kill.
    "dynamic_shared_memory_type=mmap",
    "max_connections=300",
    "max_wal_senders=0",
    "wal_level=minimal",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
];

/// A PostgreSQL cluster of one's own. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Postgres {
    server: Server<PostgresServer>,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster, starts it and waits until it accepts connections.
    ///
    /// # Errors
    ///
    /// PostgreSQL isn't installed (names the package), or didn't start (with its log).
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`Postgres::start`], with settings like `shared_buffers=128MB`, which win over ours.
    ///
    /// # Errors
    ///
    /// As [`Postgres::start`].
    pub fn start_with(settings: &[&str]) -> anyhow::Result<Self> {
        let settings = settings.iter().map(ToString::to_string).collect();
        let program =
            PostgresServer { programs: binaries::postgres_folder()?, user: server_user()?, settings };
        let mut guardian = Guardian::new("canary-postgres", "QUIT")?;
        if let Some(user) = program.user {
            guardian.run(&["chown", user, "."].map(String::from))?;
        }
        let options =
            ["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
        guardian.run(&program.command("initdb", &options)?)?;
        Ok(Self { server: Server::start(program, guardian)?, databases: AtomicU32::new(0) })
    }

    /// Where a database of this cluster is reached, without a password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port())
    }

    /// The port on 127.0.0.1. Stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's folder, its log among what is in it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Makes an empty database with a name of its own, and answers with its URL.
    ///
    /// # Errors
    ///
    /// The server is stopped or refuses, in `createdb`'s words.
    pub fn create_database(&self) -> anyhow::Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let port = self.port().to_string();
        let output = self
            .server
            .program()
            .client("createdb")
            .args(["--no-password", "-h", "127.0.0.1", "-U", "postgres", "-p", &port, &name])
            .output()
            .context("can't run createdb")?;
        ensure!(output.status.success(), "createdb: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(self.url(&name))
    }

    /// Stops the server at once, as a crash would: nothing is finished, connections break, the next start recovers
    /// from the log. Port and data are kept. Stopping a stopped one does nothing.
    ///
    /// # Errors
    ///
    /// The guardian is gone.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.stop()
    }

    /// Starts it again on the same port with the data it had, stopping it first if it runs.
    ///
    /// # Errors
    ///
    /// As [`Postgres::start`], and when somebody took the port meanwhile.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.restart()
    }

    /// Freezes the server and the processes of its connections (SIGSTOP): connections stay open, and nothing is
    /// answered.
    ///
    /// # Errors
    ///
    /// The server is stopped, or the guardian is gone.
    pub fn pause(&mut self) -> anyhow::Result<()> {
        self.server.pause()
    }

    /// Lets it run on after a [`Postgres::pause`].
    ///
    /// # Errors
    ///
    /// The server is stopped, or the guardian is gone.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.server.resume()
    }
}

#[derive(Debug)]
struct PostgresServer {
    programs: PathBuf,
    user: Option<&'static str>,
    settings: Vec<String>,
}

impl PostgresServer {
    fn path(&self, program: &str) -> anyhow::Result<String> {
        let path = self.programs.join(program);
        Ok(path.to_str().context("PostgreSQL's folder is no text")?.to_owned())
    }

    /// A command line that runs as the server's user. `setpriv` becomes the program, so its process id is the program's.
    fn command(&self, program: &str, args: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut argv = match self.user {
            Some(user) => {
                let ids = [format!("--reuid={user}"), format!("--regid={user}")];
                ["setpriv".to_owned()]
                    .into_iter()
                    .chain(ids)
                    .chain(["--init-groups".into(), "--".into()])
                    .collect()
            }
            None => Vec::new(),
        };
        argv.push(self.path(program)?);
        argv.extend(args.iter().map(ToString::to_string));
        Ok(argv)
    }

    /// A client program, deaf to the developer's own connection settings.
    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.stdin(Stdio::null()).env("LC_ALL", "C");
        for variable in ["PGOPTIONS", "PGSERVICE", "PGSSLMODE", "PGPASSWORD", "PGHOSTADDR", "PGDATABASE"] {
            command.env_remove(variable);
        }
        command
    }
}

impl Program for PostgresServer {
    const NAME: &'static str = "PostgreSQL";

    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let port = port.to_string();
        let mut args = vec!["-D", "data", "-p", &port];
        let ours = SETTINGS.iter().copied();
        args.extend(ours.chain(self.settings.iter().map(String::as_str)).flat_map(|setting| ["-c", setting]));
        self.command("postgres", &args)
    }

    fn is_ready(&self, folder: &Path, port: u16, process: u32) -> bool {
        says_ready(&folder.join("data/postmaster.pid"), process)
            && self
                .client("pg_isready")
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
    }
}

/// The server notes its process id in the file's first line, and "ready" in the last one: nobody else's server can.
/// A file left by the server before has that one's process id.
fn says_ready(file: &Path, process: u32) -> bool {
    let notes = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = notes.lines();
    lines.next() == Some(&process.to_string())
        && lines.next_back().is_some_and(|state| state.trim() == "ready")
}

/// Who runs the server: `postgres` if this process is root, else this process's own user.
fn server_user() -> anyhow::Result<Option<&'static str>> {
    let user = std::fs::metadata("/proc/self").context("can't tell which user runs the tests")?.uid();
    Ok((user == 0).then_some("postgres"))
}
