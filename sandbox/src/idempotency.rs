//! Which keys have moved tokens, and what they were answered: one key moves once, however often it is sent.
//!
//! A frame's keys are looked up, used and kept under one lock, so two calls with one key that come in together
//! can't both move tokens. Refusals are not kept: nothing moved.

use std::collections::{HashMap, VecDeque};

use crate::registry::{Answer, Wanted};

/// Keys kept a frame.
const KEPT: usize = 200_000;

/// A sender and the key it chose; two senders may choose the same.
pub(crate) type SenderKey = (String, String);

#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<SenderKey, (Wanted, Answer)>,
    oldest_first: VecDeque<SenderKey>,
}

impl Keys {
    /// What was wanted and answered under this key before.
    pub fn get(&self, key: &SenderKey) -> Option<&(Wanted, Answer)> {
        self.known.get(key)
    }

    pub fn keep(&mut self, key: SenderKey, wanted: Wanted, answer: Answer) {
        if self.oldest_first.len() == KEPT
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.oldest_first.push_back(key.clone());
        self.known.insert(key, (wanted, answer));
    }
}
