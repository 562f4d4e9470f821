//! The connections of one port: how many there are, and which of them go when there are too many.
//!
//! Whoever keeps the console waiting (for a request's head, or its body, or the next request) is patient at its own risk: it has so
//! long, and when all seats are taken the one who has waited longest gives up its own. So nobody holds the port by
//! sending half a request. Whoever is being answered stays. A peer has half of the seats at most, so that one who is
//! slow to take answers leaves the others theirs; a proxy is one peer, and limits its clients itself.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Seats of one port.
const SEATS: usize = 512;
/// Seats of one peer.
const OF_ONE_PEER: usize = 256;
/// The longest a new connection may take to send its first request's head, and any request to send its body.
pub(crate) const SENT_WITHIN: Duration = Duration::from_secs(5);
/// The longest a connection may be without a request: longer than proxies keep theirs, which would otherwise now and
/// then send a request into one that is just being closed.
const IDLE_WITHIN: Duration = Duration::from_secs(75);

/// The seats of one port.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The seats that are taken.
    taken: usize,
    of_peer: HashMap<IpAddr, usize>,
    /// Those that wait for their client, by the turn in which they began to.
    waiting: BTreeMap<u64, (IpAddr, watch::Sender<Patience>)>,
    next_turn: u64,
}

/// How long a connection may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// For as long as its answer takes.
    Endless,
    /// Until then, if nothing happens.
    Until(Instant),
    /// No longer: another has its seat.
    Over,
}

/// A connection's seat.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    peer: IpAddr,
    turn: Mutex<Option<u64>>,
    patience: watch::Sender<Patience>,
}

/// While this lives, the connection is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Seat>);

impl Seats {
    /// A seat for a new connection of a peer; `None`: there is none, since all are being answered.
    pub(crate) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Arc<Seat>> {
        let mut state = self.state();
        if state.of_peer.get(&peer).is_some_and(|of_peer| *of_peer >= OF_ONE_PEER) {
            state.unseat(|waiting| *waiting == peer)?;
        } else if state.taken >= SEATS {
            state.unseat(|_| true)?;
        }
        state.taken += 1;
        *state.of_peer.entry(peer).or_default() += 1;
        drop(state);
        let patience = watch::Sender::new(Patience::Endless);
        let seat = Arc::new(Seat { seats: Arc::clone(self), peer, turn: Mutex::new(None), patience });
        seat.waits(SENT_WITHIN);
        Some(seat)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the seat of the connection that has waited longest, among those of some peers.
    fn unseat(&mut self, among: impl Fn(&IpAddr) -> bool) -> Option<()> {
        let turn = self.waiting.iter().find(|(_, (peer, _))| among(peer)).map(|(turn, _)| *turn)?;
        let (peer, patience) = self.waiting.remove(&turn)?;
        self.leave(peer);
        patience.send_replace(Patience::Over);
        Some(())
    }

    fn leave(&mut self, peer: IpAddr) {
        self.taken -= 1;
        if let Some(of_peer) = self.of_peer.get_mut(&peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.of_peer.remove(&peer);
            }
        }
    }
}

impl Seat {
    /// The connection's client is to send something within this time.
    pub(crate) fn waits(&self, within: Duration) {
        let mut state = self.seats.state();
        if *self.patience.borrow() == Patience::Over {
            return;
        }
        let mut turn = self.turn();
        if let Some(before) = turn.take() {
            state.waiting.remove(&before);
        }
        let next = state.next_turn;
        state.next_turn += 1;
        state.waiting.insert(next, (self.peer, self.patience.clone()));
        *turn = Some(next);
        self.patience.send_replace(Patience::Until(Instant::now() + within));
    }

    /// The connection's client has sent what it had to.
    pub(crate) fn is_served(&self) {
        let mut state = self.seats.state();
        if let Some(turn) = self.turn().take()
            && state.waiting.remove(&turn).is_some()
        {
            self.patience.send_replace(Patience::Endless);
        }
    }

    /// The same, until the answer ends.
    pub(crate) fn answering(self: &Arc<Self>) -> Answering {
        self.is_served();
        Answering(Arc::clone(self))
    }

    /// Ends when the connection has to.
    pub(crate) async fn is_over(&self) {
        let mut patience = self.patience.subscribe();
        loop {
            let now = *patience.borrow_and_update();
            match now {
                Patience::Over => return,
                Patience::Endless => patience.changed().await.expect("the seat holds the sender"),
                Patience::Until(end) => tokio::select! {
                    () = sleep_until(end) => return,
                    changed = patience.changed() => changed.expect("the seat holds the sender"),
                },
            }
        }
    }

    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.waits(IDLE_WITHIN);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.seats.state();
        let turn = self.turn().take();
        if let Some(turn) = turn {
            state.waiting.remove(&turn);
        }
        if *self.patience.borrow() != Patience::Over {
            state.leave(self.peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn peer(number: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, number])
    }

    fn is_over(seat: &Seat) -> bool {
        seat.is_over().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_takes_the_seat_of_whoever_of_its_peer_has_waited_longest() {
        let seats = Arc::<Seats>::default();
        let other = seats.take(peer(2)).unwrap();
        let many: Vec<_> = (0..OF_ONE_PEER).map(|_| seats.take(peer(1)).unwrap()).collect();
        let answering = many[0].answering();
        let new = seats.take(peer(1)).unwrap();
        assert!(!is_over(&many[0]) && is_over(&many[1]) && !is_over(&many[2]) && !is_over(&new));
        assert!(!is_over(&other), "it has waited longest of all, but is another's");
        drop(answering);
        let _newer = seats.take(peer(1)).unwrap();
        assert!(is_over(&many[2]) && !is_over(&many[0]), "it waits since its answer ended");
        many[1].is_served();
        many[1].waits(SENT_WITHIN);
        assert!(is_over(&many[1]), "what is over stays so");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_being_answered_keeps_its_seat() {
        let seats = Arc::<Seats>::default();
        let mut held = Vec::new();
        for number in [1, 2] {
            let of_peer = (0..OF_ONE_PEER).map(|_| seats.take(peer(number)).unwrap());
            held.extend(of_peer.map(|seat| (seat.answering(), seat)));
        }
        assert!(seats.take(peer(1)).is_none() && seats.take(peer(3)).is_none());
        held.truncate(SEATS - 1);
        assert!(seats.take(peer(3)).is_some());
        assert!(held.iter().all(|(_, seat)| !is_over(seat)));
        drop(held);
        let state = seats.state();
        assert_eq!((state.taken, state.of_peer.len(), state.waiting.len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_or_a_body_has_less_time_than_the_next_request() {
        let seats = Arc::<Seats>::default();
        let seat = seats.take(peer(1)).unwrap();
        let over_after = async || {
            let begin = Instant::now();
            seat.is_over().await;
            begin.elapsed().as_secs()
        };
        assert_eq!(over_after().await, SENT_WITHIN.as_secs());
        drop(seat.answering());
        assert_eq!(over_after().await, IDLE_WITHIN.as_secs());
        let _answering = seat.answering();
        tokio::time::advance(IDLE_WITHIN * 2).await;
        assert!(!is_over(&seat));
        seat.waits(SENT_WITHIN);
        assert_eq!(over_after().await, SENT_WITHIN.as_secs());
    }
}
