//! What the judge's leader does between sweeps: refills the board, rolls up hours, checks the accounting, prunes.
//!
//! Each chore is one bounded step that may be done again at any time; one that fails is tried again at its next turn.

use std::collections::BTreeMap;
use std::time::Duration;

use canary_domain::{Moment, Outcome};
use canary_store::{Filter, Leadership, StoreError};
use chrono::TimeDelta;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{Judge, SweepError, points};

const REFILL_EVERY: Duration = Duration::from_secs(30);
const ROLL_UP_EVERY: Duration = Duration::from_secs(60);
/// How often the recent slots are counted.
const ACCOUNT_EVERY: Duration = Duration::from_secs(60);
/// How often all slots are, which reads the whole history.
const ACCOUNT_ALL_EVERY: Duration = Duration::from_secs(3600);
/// How soon again if slots were lost, or could not be counted.
const ACCOUNT_ALL_AGAIN: Duration = Duration::from_secs(600);
/// What recent slots are: none gets older than that uncounted.
const RECENT: TimeDelta = TimeDelta::hours(2);
const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// Rows are stamped with the moment their sweep began and appear when it is written: a rollup looks back so far.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);
/// What a new leader rolls up at once: also what was judged right before an outage of up to a day.
const FIRST_ROLL_UP: TimeDelta = TimeDelta::days(1);
/// Rows deleted in one step.
const PRUNE_LIMIT: i64 = 5_000;

/// The chores of one leadership, and when each is due.
#[derive(Debug)]
pub(crate) struct Chores {
    refill: Instant,
    roll_up: Instant,
    account: Instant,
    account_all: Instant,
    prune: Instant,
    /// Rolled up are all rows judged before this moment.
    rolled_up: Option<Moment>,
    /// The board has been offered all that is watched, once in this leadership.
    refilled: bool,
    /// The residual of each path when all slots were last counted.
    residuals: BTreeMap<String, i64>,
    /// Slots could not be counted, and that was said.
    uncounted: bool,
    /// The last passes of all paths were read, once in this leadership.
    passes_read: bool,
}

impl Chores {
    /// All are due at once, but pruning, which a new leader has no hurry with.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            refill: now,
            roll_up: now,
            account: now,
            account_all: now,
            prune: now + points::FIRST_PRUNE.or(ROLL_UP_EVERY),
            rolled_up: None,
            refilled: false,
            residuals: BTreeMap::new(),
            uncounted: false,
            passes_read: false,
        }
    }
}

/// Whether a chore is due; if so, it is next due after `every`, whether it succeeds or not.
fn is_due(next: &mut Instant, every: Duration) -> bool {
    let now = Instant::now();
    let due = now >= *next;
    if due {
        *next = now + every;
    }
    due
}

impl Judge {
    /// Does the chores that are due; answers whether there were any.
    pub(crate) async fn do_chores(&self, lead: &Leadership, chores: &mut Chores) -> Result<bool, SweepError> {
        let mut any = false;
        if is_due(&mut chores.refill, REFILL_EVERY) {
            any = true;
            let restored = self.refill(lead, !chores.refilled).await?;
            chores.refilled = true;
            if restored > 0 {
                warn!(tests = restored, "the board had lost tests in flight; they are back from the ledger");
            }
        }
        if is_due(&mut chores.roll_up, ROLL_UP_EVERY) {
            any = true;
            self.roll_up(lead, chores).await?;
        }
        if is_due(&mut chores.account, ACCOUNT_EVERY) {
            any |= self.account(chores).await;
        }
        if is_due(&mut chores.prune, PRUNE_EVERY) {
            any = true;
            self.prune(lead, chores).await?;
        }
        Ok(any)
    }

    async fn roll_up(&self, lead: &Leadership, chores: &mut Chores) -> Result<(), SweepError> {
        let now = self.clock.now();
        let since = chores.rolled_up.map_or(now - FIRST_ROLL_UP, |moment| moment - OVERLAP);
        lead.check()?;
        points::HOURS_DUE.reached();
        self.ledger.roll_up(since).await.map_err(SweepError::Ledger)?;
        points::HOURS_WRITTEN.reached();
        chores.rolled_up = Some(now);
        Ok(())
    }

    /// Counts slots; answers whether the ledger did. It is a check, so nothing else waits for it or fails with it.
    async fn account(&self, chores: &mut Chores) -> bool {
        let counted = if is_due(&mut chores.account_all, ACCOUNT_ALL_EVERY) {
            self.account_all(chores).await
        } else {
            self.account_recent(chores).await
        };
        if let Err(cause) = &counted
            && !chores.uncounted
        {
            warn!(%cause, "slots could not be counted, so a lost one would not show; it will be tried again");
        }
        chores.uncounted = counted.is_err();
        counted.is_ok()
    }

    async fn account_all(&self, chores: &mut Chores) -> Result<(), StoreError> {
        let hourly = std::mem::replace(&mut chores.account_all, Instant::now() + ACCOUNT_ALL_AGAIN);
        let accounting = self.ledger.accounting().await?;
        self.tally.accounted(&accounting);
        chores.residuals =
            accounting.paths.iter().map(|account| (account.path.clone(), account.residual)).collect();
        if !chores.passes_read {
            for account in accounting.paths.iter().filter(|account| account.passed > 0) {
                let filter = Filter {
                    path: Some(account.path.clone()),
                    outcome: Some(Outcome::Passed),
                    ..Filter::default()
                };
                let page = self.ledger.results(&filter, None, 1).await?;
                page.rows.iter().for_each(|row| self.tally.last_pass(row));
            }
            chores.passes_read = true;
        }
        if accounting.residual == 0 {
            chores.account_all = hourly;
        }
        Ok(())
    }

    /// What is lost among the recent slots shows at once; what was lost before them stays until all are counted again.
    async fn account_recent(&self, chores: &Chores) -> Result<(), StoreError> {
        let mut accounting = self.ledger.accounting_since(self.clock.now() - RECENT).await?;
        for account in &mut accounting.paths {
            let before = chores.residuals.get(&account.path).copied().unwrap_or(0);
            account.residual = account.residual.max(before);
        }
        self.tally.accounted(&accounting);
        Ok(())
    }

    /// One bounded step of each kind; while there is more, the next follows after the next sweep.
    async fn prune(&self, lead: &Leadership, chores: &mut Chores) -> Result<(), SweepError> {
        let now = self.clock.now();
        lead.check()?;
        points::PRUNE_DUE.reached();
        let rows = match before(now, self.settings.retention) {
            Some(before) => self.ledger.prune(before, PRUNE_LIMIT).await.map_err(SweepError::Ledger)?,
            None => 0,
        };
        lead.check()?;
        points::ROWS_PRUNED.reached();
        let hours = match before(now, self.settings.hourly_retention) {
            Some(before) => {
                self.ledger.prune_hourly(before, PRUNE_LIMIT).await.map_err(SweepError::Ledger)?
            }
            None => 0,
        };
        if rows + hours > 0 {
            info!(rows, hours, "pruned what is older than the retention");
        }
        if rows.max(hours) >= PRUNE_LIMIT.unsigned_abs() {
            chores.prune = Instant::now();
        }
        Ok(())
    }
}

fn before(now: Moment, age: Duration) -> Option<Moment> {
    now.checked_sub_signed(TimeDelta::from_std(age).ok()?)
}
