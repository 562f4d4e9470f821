//! The runner's steps: `runner/src/slots.rs`, `fire.rs` and `gaps.rs`.
//!
//! Between any two of them the process may stand still, lose its lease, or die.

use crate::action::Action;
use crate::model::{Canary, slot_of};
use crate::state::{BoardTest, Firing, Flaw, Lease, Role, State};
use crate::table::Number;
use crate::values::Edit;

impl Canary {
    pub(crate) fn runner_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for node in self.nodes().filter(|node| self.runs(*node) && state.up[usize::from(*node)]) {
            let runner = state.runners[usize::from(node)];
            let answers_get_lost = state.left.lost_answers > 0;
            match runner.firing {
                Firing::Idle => {
                    let due = self.slots().find(|slot| *slot == state.now);
                    let due = due.filter(|slot| runner.seat.valid && !runner.begun[usize::from(*slot)]);
                    actions.extend(due.map(|slot| Action::Begin { node, slot }));
                }
                Firing::Begun { .. } => {
                    actions.push(Action::Claim { node });
                    if answers_get_lost && state.ledger_up {
                        actions.push(Action::ClaimUnanswered { node });
                    }
                }
                Firing::Claimed { .. } => {
                    actions.push(Action::Register { node });
                    if answers_get_lost {
                        actions.extend([true, false].map(|done| Action::RegisterUnanswered { node, done }));
                    }
                }
                Firing::Registered { .. } => actions.push(Action::Check { node }),
                Firing::Armed { .. } => actions.push(Action::Send { node }),
                Firing::Ended { id, noted, .. } => {
                    actions.push(Action::Note { node });
                    // Whether it is noted now or with the end is the same, but for who dies between.
                    if !noted && state.left.crashes > 0 && state.board.tests[usize::from(id)].is_some() {
                        actions.push(Action::NoteFired { node });
                    }
                }
            }
            match runner.gap {
                Some(_) => actions.push(Action::WriteGap { node }),
                None => {
                    let gaps = self.slots().filter(|slot| runner.seat.valid && self.is_gap(state, *slot));
                    actions.extend(gaps.map(|slot| Action::FindGap { node, slot }));
                }
            }
        }
    }

    /// Whether a leader that looks now finds that nobody fired a slot.
    pub(crate) fn is_gap(&self, state: &State, slot: u8) -> bool {
        let at = usize::from(slot);
        state.ledger_up && state.now > slot && state.rows_of(at).next().is_none() && !state.board.claims[at]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the model hands over its own steps alone")]
    pub(crate) fn runner_step(&self, state: &mut State, action: Action) {
        match action {
            Action::Begin { node, slot } => self.begin(state, node, slot),
            Action::Claim { node } => self.claim(state, node, state.ledger_up),
            Action::ClaimUnanswered { node } => {
                state.left.lost_answers -= 1;
                self.claim(state, node, false);
            }
            Action::Register { node } => self.register(state, node),
            Action::RegisterUnanswered { node, done } => {
                state.left.lost_answers -= 1;
                let Firing::Claimed { id, facts, ours } = state.runners[usize::from(node)].firing else {
                    return;
                };
                if done && self.is_leader(state, node, facts) && !self.is_taken(state, id) {
                    self.put(state, id, facts);
                }
                self.give_up(state, node, (id, facts), ours);
            }
            Action::Check { node } => self.check(state, node),
            Action::Send { node } => self.send(state, node),
            Action::NoteFired { node } => {
                let firing = &mut state.runners[usize::from(node)].firing;
                if let Firing::Ended { id, facts, noted } = firing {
                    *noted = true;
                    let (id, facts) = (*id, self.values.edit(*facts, Edit::Unanswered));
                    self.note(state, id, facts);
                }
            }
            Action::Note { node } => {
                if let Firing::Ended { id, facts, .. } = state.runners[usize::from(node)].firing {
                    if !self.note(state, id, facts) {
                        self.restore(state, id, facts);
                    }
                    state.runners[usize::from(node)].firing = Firing::Idle;
                }
            }
            Action::FindGap { node, slot } => {
                let id = self.id(slot, node);
                let runner = &mut state.runners[usize::from(node)];
                runner.gap = Some((id, self.values.missed(id, runner.seat.term)));
            }
            Action::WriteGap { node } => {
                if let Some((id, row)) = state.runners[usize::from(node)].gap.take()
                    && state.ledger_up
                    && self.takes(state, id)
                {
                    state.rows[usize::from(id)] = Some(row);
                }
            }
            other => unreachable!("{other:?} is no step of a runner"),
        }
    }

    fn begin(&self, state: &mut State, node: u8, slot: u8) {
        let id = self.id(slot, node);
        let runner = &mut state.runners[usize::from(node)];
        runner.begun[usize::from(slot)] = true;
        runner.firing = Firing::Begun { id, facts: self.values.registered(id, runner.seat.term, state.now) };
    }

    /// Asks the ledger for the slot. Without its answer the board's claim alone decides.
    fn claim(&self, state: &mut State, node: u8, answered: bool) {
        let Firing::Begun { id, facts } = state.runners[usize::from(node)].firing else { return };
        let free = state.ledger_up && self.takes(state, id);
        if free {
            state.rows[usize::from(id)] = Some(self.values.claimed(facts));
        }
        let taken = answered && !free && self.scope.on.unique_slot;
        state.runners[usize::from(node)].firing =
            if taken { Firing::Idle } else { Firing::Claimed { id, facts, ours: answered } };
    }

    /// Whether the ledger takes a new row of this test.
    pub(crate) fn takes(&self, state: &State, id: u8) -> bool {
        let free = !self.scope.on.unique_slot || state.rows_of(slot_of(id)).next().is_none();
        state.rows[usize::from(id)].is_none() && free
    }

    /// One script: lease and term, the claim, the test.
    fn register(&self, state: &mut State, node: u8) {
        let Firing::Claimed { id, facts, ours } = state.runners[usize::from(node)].firing else { return };
        if !self.is_leader(state, node, facts) {
            return self.give_up(state, node, (id, facts), ours);
        }
        let taken = self.is_taken(state, id);
        if !taken {
            self.put(state, id, facts);
        }
        state.runners[usize::from(node)].firing =
            if taken { Firing::Idle } else { Firing::Registered { id, facts } };
    }

    fn is_leader(&self, state: &State, node: u8, facts: Number) -> bool {
        let lease = Lease { node, term: self.values.term(facts) };
        self.may_act(state, node, facts) && state.board.leases[Role::Runner as usize] == Some(lease)
    }

    fn is_taken(&self, state: &State, id: u8) -> bool {
        state.board.claims[slot_of(id)] || state.board.tests[usize::from(id)].is_some()
    }

    fn put(&self, state: &mut State, id: u8, facts: Number) {
        let look = self.values.deadline(facts);
        state.board.claims[slot_of(id)] = true;
        state.board.tests[usize::from(id)] = Some(BoardTest { facts, open: true, touched: false, look });
    }

    /// Only whose the row is may say that the slot was not fired.
    fn give_up(&self, state: &mut State, node: u8, (id, facts): (u8, Number), ours: bool) {
        let facts = self.values.edit(facts, Edit::Withheld);
        state.runners[usize::from(node)].firing =
            if ours { Firing::Ended { id, facts, noted: true } } else { Firing::Idle };
    }

    /// By the holder's own clock, in the term that the test was begun in.
    fn may_act(&self, state: &State, node: u8, facts: Number) -> bool {
        let seat = state.runners[usize::from(node)].seat;
        seat.valid && seat.term == self.values.term(facts)
    }

    fn check(&self, state: &mut State, node: u8) {
        let Firing::Registered { id, facts } = state.runners[usize::from(node)].firing else { return };
        let firing = if self.may_act(state, node, facts) {
            Firing::Armed { id, facts: self.values.edit(facts, Edit::Fired(state.now)) }
        } else {
            Firing::Ended { id, facts: self.values.edit(facts, Edit::Withheld), noted: true }
        };
        state.runners[usize::from(node)].firing = firing;
        if !self.scope.faults.stalls {
            self.send(state, node);
        }
    }

    fn send(&self, state: &mut State, node: u8) {
        let Firing::Armed { id, facts } = state.runners[usize::from(node)].firing else { return };
        if state.terms[Role::Runner as usize] > self.values.term(facts) {
            state.flaw = state.flaw.or(Some(Flaw::SentDeposed));
        }
        let transfer = &mut state.transfers[usize::from(id)];
        transfer.requests += 1;
        if transfer.moved == 0 || self.scope.faults.keys_forgotten {
            transfer.moved += 1;
        }
        let facts = self.values.edit(facts, Edit::Answered);
        state.runners[usize::from(node)].firing = Firing::Ended { id, facts, noted: false };
    }

    /// Answers whether the board knows the test.
    fn note(&self, state: &mut State, id: u8, facts: Number) -> bool {
        let Some(test) = &mut state.board.tests[usize::from(id)] else { return false };
        let noted = self.values.noted(test.facts, facts);
        test.touched |= noted != test.facts;
        test.facts = noted;
        true
    }

    /// Puts a test back that the board has lost.
    pub(crate) fn restore(&self, state: &mut State, id: u8, facts: Number) {
        if state.board.tests[usize::from(id)].is_none() {
            self.put(state, id, self.values.edit(facts, Edit::Restored(self.scope.on.restored_mark)));
            if let Some(test) = &mut state.board.tests[usize::from(id)] {
                test.touched = true;
            }
        }
    }
}
