//! Chooses a port for a server that keeps it over a stop and a restart.
//!
//! The kernel's own choice (port 0) lies in the range it also takes outgoing connections' ports from: while the server is
//! stopped, a client that tries to reconnect could be given that very port. So it is chosen below that range.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context;

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
const TRIES: u32 = 200;

/// A port of 127.0.0.1 that nobody listens on at this moment.
pub(crate) fn free() -> anyhow::Result<u16> {
    let random = RandomState::new();
    (0..TRIES)
        .map(|attempt| {
            let offset = random.hash_one(attempt) % u64::from(COUNT);
            FIRST + u16::try_from(offset).unwrap_or_default()
        })
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port for a test server")
}
