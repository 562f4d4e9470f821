//! What is read again of the picture that is shown, for safety's sake: the newest hours and the marks every minute, and
//! everything every hour, in case somebody changed what is old. It holds up nothing else.

use std::time::Duration;

use canary_domain::Moment;
use canary_store::Result;
use tokio::time::Instant;
use tracing::{info, warn};

use super::Picture;
use super::load::Load;
use super::pauses::Pauses;
use super::span::Span;
use super::state::State;

/// Between two looks at the rollup, which the judge makes as often.
const HOURS_EVERY: Duration = Duration::from_secs(60);
/// How long a turn reads what is renewed every hour.
const AT_ONCE: Duration = Duration::from_millis(100);

/// What is to be read again, and when.
pub(super) struct Again {
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

impl Default for Again {
    fn default() -> Self {
        let (newest, whole) = (Load::default(), Load::default());
        let (newest_at, at, span) = (Instant::now(), Instant::now(), Span::default());
        Self { newest, newest_at, whole, span, at, pauses: Pauses::default() }
    }
}

impl Again {
    /// All was read now.
    pub(super) fn begin(&mut self, span: Span) {
        (self.newest, self.whole) = (Load::default(), Load::default());
        (self.newest_at, self.span) = (Instant::now(), span);
    }

    /// Reads what has become due.
    pub(super) async fn turn(&mut self, picture: &Picture) {
        let Some(span) = picture.look(State::span) else { return };
        self.is_due(picture, span);
        if Instant::now() < self.at {
            return;
        }
        match self.read(picture, picture.now()).await {
            Ok(()) => {
                if self.pauses.succeeded() {
                    info!("the console reads all of the ledger again");
                }
            }
            Err(error) => {
                let (pause, is_first) = self.pauses.failed();
                self.at = Instant::now() + pause;
                if is_first {
                    warn!(%error, "a part of the ledger can't be read: the console shows it as it was");
                }
            }
        }
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
        while take(&mut self.whole, picture, now).await? && begun.elapsed() < AT_ONCE {}
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
