//! Leading, as a value (design §4).
//!
//! A lease is held on the board; the holder counts its own deadline on the monotonic clock, from before each
//! request was sent, less a margin, and stops acting before the lease can expire (fail closed). The lease is
//! there for liveness alone. A process that is stopped between [`Leadership::check`] and the act it guards can
//! still act late: then the unique slot, the keyed id and the idempotency key keep I1.

use std::sync::Arc;
use std::time::Duration;

use canary_domain::{NodeId, Role, Term, backoff};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Board, Holder};

/// How long a shutdown waits for the board to take a lease back.
const HAND_BACK: Duration = Duration::from_secs(1);

/// The times of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long the board keeps it without a renewal.
    pub ttl: Duration,
    /// How often it is renewed, and how often others ask for it.
    pub renew_every: Duration,
    /// How long before the lease could expire its holder stops acting.
    pub margin: Duration,
}

impl Default for LeaseTimes {
    /// The times of design §4: 15 s, renewed every 5 s; the margin is a fifth of the lease.
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(15),
            renew_every: Duration::from_secs(5),
            margin: Duration::from_secs(3),
        }
    }
}

/// The proof of leading one role in one term. Whatever only a leader may do takes it and checks it last.
#[derive(Clone, Debug)]
pub struct Leadership {
    role: Role,
    node: NodeId,
    term: Term,
    /// Shared by the lease's keeper, which writes it, and every act that checks it.
    until: Arc<watch::Sender<Instant>>,
}

/// The lease has run out, or may have: nothing that only a leader may do is allowed any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no longer leading as {role} in term {term}")]
pub struct NotLeading {
    /// The role that was led.
    pub role: Role,
    /// The term it was led in.
    pub term: Term,
}

impl Leadership {
    /// A leadership that lasts until `until` on this process's monotonic clock.
    #[must_use]
    pub fn new(role: Role, holder: Holder, until: Instant) -> Self {
        let Holder { node, term } = holder;
        Self { role, node, term, until: Arc::new(watch::Sender::new(until)) }
    }

    /// Asks, right before an act, whether it is still allowed.
    ///
    /// # Errors
    /// When the lease may have run out.
    pub fn check(&self) -> Result<(), NotLeading> {
        if Instant::now() < *self.until.borrow() {
            Ok(())
        } else {
            Err(NotLeading { role: self.role, term: self.term })
        }
    }

    /// Ends when the lease may have run out, however often it was prolonged meanwhile.
    pub async fn ended(&self) {
        let mut until = self.until.subscribe();
        loop {
            let deadline = *until.borrow_and_update();
            if Instant::now() >= deadline {
                return;
            }
            tokio::select! {
                () = sleep_until(deadline) => {}
                // The sender lives as long as `self`.
                _ = until.changed() => {}
            }
        }
    }

    /// The role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The term.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    /// The holder as the board knows it.
    #[must_use]
    pub fn holder(&self) -> Holder {
        Holder { node: self.node.clone(), term: self.term }
    }

    /// Answers whether it still lasted. What has ended once stays ended, or those who saw it end would wait
    /// for a change of the seat that never comes.
    fn prolong(&self, until: Instant) -> bool {
        self.until.send_if_modified(|deadline| {
            let lasts = Instant::now() < *deadline;
            if lasts {
                *deadline = until;
            }
            lasts
        })
    }

    fn end(&self) {
        self.until.send_replace(Instant::now());
    }
}

/// What an instance knows of a role: `Some` while it leads. Who looks now and then may see one term follow
/// another, without the `None` between them.
pub type Seat = watch::Receiver<Option<Leadership>>;

/// Contends for one role and keeps its lease.
pub struct Leases {
    board: Arc<dyn Board>,
    role: Role,
    node: NodeId,
    times: LeaseTimes,
    seat: watch::Sender<Option<Leadership>>,
}

impl Leases {
    /// Prepares to contend; the seat follows once [`Leases::run`] runs.
    #[must_use]
    pub fn new(board: Arc<dyn Board>, role: Role, node: NodeId, times: LeaseTimes) -> (Self, Seat) {
        let (seat, follow) = watch::channel(None);
        (Self { board, role, node, times, seat }, follow)
    }

    /// Contends, leads, and contends again, until told to stop; then the lease is handed back.
    ///
    /// `stopping` says that no new work of a leader is to begin; `stopped` that the last act has ended, and
    /// the lease may go to somebody else.
    pub async fn run(self, stopping: CancellationToken, stopped: CancellationToken) {
        let mut delays = backoff();
        while !stopping.is_cancelled() {
            let asked = Instant::now();
            let pause = match self.board.acquire(self.role, &self.node, self.times.ttl).await {
                Ok(Some(term)) => {
                    delays = backoff();
                    self.lead(term, asked, &stopping, &stopped).await;
                    continue;
                }
                Ok(None) => {
                    delays = backoff();
                    self.times.renew_every
                }
                Err(error) => {
                    warn!(role = %self.role, %error, "cannot contend for the lease");
                    delays.next().unwrap_or(self.times.renew_every)
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    async fn lead(
        &self,
        term: Term,
        asked: Instant,
        stopping: &CancellationToken,
        stopped: &CancellationToken,
    ) {
        let holder = Holder { node: self.node.clone(), term };
        let lead = Leadership::new(self.role, holder, self.valid_until(asked));
        if stopping.is_cancelled() {
            self.hand_back(&lead).await;
            return;
        }
        info!(role = %self.role, term, node = %self.node, "leading");
        self.seat.send_replace(Some(lead.clone()));
        tokio::select! {
            () = self.keep(&lead) => warn!(role = %self.role, term, "stopped leading: the lease was not renewed"),
            () = async { stopping.cancelled().await; stopped.cancelled().await } => {}
        }
        lead.end();
        self.seat.send_replace(None);
        self.hand_back(&lead).await;
    }

    async fn hand_back(&self, lead: &Leadership) {
        let (role, term) = (self.role, lead.term);
        match timeout(HAND_BACK, self.board.release(role, &lead.holder())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(%role, term, %error, "the lease could not be handed back and will expire by itself");
            }
            Err(_) => warn!(%role, term, "the board is slow: the lease will expire by itself"),
        }
    }

    /// Renews until the lease is lost or could not be renewed in time.
    async fn keep(&self, lead: &Leadership) {
        let mut next = Instant::now() + self.times.renew_every;
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                () = lead.ended() => return,
            }
            let asked = Instant::now();
            let until = *lead.until.borrow();
            match timeout_at(until, self.board.renew(self.role, &lead.holder(), self.times.ttl)).await {
                Ok(Ok(true)) if lead.prolong(self.valid_until(asked)) => {
                    next = asked + self.times.renew_every;
                }
                Ok(Ok(_)) | Err(_) => return,
                Ok(Err(error)) => {
                    warn!(role = %self.role, term = lead.term, %error, "the lease was not renewed yet");
                    next = Instant::now() + self.times.renew_every / 10;
                }
            }
        }
    }

    fn valid_until(&self, asked: Instant) -> Instant {
        asked + self.times.ttl - self.times.margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_has_ended_once_stays_ended() {
        let holder = Holder { node: "n1".to_owned(), term: 7 };
        let second = Duration::from_secs(1);
        let lead = Leadership::new(Role::Runner, holder, Instant::now() + second);
        assert!(lead.prolong(Instant::now() + 2 * second));
        tokio::time::advance(2 * second).await;
        assert!(!lead.prolong(Instant::now() + second), "a renewal that was answered too late");
        assert!(lead.check().is_err());
    }
}
