//! A Redis whose clock steps: a proxy that steps the answers to `TIME` on their way.
//!
//! The clock of a real Redis can't be stepped without stepping the machine's. What Redis does by its own clock (expiry,
//! terms) goes on evenly, as it does on a real server too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::Proxy;

/// The start of an answer to `TIME`: two texts, the first of ten digits.
const HEAD: &[u8] = b"*2\r\n$10\r\n";

/// A clock that any number of proxies share.
#[derive(Clone, Debug, Default)]
pub struct SteppingClock {
    /// Seconds, shared by whoever steps it and the proxies.
    offset: Arc<AtomicI64>,
}

impl SteppingClock {
    /// A proxy before a Redis that tells this clock's time.
    #[must_use]
    pub fn proxy(&self, upstream: SocketAddr) -> Proxy {
        let offset = Arc::clone(&self.offset);
        Proxy::rewriting(upstream, Arc::new(move |bytes| step(bytes, offset.load(Ordering::Relaxed))))
    }

    /// How many seconds it is ahead of the machine's.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.offset.load(Ordering::Relaxed)
    }

    /// From now on it is so many seconds ahead of the machine's.
    pub fn set(&self, seconds: i64) {
        self.offset.store(seconds, Ordering::Relaxed);
    }
}

fn step(bytes: &mut [u8], by: i64) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(HEAD.len()).position(|window| window == HEAD) {
        let (from, until) = (at + found + HEAD.len(), at + found + HEAD.len() + 10);
        let Some(digits) = bytes.get_mut(from..until) else { return };
        if let Some(second) = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i64>().ok()) {
            digits.copy_from_slice(format!("{:010}", second + by).as_bytes());
        }
        at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_time_are_stepped_and_nothing_else_is() {
        let mut bytes =
            b"+OK\r\n*2\r\n$10\r\n1764220000\r\n$6\r\n123456\r\n*2\r\n$10\r\nno numbers\r\n".to_vec();
        step(&mut bytes, -15);
        assert_eq!(bytes, b"+OK\r\n*2\r\n$10\r\n1764219985\r\n$6\r\n123456\r\n*2\r\n$10\r\nno numbers\r\n");
    }
}
