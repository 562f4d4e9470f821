//! The one task that reads the ledger for the picture: at rest two small questions a second.
//!
//! It races with every writer of the ledger, and needs no lock against them: the feed's numbers are in the order of
//! the commits, so what is after the last one read has not been read; and this task asks one question after the other,
//! so an answer is newer than all before it and may take their place. Nothing is held while the ledger is asked.
//!
//! First comes the feed, then what is pending; what is read again for safety's sake comes last and holds up neither.

use std::time::Duration;

use canary_domain::{Moment, Outcome, TestId, backoff};
use canary_store::Result;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Picture;
use super::feed::Place;
use super::load::{self, Load, ROWS};
use super::pending::Pending;
use super::span::Span;
use super::state::{Piece, State};

/// Between two looks at the changes.
const EVERY: Duration = Duration::from_secs(1);
/// The longest pause after failures.
const AT_MOST: Duration = Duration::from_secs(5);
/// Between two looks at the rollup, which the judge makes as often.
const HOURS_EVERY: Duration = Duration::from_secs(60);
/// How long a turn reads again what was read before.
const AGAIN_FOR: Duration = Duration::from_millis(100);
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
    /// A picture that nobody sees yet, and what it lacks.
    beginning: Option<(State, Load)>,
    pending: Pending,
    again: Again,
    ledger: Pauses,
}

/// What is read again of the picture that is shown.
struct Again {
    /// What is renewed every minute.
    newest: Load,
    newest_at: Instant,
    /// All of it, which is renewed every hour, some pieces each turn.
    whole: Load,
    span: Span,
    /// Not before this.
    at: Instant,
    pauses: Pauses,
}

/// Failures in a row: they are told once, and make the pauses longer.
struct Pauses(Option<Box<dyn Iterator<Item = Duration> + Send + Sync>>);

impl Pauses {
    /// The pause after a failure, and whether it is the first.
    fn failed(&mut self) -> (Duration, bool) {
        let is_first = self.0.is_none();
        let pauses = self.0.get_or_insert_with(|| Box::new(backoff()));
        (pauses.next().unwrap_or(AT_MOST).clamp(EVERY, AT_MOST), is_first)
    }

    /// Whether that ends a row of failures.
    fn succeeded(&mut self) -> bool {
        self.0.take().is_some()
    }
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
        let (newest, whole) = (Load::default(), Load::default());
        let (newest_at, at, span) = (Instant::now(), Instant::now(), Span::default());
        let again = Again { newest, newest_at, whole, span, at, pauses: Pauses(None) };
        Self { picture, beginning: None, pending: Pending::default(), again, ledger: Pauses(None) }
    }

    /// Reads once; answers the pause after that.
    async fn turn(&mut self) -> Duration {
        match self.read().await {
            Ok(()) => {
                if self.ledger.succeeded() {
                    info!("the ledger answers the console again");
                }
                self.read_again().await;
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
        let read = self.picture.look(Read::of).filter(|_| self.beginning.is_none());
        let Some(read) = read else { return self.begin(now).await };
        self.picture.change(|state, plan| state.go_on(plan, now));
        if !self.read_changes(read).await? {
            warn!("the ledger is not the one that it was: the console begins anew");
            return self.begin(now).await;
        }
        self.read_pending().await?;
        self.picture.change(|state, _| state.as_of = now);
        Ok(())
    }

    /// Begins, or goes on beginning, with a feed that begins here too: streams get a snapshot.
    async fn begin(&mut self, now: Moment) -> Result<()> {
        let (ledger, plan) = (self.picture.ledger(), self.picture.plan());
        let span = Span::new(now, plan.cadence);
        let (state, load) = match self.beginning.take() {
            Some(begun) if begun.0.span().is_of_hour(span) => self.beginning.insert(begun),
            Some(_) | None => {
                if !self.picture.is_there().await? {
                    return Ok(());
                }
                let before = self.picture.look(|state| (state.feed.place().generation + 1, state.version));
                let (generation, version) = before.unwrap_or_default();
                let mut state = State::begin(plan, now, load::feed(ledger, generation).await?);
                state.version = version;
                self.beginning.insert((state, Load::whole(plan, span)))
            }
        };
        while let Some(piece) = load.read(ledger, plan, now, |path| state.lookback(path)).await? {
            state.put(plan, piece);
        }
        if let Some((mut state, _)) = self.beginning.take() {
            state.version += 1;
            self.picture.put(state);
        }
        self.pending = Pending::default();
        self.again.begin(span);
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
            self.pending.put(after, &page, is_full(page.len(), ROWS));
            self.picture.change(|state, plan| state.put(plan, Piece::Rows(page)));
            if self.pending.is_at_the_start() {
                break;
            }
        }
        Ok(())
    }

    /// Reads again what may have changed without being told of.
    async fn read_again(&mut self) {
        let (now, again) = (self.picture.now(), &mut self.again);
        let Some(span) = self.picture.look(State::span) else { return };
        again.is_due(&self.picture, span);
        if Instant::now() < again.at {
            return;
        }
        match again.read(&self.picture, now).await {
            Ok(()) => {
                if again.pauses.succeeded() {
                    info!("the console reads all of the ledger again");
                }
            }
            Err(error) => {
                let (pause, is_first) = again.pauses.failed();
                again.at = Instant::now() + pause;
                if is_first {
                    warn!(%error, "a part of the ledger can't be read: the console shows it as it was");
                }
            }
        }
    }
}

impl Again {
    /// All was read now.
    fn begin(&mut self, span: Span) {
        (self.newest, self.whole) = (Load::default(), Load::default());
        (self.newest_at, self.span) = (Instant::now(), span);
    }

    /// Notes what has become due.
    fn is_due(&mut self, picture: &Picture, span: Span) {
        if self.newest.is_done() && self.newest_at.elapsed() >= HOURS_EVERY {
            self.newest = Load::newest(span);
        }
        if !self.span.is_of_hour(span) {
            (self.span, self.whole) = (span, Load::whole(picture.plan(), span));
            self.newest = Load::newest(span);
        }
    }

    /// Reads what is renewed every minute, and some of the rest.
    async fn read(&mut self, picture: &Picture, now: Moment) -> Result<()> {
        let is_newest = !self.newest.is_done();
        while take(&mut self.newest, picture, now).await? {}
        if is_newest {
            self.newest_at = Instant::now();
        }
        let begun = Instant::now();
        while take(&mut self.whole, picture, now).await? && begun.elapsed() < AGAIN_FOR {}
        Ok(())
    }
}

/// Reads a piece and puts it into the picture; `false`: there was none.
async fn take(load: &mut Load, picture: &Picture, now: Moment) -> Result<bool> {
    let lookback = |path| picture.look(|state| state.lookback(path)).unwrap_or_default();
    let piece = load.read(picture.ledger(), picture.plan(), now, lookback).await?;
    let Some(piece) = piece else { return Ok(false) };
    picture.change(|state, plan| state.put(plan, piece));
    Ok(true)
}

fn is_full(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).unwrap_or(i64::MAX) >= limit
}
