//! Ports for the canary's consoles.
//!
//! Chosen below the range that the kernel gives to outgoing connections and beside that of the test servers; another test
//! binary may take the same one, so each process begins elsewhere.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 10_000;
const COUNT: u16 = 10_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of 127.0.0.1 that nobody listens on at this moment, and that no other call in this process gets.
pub(crate) fn free() -> u16 {
    let offset = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    (0..COUNT)
        .map(|_| {
            let count = u32::from(offset) + u32::from(NEXT.fetch_add(1, Ordering::Relaxed)) * 7;
            FIRST + u16::try_from(count % u32::from(COUNT)).unwrap_or_default()
        })
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .unwrap()
}
