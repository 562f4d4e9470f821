//! Brings the board's news to the desk: what is announced, and what is open.
//!
//! An announcement is sent once and may be lost, with a connection or without a sign. So the open tests are read
//! after each subscription, and again whenever an event waits for a test that should have been announced. With the
//! connection the board may have lost stamps, too: coverage waits until the tests were read again.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::backoff;
use canary_store::{Announcements, Board, Result};
use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::desk::Desk;

/// How often what is held is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long an announcement may be on its way before the board is asked.
const PATIENCE: Duration = Duration::from_millis(500);
/// The board is not asked more often than this.
const ASK_EVERY: Duration = Duration::from_secs(2);

pub(crate) struct Feed {
    pub desk: Arc<Desk>,
    pub board: Arc<dyn Board>,
}

impl Feed {
    /// Follows the board until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.follow() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn follow(&self) {
        let mut delays = backoff();
        let mut away = false;
        loop {
            match self.subscribe().await {
                Ok(announcements) => {
                    if std::mem::replace(&mut away, false) {
                        info!(board = self.board.describe(), "the board announces tests again");
                    }
                    delays = backoff();
                    self.listen(announcements).await;
                    self.desk.board_lost(Instant::now());
                }
                Err(error) if !std::mem::replace(&mut away, true) => {
                    warn!(board = self.board.describe(), %error, "no news from the board; coverage waits for it");
                }
                Err(_) => {}
            }
            // What is held grows old while the board is away, too.
            self.desk.expire(Instant::now());
            sleep(delays.next().unwrap_or(ASK_EVERY)).await;
        }
    }

    /// Subscribes first and reads then, so that nothing falls in between.
    async fn subscribe(&self) -> Result<Announcements> {
        let announcements = self.board.announcements().await?;
        self.read().await?;
        Ok(announcements)
    }

    async fn read(&self) -> Result<()> {
        let began = Instant::now();
        let open = self.board.open_tests().await?;
        self.desk.board_read(&open, began);
        Ok(())
    }

    /// Ends when the subscription does, or the board can't be read.
    async fn listen(&self, mut announcements: Announcements) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = Instant::now();
        loop {
            tokio::select! {
                news = announcements.next() => match news {
                    Some(news) => self.desk.announced(news, Instant::now()),
                    None => return,
                },
                _ = look.tick() => {
                    let now = Instant::now();
                    if now - asked >= ASK_EVERY && self.desk.wants_board(now, PATIENCE) {
                        asked = now;
                        if self.read().await.is_err() {
                            return;
                        }
                    }
                    self.desk.expire(now);
                }
            }
        }
    }
}
