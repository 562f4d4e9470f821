//! Time, faults, platform, observers, and the leases on the board.

use crate::action::Action;
use crate::model::{Canary, slot_of};
use crate::state::{Board, Firing, Judging, Lease, Role, Runner, Seat, Seen, State, Sweep};
use crate::values::Edit;

impl Canary {
    pub(crate) fn world_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let left = state.left;
        if state.now < self.end() && self.nobody_stands_still_too_long(state) {
            actions.push(Action::Tick);
        }
        for node in self.nodes() {
            match state.up[usize::from(node)] {
                true if left.crashes > 0 && self.has_something_to_lose(state, node) => {
                    actions.push(Action::Crash { node });
                }
                false if self.firing_is_on(state) || self.judges(node) => {
                    actions.push(Action::Start { node });
                }
                true | false => {}
            }
        }
        if left.forgets > 0 {
            actions.push(Action::Forget);
        }
        match state.ledger_up {
            true if left.outages > 0 => actions.push(Action::LedgerAway),
            true => {}
            false => actions.push(Action::LedgerBack),
        }
        if left.observer_restarts > 0 {
            actions.push(Action::ObserversRestart);
        }
        for id in self.ids() {
            let at = usize::from(id);
            let may_come = self.scope.events && may_come(id, state.now);
            if state.transfers[at].moved > 0 && state.transfers[at].event.is_none() && may_come {
                actions.push(Action::Event { id });
            }
            if self.lacks_stamp(state, id) {
                actions.push(Action::Stamp { id });
            }
        }
        if self.helps_to_cover(state) {
            actions.push(Action::Cover);
        }
    }

    /// Coverage is told behind the stamps that it vouches for. It is told only where it reaches a deadline that it did not
    /// reach before: any other makes no difference to any verdict.
    fn helps_to_cover(&self, state: &State) -> bool {
        let until = state.board.coverage.map(|(_, until)| until);
        let waits = |id: u8| {
            let test = state.board.tests[usize::from(id)].filter(|test| test.open);
            let deadline = test.map(|test| self.values.deadline(test.facts));
            deadline.is_some_and(|deadline| until < Some(deadline) && deadline <= state.now)
        };
        self.ids().all(|id| !self.lacks_stamp(state, id)) && self.ids().any(waits)
    }

    /// Whether who leads still matters to a slot: until a tick after the last.
    fn firing_is_on(&self, state: &State) -> bool {
        usize::from(state.now) <= self.scope.slots
    }

    /// The death of a process that does nothing and leads nothing is no different from its life.
    fn has_something_to_lose(&self, state: &State, node: u8) -> bool {
        let (runner, judge) = (state.runners[usize::from(node)], state.judges[usize::from(node)]);
        let works = runner.firing != Firing::Idle || runner.gap.is_some() || judge.sweep != Sweep::Idle;
        works || judge.seat.valid || runner.seat.valid && self.firing_is_on(state)
    }

    /// Bounds the space: who stands still longer than that is dead. A request is begun at most a tick after its slot, what
    /// came of it is noted two ticks later, and a sweep lasts a tick.
    fn nobody_stands_still_too_long(&self, state: &State) -> bool {
        let fired = |runner: &Runner| match runner.firing {
            Firing::Idle => true,
            Firing::Begun { id, .. }
            | Firing::Claimed { id, .. }
            | Firing::Registered { id, .. }
            | Firing::Armed { id, .. } => usize::from(state.now) <= slot_of(id),
            Firing::Ended { id, .. } => usize::from(state.now) <= slot_of(id) + 2,
        };
        let swept = |judging: &Judging| match judging.sweep {
            Sweep::Idle => true,
            Sweep::Read { now, .. }
            | Sweep::Judged { now, .. }
            | Sweep::Written { now, .. }
            | Sweep::Told { now, .. } => state.now <= now,
        };
        state.runners.iter().all(fired) && state.judges.iter().all(swept)
    }

    /// Whether the observers have seen something that the board could take.
    fn lacks_stamp(&self, state: &State, id: u8) -> bool {
        let at = usize::from(id);
        let known = state.board.tests[at].is_some_and(|test| test.open && !self.values.stamped(test.facts));
        known && state.seen[at] == Seen::Yes
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the model hands over its own steps alone")]
    pub(crate) fn world_step(&self, state: &mut State, action: Action) {
        match action {
            Action::Tick => {
                state.now += 1;
                state.runners.iter_mut().for_each(|runner| runner.begun = Default::default());
            }
            Action::Crash { node } => {
                let node = usize::from(node);
                state.left.crashes -= 1;
                state.up[node] = false;
                state.runners[node] = Runner::default();
                state.judges[node] = Default::default();
            }
            Action::Start { node } => state.up[usize::from(node)] = true,
            Action::Forget => {
                state.left.forgets -= 1;
                state.board = Board::default();
            }
            Action::LedgerAway => {
                state.left.outages -= 1;
                state.ledger_up = false;
            }
            Action::LedgerBack => state.ledger_up = true,
            Action::ObserversRestart => self.restart_observers(state),
            Action::Event { id } => {
                let at = usize::from(id);
                (state.transfers[at].event, state.seen[at]) = (Some(state.now), Seen::Yes);
            }
            Action::Stamp { id } => self.stamp(state, id),
            Action::Cover => state.board.coverage = Some((state.observing_since, state.now)),
            other => unreachable!("{other:?} is no step of the world"),
        }
    }

    /// Who starts again reads on from the position that the board keeps behind the stamps: what came after it is replayed.
    /// Without one it begins now.
    fn restart_observers(&self, state: &mut State) {
        state.left.observer_restarts -= 1;
        let until = state.board.coverage.map(|(_, until)| until);
        for id in self.ids() {
            let at = usize::from(id);
            let replayed = until.zip(state.transfers[at].event).is_some_and(|(until, event)| event >= until);
            if state.seen[at] == Seen::Yes && !replayed {
                state.seen[at] = Seen::Gone;
            }
        }
        if until.is_none() {
            state.observing_since = state.now + 1;
        }
    }

    fn stamp(&self, state: &mut State, id: u8) {
        let at = usize::from(id);
        if let (Some(test), Some(event)) = (&mut state.board.tests[at], state.transfers[at].event) {
            test.facts = self.values.edit(test.facts, Edit::Seen(event));
            test.touched = true;
        }
    }

    pub(crate) fn lease_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for role in Role::ALL {
            let matters = match role {
                Role::Runner => self.firing_is_on(state),
                Role::Judge => self.scope.judges > 0,
            };
            if !matters {
                continue;
            }
            let lease = state.board.leases[role as usize];
            for node in self.nodes().filter(|node| self.contends(role, *node)) {
                let seat = seat(state, role, node);
                if !state.up[usize::from(node)] {
                    continue;
                }
                // The instances are alike: the first to fire is A. A judge contends once there is something to do.
                let wanted = match role {
                    Role::Runner => state.terms[role as usize] > 0 || node == 0,
                    Role::Judge => self.is_judge_wanted(state),
                };
                if lease.is_none() && !seat.valid && wanted {
                    actions.push(Action::Acquire { role, node });
                }
                // Its renewal is refused if the lease is not its own any more: that takes no fault.
                if seat.valid && (state.left.lapses[role as usize] > 0 || !holds(lease, node, seat)) {
                    actions.push(Action::Lapse { role, node });
                }
            }
            if lease.is_some_and(|lease| self.may_expire(state, role, lease)) {
                actions.push(Action::Expire { role });
            }
        }
    }

    fn contends(&self, role: Role, node: u8) -> bool {
        match role {
            Role::Runner => self.runs(node),
            Role::Judge => self.judges(node),
        }
    }

    /// A lease outlives its holder's own deadline. Without that it may end while the holder does not know.
    fn may_expire(&self, state: &State, role: Role, lease: Lease) -> bool {
        let seat = seat(state, role, lease.node);
        let acts = state.up[usize::from(lease.node)] && seat.valid && seat.term == lease.term;
        !acts || !self.scope.on.fail_closed && state.left.lapses[role as usize] > 0
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the model hands over its own steps alone")]
    pub(crate) fn lease_step(&self, state: &mut State, action: Action) {
        match action {
            Action::Acquire { role, node } => {
                let term = state.terms[role as usize] + 1;
                state.terms[role as usize] = term;
                state.board.leases[role as usize] = Some(Lease { node, term });
                *seat_mut(state, role, node) = Seat { term, valid: true };
                if role == Role::Runner {
                    state.runners[usize::from(node)].begun = Default::default();
                }
            }
            Action::Lapse { role, node } => {
                if holds(state.board.leases[role as usize], node, seat(state, role, node)) {
                    state.left.lapses[role as usize] -= 1;
                }
                seat_mut(state, role, node).valid = false;
            }
            Action::Expire { role } => {
                let lease = state.board.leases[role as usize].take();
                let unaware = lease.is_some_and(|lease| {
                    let seat = seat(state, role, lease.node);
                    seat.valid && seat.term == lease.term
                });
                state.left.lapses[role as usize] -= u8::from(unaware);
            }
            other => unreachable!("{other:?} is no step of a lease"),
        }
    }
}

/// Whether a transfer's event may come in this tick: in one of the first two, or late.
fn may_come(id: u8, now: u8) -> bool {
    let since = usize::from(now).saturating_sub(slot_of(id));
    since <= 1 || since == 4
}

fn holds(lease: Option<Lease>, node: u8, seat: Seat) -> bool {
    lease == Some(Lease { node, term: seat.term })
}

fn seat(state: &State, role: Role, node: u8) -> Seat {
    match role {
        Role::Runner => state.runners[usize::from(node)].seat,
        Role::Judge => state.judges[usize::from(node)].seat,
    }
}

fn seat_mut(state: &mut State, role: Role, node: u8) -> &mut Seat {
    match role {
        Role::Runner => &mut state.runners[usize::from(node)].seat,
        Role::Judge => &mut state.judges[usize::from(node)].seat,
    }
}
