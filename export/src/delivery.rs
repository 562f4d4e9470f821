//! Gets samples to the receiver: all of them, but those that it refuses alone while it takes others.
//!
//! A refused request is tried again a few times, then cut in half and each half sent, until single samples are left.
//! Before anything is cut, and before a sample is set aside, the receiver is sent an empty request: if it refuses
//! that too, it refuses us (a wrong path, a missing password) and not the sample, and is waited for. So a receiver
//! that is down or set up wrongly costs no sample.

use std::collections::HashMap;
use std::time::Duration;

use canary_domain::backoff;
use canary_store::{Leadership, NotLeading};
use canary_telemetry::remote_write::{Point, Series, encode, requests};
use chrono::DateTime;
use tokio::time::sleep;
use tracing::warn;

use crate::Receiver;
use crate::receiver::{Absence, Answer};

/// What a request may hold before compression: small enough for every receiver's limit, large enough to be quick.
const REQUEST_BYTES: usize = 1 << 20;
/// How often a request that may hold a sample that is refused is sent before it is cut, or its one sample set aside.
const TRIES: usize = 3;
/// How many refused samples of one page are named in the log; the others are counted.
const NAMED: usize = 10;

/// By what right samples are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    /// This instance leads the export.
    Leading(&'a Leadership),
    /// An operator ordered it. The samples are those that the leader sends, so that both may send them at once.
    Ordered,
}

impl Right<'_> {
    fn check(self) -> Result<(), NotLeading> {
        match self {
            Right::Leading(lead) => lead.check(),
            Right::Ordered => Ok(()),
        }
    }
}

/// Why samples could not be delivered. Some of them may have been taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Undelivered {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error(transparent)]
    Away(#[from] Absence),
}

impl Undelivered {
    /// How long the receiver asks for patience.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Away(absence) => absence.wait,
            Self::NotLeading(_) => None,
        }
    }
}

/// Samples that this receiver refuses, each by its series and its moment, with the page's number that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Aside(HashMap<(usize, i64), i64>);

impl Aside {
    /// Forgets those of pages up to this one: they will not be sent again.
    pub fn forget(&mut self, page: i64) {
        self.0.retain(|_, of| *of > page);
    }

    fn has(&self, point: &Point) -> bool {
        self.0.contains_key(&(point.series, point.at_ms))
    }
}

/// Samples on their way.
pub(crate) struct Delivery<'a> {
    pub receiver: &'a Receiver,
    pub table: &'a [Series],
    pub right: Right<'a>,
    pub aside: &'a mut Aside,
    /// The page that the samples belong to.
    pub page: i64,
}

impl Delivery<'_> {
    /// Sends all of them but those set aside before; answers how many had to be set aside now.
    pub async fn deliver(&mut self, points: &mut Vec<Point>) -> Result<usize, Undelivered> {
        points.retain(|point| !self.aside.has(point));
        let mut refused = 0;
        for (some, request) in requests(self.table, points, REQUEST_BYTES) {
            if let Err(cause) = self.send(&request, TRIES).await? {
                refused += self.look_into(some, &cause, refused).await?;
            }
        }
        if refused > NAMED {
            warn!(refused, receiver = self.receiver.name(), "more samples were refused than are named here");
        }
        Ok(refused)
    }

    /// Sends a request so many times until it is taken; the inner error is the receiver's refusal.
    async fn send(&self, request: &[u8], tries: usize) -> Result<Result<(), String>, Undelivered> {
        let mut pauses = backoff().take(tries - 1);
        loop {
            self.right.check()?;
            match (self.receiver.push(request).await, pauses.next()) {
                (Answer::Taken, _) => return Ok(Ok(())),
                (Answer::Away(absence), _) => return Err(absence.into()),
                (Answer::Refused(_), Some(pause)) => sleep(pause).await,
                (Answer::Refused(cause), None) => return Ok(Err(cause)),
            }
        }
    }

    /// Finds the samples of a refused request that are refused alone; answers how many. The others are sent.
    async fn look_into(&mut self, points: &[Point], cause: &str, named: usize) -> Result<usize, Undelivered> {
        self.takes_anything(cause).await?;
        let mut refused = 0;
        let mut halves = vec![points];
        while let Some(some) = halves.pop() {
            // Of the request itself its refusal is known.
            let known = some.len() == points.len() && some.len() > 1;
            let tries = if some.len() == 1 { TRIES } else { 1 };
            let sent = if known {
                Err(cause.to_owned())
            } else {
                self.send(&encode(self.table, some), tries).await?
            };
            match (sent, some) {
                (Ok(()), _) => {}
                (Err(cause), [point]) => {
                    self.set_aside(*point, &cause, named + refused < NAMED).await?;
                    refused += 1;
                }
                (Err(_), _) => {
                    let (first, second) = some.split_at(some.len() / 2);
                    halves.extend([second, first]);
                }
            }
        }
        Ok(refused)
    }

    async fn set_aside(&mut self, point: Point, cause: &str, name: bool) -> Result<(), Undelivered> {
        self.takes_anything(cause).await?;
        self.aside.0.insert((point.series, point.at_ms), self.page);
        if name {
            let (series, receiver) = (&self.table[point.series], self.receiver.name());
            let at = DateTime::from_timestamp_millis(point.at_ms).map(canary_domain::iso);
            warn!(%series, at, value = point.value, receiver, cause, "a sample is refused alone and is set aside");
        }
        Ok(())
    }

    /// Whether it is the samples that are refused, and not we.
    async fn takes_anything(&self, cause: &str) -> Result<(), Undelivered> {
        match self.send(&[], TRIES).await? {
            Ok(()) => Ok(()),
            Err(_) => {
                let cause = format!("it refuses an empty request, too: {cause}; is its address right?");
                Err(Absence { cause, wait: None }.into())
            }
        }
    }
}
