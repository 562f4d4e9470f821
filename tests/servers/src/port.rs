//! Ports for servers that keep them over a stop and a restart.
//!
//! The kernel's own choice (port 0) lies in the range it also takes outgoing connections' ports from: while the server is
//! stopped, a client that tries to reconnect could be given that very port. So it is chosen below that range. That another
//! test's server is not given it either, whatever process starts that one, takes a claim that lasts as long as the server:
//! an abstract Unix socket by the port's name, which ends with its process and lives in the same network namespace.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::Context;

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: u32 = 200;

/// A port of 127.0.0.1 that is this server's until dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _claim: UnixListener,
}

impl Port {
    /// One that nobody listens on at this moment, and no other server of the tests has.
    pub(crate) fn free() -> anyhow::Result<Self> {
        let random = RandomState::new();
        (0..TRIES)
            .map(|attempt| {
                let offset = random.hash_one(attempt) % u64::from(COUNT);
                FIRST + u16::try_from(offset).unwrap_or_default()
            })
            .find_map(Self::claim)
            .context("no free port for a test server")
    }

    fn claim(number: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("canary-test-port-{number}")).ok()?;
        let claim = UnixListener::bind_addr(&name).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
        Some(Self { number, _claim: claim })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait;

    // A process that another test is just starting has this one's sockets, too, until it runs its program: so the waits.

    #[test]
    fn a_port_is_one_servers_until_it_is_dropped_though_nobody_listens() {
        let port = Port::free().unwrap();
        let number = port.number();
        assert!(Port::claim(number).is_none());
        drop(port);
        wait::until("the port to be free", || Ok(Port::claim(number))).unwrap();
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        let port = Port::free().unwrap();
        let number = port.number();
        let listen = || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok());
        let stranger = wait::until("the port to listen on", listen).unwrap();
        drop(port);
        assert!(Port::claim(number).is_none());
        drop(stranger);
    }
}
