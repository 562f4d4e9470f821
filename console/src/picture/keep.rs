//! The one task that reads the ledger for the picture: at rest two small questions a second.
//!
//! It races with every writer of the ledger, and needs no lock against them: the feed's numbers are in the order of
//! the commits, so what is after the last one read has not been read, and a row is only replaced by a later revision
//! of it. Nothing is held while the ledger is asked.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Moment, Outcome, TestId};
use canary_store::Result;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Picture;
use super::feed::{Feed, Place};
use super::hours::hour_of;
use super::load;
use super::state::State;

/// Between two looks at the changes.
const EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the rollup, which the judge makes as often.
const HOURS_EVERY: Duration = Duration::from_secs(60);
/// The hours of it that may still change without anybody judging again what is old.
const CHANGING: i64 = 4;
/// Changes read at once.
const PAGE: i64 = 500;

/// Keeps the picture until told to stop.
pub(crate) async fn keep(picture: Picture, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper = Keeper { picture, hours_read: Instant::now(), away: false };
    let reading = async {
        loop {
            ticks.tick().await;
            keeper.turn().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = reading => {}
    }
}

struct Keeper {
    picture: Picture,
    hours_read: Instant,
    /// The ledger did not answer, and that was said.
    away: bool,
}

/// What the picture goes on from.
struct Begun {
    hour: i64,
    since: Moment,
    head: i64,
    anchor: Option<TestId>,
}

impl Begun {
    fn of(state: &State) -> Self {
        let Place { at: head, generation: _ } = state.feed.place();
        Self { hour: state.hour(), since: state.since(), head, anchor: state.feed.anchor() }
    }
}

impl Keeper {
    async fn turn(&mut self) {
        match (self.read().await, self.away) {
            (Ok(()), true) => info!("the ledger answers the console again"),
            (Err(error), false) => warn!(%error, "the ledger can't be read: the console shows it as it was"),
            (Ok(()), false) => return,
            (Err(_), true) => return,
        }
        self.away = !self.away;
    }

    async fn read(&mut self) -> Result<()> {
        let now = self.picture.now();
        let Some(begun) = self.picture.look(Begun::of) else { return self.begin(now).await };
        if begun.hour != hour_of(now) {
            self.go_on(now).await?;
        } else if self.hours_read.elapsed() >= HOURS_EVERY {
            self.read_hours(now).await?;
        }
        let since = begun.since;
        if !self.read_changes(begun).await? {
            warn!("the ledger is not the one that it was: the console begins anew");
            return self.begin(now).await;
        }
        let pending = load::rows(self.picture.ledger(), since, Some(Outcome::Pending)).await?;
        self.picture.change(|state, plan| {
            pending.into_iter().for_each(|brief| state.take(plan, &Arc::new(brief)));
            state.as_of = now;
        });
        Ok(())
    }

    /// Begins, with a feed that begins here too: streams get a snapshot.
    async fn begin(&mut self, now: Moment) -> Result<()> {
        let (ledger, plan) = (self.picture.ledger(), self.picture.plan());
        let before = self.picture.look(|state| (state.feed.place().generation + 1, state.version));
        let (generation, version) = before.unwrap_or_default();
        let feed = load::feed(ledger, generation).await?;
        let mut state = load::state(ledger, plan, feed, now).await?;
        for span in load::days(now) {
            state.take_hours(plan, span.clone(), load::hours(ledger, span).await?);
        }
        state.version = version;
        state.sum_up();
        self.picture.put(state);
        self.hours_read = Instant::now();
        Ok(())
    }

    /// Reads all again, the hours in the place of those that are there, and goes on with the feed.
    async fn go_on(&mut self, now: Moment) -> Result<()> {
        let (ledger, plan) = (self.picture.ledger(), self.picture.plan());
        let mut fresh = load::state(ledger, plan, Feed::new(0, 0, None), now).await?;
        for span in load::days(now) {
            let hours = load::hours(ledger, span.clone()).await?;
            self.picture.change(|state, plan| state.take_hours(plan, span, hours));
        }
        self.picture.change(|state, _| {
            std::mem::swap(state, &mut fresh);
            state.follow(fresh);
            state.sum_up();
        });
        self.hours_read = Instant::now();
        Ok(())
    }

    async fn read_hours(&mut self, now: Moment) -> Result<()> {
        let (ledger, hour) = (self.picture.ledger(), hour_of(now));
        let span = hour - CHANGING..hour + 1;
        let hours = load::hours(ledger, span.clone()).await?;
        let marks = load::marks(ledger, now).await?;
        self.picture.change(|state, plan| {
            state.take_hours(plan, span, hours);
            state.sum_up();
            state.marks = marks;
        });
        self.hours_read = Instant::now();
        Ok(())
    }

    /// Takes all changes since the last look; `false` if the ledger is another one, as after a backup was restored.
    async fn read_changes(&self, begun: Begun) -> Result<bool> {
        let Begun { mut head, mut anchor, .. } = begun;
        loop {
            // The last one is read once more: while it is there, the numbers still mean the same.
            let page = self.picture.ledger().changes(head - i64::from(anchor.is_some()), PAGE).await?;
            if let Some(anchor) = anchor
                && !page.iter().any(|brief| brief.test_id == anchor)
                && !self.is_known(head, anchor).await?
            {
                return Ok(false);
            }
            let full = page.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
            self.picture.push(page);
            let Some(place) = self.picture.look(|state| (state.feed.place().at, state.feed.anchor())) else {
                return Ok(true);
            };
            if !full {
                return Ok(true);
            }
            (head, anchor) = place;
        }
    }

    /// Whether the ledger still has what was read last: the row may have got a later number, among many changes.
    async fn is_known(&self, head: i64, anchor: TestId) -> Result<bool> {
        let ledger = self.picture.ledger();
        Ok(ledger.latest_change().await? >= head && !ledger.rows(&[anchor]).await?.is_empty())
    }
}
