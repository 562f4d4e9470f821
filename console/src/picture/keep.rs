//! The one task that reads the ledger for the picture: at rest two small questions a second.
//!
//! It races with every writer of the ledger, and needs no lock against them: the feed's numbers are in the order of
//! the commits, so what is after the last one read has not been read; and this task asks one question after the other,
//! so an answer is newer than all before it and may take their place. Nothing is held while the ledger is asked.
//!
//! First comes the feed, then what is pending; what is read again for safety's sake comes last and holds up neither.

use std::time::Duration;

use canary_domain::{Moment, Outcome, TestId};
use canary_store::{Brief, Result};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Picture;
use super::again::Again;
use super::feed::Place;
use super::load::{self, Load, ROWS};
use super::pauses::Pauses;
use super::pending::Pending;
use super::span::Span;
use super::state::{Piece, State};

/// Between two looks at the changes.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Changes read at once.
const PAGE: i64 = 500;
/// Pages of pending rows read in a turn.
const PENDING_PAGES: usize = 4;

/// Keeps the picture until told to stop.
pub(crate) async fn keep(picture: Picture, stop: CancellationToken) {
    let mut keeper = Keeper::new(picture);
    let reading = async {
        loop {
            let pause = keeper.turn().await;
            sleep(pause).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = reading => {}
    }
}

struct Keeper {
    picture: Picture,
    stage: Stage,
    pending: Pending,
    again: Again,
    ledger: Pauses,
}

/// How far it has come.
enum Stage {
    /// A picture has to be begun.
    Due,
    /// There is one that nobody sees yet, and this is what it lacks.
    Beginning(Box<(State, Load)>),
    /// It is shown, and follows the ledger.
    Shown,
}

/// How far the changes were read.
#[derive(Clone, Copy)]
struct Read {
    head: i64,
    anchor: Option<TestId>,
}

impl Read {
    fn of(state: &State) -> Self {
        let Place { at: head, generation: _ } = state.feed.place();
        Self { head, anchor: state.feed.anchor() }
    }
}

impl Keeper {
    fn new(picture: Picture) -> Self {
        let (pending, again, ledger) = (Pending::default(), Again::default(), Pauses::default());
        Self { picture, stage: Stage::Due, pending, again, ledger }
    }

    /// Reads once; answers the pause after that.
    async fn turn(&mut self) -> Duration {
        match self.read().await {
            Ok(()) => {
                if self.ledger.succeeded() {
                    info!("the ledger answers the console again");
                }
                self.again.turn(&self.picture).await;
                EVERY
            }
            Err(error) => {
                let (pause, is_first) = self.ledger.failed();
                if is_first {
                    warn!(%error, "the ledger can't be read: the console shows it as it was");
                }
                pause
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let now = self.picture.now();
        let read = match self.stage {
            Stage::Due | Stage::Beginning(_) => None,
            Stage::Shown => self.picture.look(Read::of),
        };
        let Some(read) = read else { return self.begin(now).await };
        self.picture.change(|state, plan| state.go_on(plan, now));
        if !self.read_changes(read).await? {
            warn!("the ledger is not the one that it was: the console begins anew");
            self.stage = Stage::Due;
            return self.begin(now).await;
        }
        self.read_pending().await?;
        self.picture.change(|state, _| state.as_of = now);
        Ok(())
    }

    /// Begins, or goes on beginning, with a feed that begins here too: streams get a snapshot.
    async fn begin(&mut self, now: Moment) -> Result<()> {
        let span = Span::new(now, self.picture.plan().cadence);
        let mut begun = match std::mem::replace(&mut self.stage, Stage::Due) {
            Stage::Beginning(begun) if begun.0.span().is_of_hour(span) => begun,
            Stage::Due | Stage::Beginning(_) | Stage::Shown => match self.first(now).await? {
                Some(begun) => Box::new(begun),
                None => return Ok(()),
            },
        };
        if let Err(error) = self.complete(&mut begun, now).await {
            self.stage = Stage::Beginning(begun);
            return Err(error);
        }
        self.picture.put(begun.0);
        self.stage = Stage::Shown;
        self.again.begin(span);
        Ok(())
    }

    /// A picture without anything in it, but with its feed; `None` while the ledger is not there.
    async fn first(&mut self, now: Moment) -> Result<Option<(State, Load)>> {
        if !self.picture.is_there().await? {
            return Ok(None);
        }
        let (ledger, plan) = (self.picture.ledger(), self.picture.plan());
        let before = self.picture.look(|state| (state.feed.place().generation + 1, state.version + 1));
        let (generation, version) = before.unwrap_or_default();
        let mut state = State::begin(plan, now, load::feed(ledger, generation).await?);
        state.version = version;
        self.pending = Pending::default();
        let load = Load::whole(plan, state.span());
        Ok(Some((state, load)))
    }

    /// Reads what a picture lacks.
    async fn complete(&mut self, (state, load): &mut (State, Load), now: Moment) -> Result<()> {
        let (ledger, plan) = (self.picture.ledger(), self.picture.plan());
        while let Some(piece) = load.read(ledger, plan, now, |path| state.lookback(path)).await? {
            if let Piece::Rows(rows) = &piece {
                self.pending.note(rows);
            }
            state.put(plan, piece);
        }
        Ok(())
    }

    /// Takes all changes since the last look; `false` if the ledger is another one, as after a backup was restored.
    async fn read_changes(&mut self, read: Read) -> Result<bool> {
        let Read { mut head, mut anchor } = read;
        loop {
            // The last one is read once more: while it is there, the numbers still mean the same.
            let page = self.picture.ledger().changes(head - i64::from(anchor.is_some()), PAGE).await?;
            if let Some(anchor) = anchor
                && !page.iter().any(|brief| brief.test_id == anchor)
                && !self.is_known(head, anchor).await?
            {
                return Ok(false);
            }
            let is_full = is_full(page.len(), PAGE);
            page.iter().for_each(|brief| self.pending.decided(brief));
            self.picture.push(page);
            match self.picture.look(Read::of) {
                Some(read) if is_full => Read { head, anchor } = read,
                Some(_) | None => return Ok(true),
            }
        }
    }

    /// Whether the ledger still has what was read last: the row may have got a later number, among many changes.
    async fn is_known(&self, head: i64, anchor: TestId) -> Result<bool> {
        let ledger = self.picture.ledger();
        Ok(ledger.latest_change().await? >= head && !ledger.rows(&[anchor]).await?.is_empty())
    }

    async fn read_pending(&mut self) -> Result<()> {
        let Some(since) = self.picture.look(|state| state.span().since()) else { return Ok(()) };
        for _ in 0..PENDING_PAGES {
            let after = self.pending.next(since);
            let page = self.picture.ledger().briefs(after, Some(Outcome::Pending), ROWS).await?;
            let is_full = is_full(page.len(), ROWS);
            let gone = self.pending.gone(after, &page, is_full);
            let decided =
                if gone.is_empty() { Vec::new() } else { self.picture.ledger().rows(&gone).await? };
            self.pending.put(after, &page, is_full);
            let rows = page.into_iter().chain(decided.iter().map(Brief::from)).collect();
            self.picture.change(|state, plan| state.put(plan, Piece::Rows(rows)));
            if self.pending.is_at_the_start() {
                break;
            }
        }
        Ok(())
    }
}

fn is_full(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).unwrap_or(i64::MAX) >= limit
}
