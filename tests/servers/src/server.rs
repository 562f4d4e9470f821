//! What the servers have in common: a port, and a life of start, stop, restart and pause.
//!
//! Between the choice of a port and the server's bind a stranger may take it: the server ends with "in use", and
//! another port is chosen. Readiness is proved by the server itself ([`Program::is_ready`]), for whoever took the port
//! might answer as well.

use std::path::Path;

use anyhow::{Context, bail};

use crate::guardian::Guardian;
use crate::port::Port;
use crate::wait;

const PORTS_TO_TRY: u32 = 5;

/// What differs between the servers.
pub(crate) trait Program {
    /// Its name, for errors.
    const NAME: &'static str;

    /// The command that runs it in the foreground, in its folder.
    fn argv(&self, port: u16) -> anyhow::Result<Vec<String>>;

    /// Whether this very process (not another on the same port) accepts work.
    fn is_ready(&self, folder: &Path, port: u16, process: u32) -> bool;
}

/// A server with its guardian; dropping it stops the one and removes the folder.
#[derive(Debug)]
pub(crate) struct Server<P> {
    program: P,
    guardian: Guardian,
    port: Port,
}

enum Start {
    Ready,
    PortTaken,
}

impl<P: Program> Server<P> {
    /// Starts the program on a free port and waits until it is ready.
    pub(crate) fn start(program: P, guardian: Guardian) -> anyhow::Result<Self> {
        let mut server = Self { program, guardian, port: Port::free()? };
        for _ in 0..PORTS_TO_TRY {
            match server.launch()? {
                Start::Ready => return Ok(server),
                Start::PortTaken => server.port = Port::free()?,
            }
        }
        bail!("{}: {PORTS_TO_TRY} ports were taken by others before it could listen", P::NAME)
    }

    pub(crate) fn program(&self) -> &P {
        &self.program
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.guardian.folder()
    }

    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.guardian.halt().with_context(|| format!("can't stop {}", P::NAME))
    }

    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        match self.launch()? {
            Start::Ready => Ok(()),
            Start::PortTaken => bail!("{}: port {} was taken while it was stopped", P::NAME, self.port()),
        }
    }

    pub(crate) fn pause(&mut self) -> anyhow::Result<()> {
        self.guardian.pause().with_context(|| format!("can't pause {}", P::NAME))
    }

    pub(crate) fn resume(&mut self) -> anyhow::Result<()> {
        self.guardian.resume().with_context(|| format!("can't resume {}", P::NAME))
    }

    fn launch(&mut self) -> anyhow::Result<Start> {
        let process = self.guardian.start(&self.program.argv(self.port())?)?;
        wait::until(P::NAME, || {
            if self.program.is_ready(self.guardian.folder(), self.port(), process) {
                return Ok(Some(Start::Ready));
            }
            if !has_ended(process) {
                return Ok(None);
            }
            let log = self.guardian.log();
            if log.to_lowercase().contains("address already in use") {
                return Ok(Some(Start::PortTaken));
            }
            bail!("{} ended instead of starting:\n{log}", P::NAME)
        })
        .with_context(|| format!("can't start {} on port {}", P::NAME, self.port()))
    }
}

/// The guardian hasn't waited for it yet, so the process id can't have been given to another.
pub(crate) fn has_ended(process: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    }
}
