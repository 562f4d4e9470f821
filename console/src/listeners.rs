//! Who listens to streams: each keeps a connection, so there are so many for all, and so many for each caller that one
//! can't take those of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::problem::{Kind, Problem};

/// Streams at once, of a port's 256 connections of one peer.
const OF_ALL: usize = 64;
/// Streams at once of one caller: pages that are open, and programs.
const OF_ONE: usize = 8;

/// How many streams each caller has open.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<String, usize>>);

/// A stream's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    listeners: Arc<Listeners>,
    name: String,
}

impl Listeners {
    /// A place for one more stream of this caller.
    pub(crate) fn begin(self: &Arc<Self>, name: &str) -> Result<Listening, Problem> {
        let full = |detail: String| Err(Problem::new(Kind::TooManyStreams, detail));
        let mut open = self.open();
        if open.get(name).is_some_and(|open| *open >= OF_ONE) {
            return full(format!("{name} has {OF_ONE} streams open, as many as a caller may"));
        }
        if open.values().sum::<usize>() >= OF_ALL {
            return full(format!("{OF_ALL} streams are open, as many as this console allows"));
        }
        *open.entry(name.to_owned()).or_default() += 1;
        Ok(Listening { listeners: Arc::clone(self), name: name.to_owned() })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut open = self.listeners.open();
        if let Some(count) = open.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.name);
            }
        }
    }
}
