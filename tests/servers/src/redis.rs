//! A private Redis on 127.0.0.1.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

use crate::binaries;
use crate::guardian::Guardian;
use crate::server::{Program, Server};

/// A Redis server of one's own, empty and without persistence. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Redis {
    server: Server<RedisServer>,
}

impl Redis {
    /// Starts a Redis and waits until it answers.
    ///
    /// # Errors
    ///
    /// Redis isn't installed (names the package), or didn't start (with its log).
    pub fn start() -> anyhow::Result<Self> {
        Self::start_with(&[])
    }

    /// As [`Redis::start`], with more arguments for redis-server, which win over ours. The password of a
    /// `--requirepass` is part of [`Redis::url`].
    ///
    /// # Errors
    ///
    /// As [`Redis::start`].
    pub fn start_with(args: &[&str]) -> anyhow::Result<Self> {
        let program = RedisServer {
            args: args.iter().map(ToString::to_string).collect(),
            password: args.windows(2).find(|pair| pair[0] == "--requirepass").map(|pair| pair[1].to_owned()),
        };
        binaries::redis_server()?;
        let guardian = Guardian::new("canary-redis", "KILL")?;
        Ok(Self { server: Server::start(program, guardian)? })
    }

    /// `redis://127.0.0.1:<port>`, with the password if there is one. Stays the same over a restart.
    pub fn url(&self) -> String {
        let password =
            self.server.program().password.as_ref().map(|word| format!(":{word}@")).unwrap_or_default();
        format!("redis://{password}127.0.0.1:{}", self.port())
    }

    /// The port on 127.0.0.1. Stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The server's folder, its log among what is in it.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// Kills the server as a crash would (SIGKILL); port and folder are kept. Stopping a stopped one does nothing.
    ///
    /// # Errors
    ///
    /// The guardian is gone.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.server.stop()
    }

    /// Starts it again on the same port, killing it first if it runs: it comes back empty, unless it was started with
    /// persistence.
    ///
    /// # Errors
    ///
    /// As [`Redis::start`], and when somebody took the port meanwhile.
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

    /// Lets it run on after a [`Redis::pause`].
    ///
    /// # Errors
    ///
    /// The server is stopped, or the guardian is gone.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        self.server.resume()
    }
}

#[derive(Debug)]
struct RedisServer {
    args: Vec<String>,
    password: Option<String>,
}

impl Program for RedisServer {
    const NAME: &'static str = "Redis";

    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>> {
        let program = binaries::redis_server()?;
        let mut argv = vec![program.to_str().context("redis-server's path is no text")?.to_owned()];
        let settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"];
        argv.extend(settings.map(String::from));
        argv.push(port.to_string());
        argv.extend(self.args.iter().cloned());
        Ok(argv)
    }

    fn is_ready(&self, _folder: &Path, port: u16, process: u32) -> bool {
        ask(port, self.password.as_deref()).is_ok_and(|answering| answering == Some(process))
    }
}

/// The process id of the Redis that answers on the port, if it is done loading.
fn ask(port: u16, password: Option<&str>) -> std::io::Result<Option<u32>> {
    let limit = Some(Duration::from_secs(1));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    if let Some(password) = password {
        write!(stream, "*2\r\n$4\r\nAUTH\r\n${}\r\n{password}\r\n", password.len())?;
    }
    stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if !answer.contains("+PONG\r\n") {
        return Ok(None);
    }
    let process = answer.lines().find_map(|line| line.strip_prefix("process_id:"));
    Ok(process.and_then(|digits| digits.parse().ok()))
}
