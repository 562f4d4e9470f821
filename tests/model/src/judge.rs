//! The judge's steps: `judge/src/sweep.rs`, `page.rs`, `write.rs` and `refill.rs`. What is decided, and what becomes of a row,
//! the product's own functions say.

use canary_domain::Outcome;

use crate::action::Action;
use crate::model::{Canary, slot_of};
use crate::state::{State, Sweep};
use crate::values::Question;

/// The term of somebody who judges all at once.
const AT_ONCE: u8 = 1;

impl Canary {
    pub(crate) fn judge_actions(&self, state: &State, actions: &mut Vec<Action>) {
        if self.scope.judges == 0 {
            let due = self.ids().filter(|id| state.ledger_up && self.is_due(state, *id, state.now));
            actions.extend(due.map(|id| Action::SweepAtOnce { id }));
            if self.wants_refill(state) {
                actions.push(Action::RefillAtOnce);
            }
        }
        for node in self.nodes().filter(|node| self.judges(*node) && state.up[usize::from(*node)]) {
            let judge = state.judges[usize::from(node)];
            let may_act = judge.seat.valid || self.scope.faults.stalls;
            match judge.sweep {
                Sweep::Idle => {
                    let due = self.ids().filter(|id| judge.seat.valid && self.is_due(state, *id, state.now));
                    actions.extend(due.map(|id| Action::Read { node, id }));
                    if judge.seat.valid && self.wants_refill(state) {
                        actions.push(Action::Refill { node });
                    }
                }
                Sweep::Read { .. } => actions.push(Action::Judge { node }),
                Sweep::Judged { .. } if may_act && self.scope.on.ledger_first => {
                    actions.push(Action::Record { node });
                }
                Sweep::Judged { .. } if may_act => actions.push(Action::Tell { node }),
                Sweep::Written { .. } if may_act => actions.push(Action::Tell { node }),
                Sweep::Told { .. } if may_act => actions.push(Action::Record { node }),
                Sweep::Judged { .. } | Sweep::Written { .. } | Sweep::Told { .. } => {}
            }
            if judge.sweep != Sweep::Idle && (!judge.seat.valid || !state.ledger_up) {
                actions.push(Action::Drop { node });
            }
        }
    }

    /// Whether the board gives a test to who asks at this tick.
    pub(crate) fn is_due(&self, state: &State, id: u8, now: u8) -> bool {
        state.board.tests[usize::from(id)].is_some_and(|test| test.open && (test.touched || test.look <= now))
    }

    /// Whether there is anything to judge or to offer.
    pub(crate) fn is_judge_wanted(&self, state: &State) -> bool {
        self.ids().any(|id| self.is_due(state, id, state.now)) || self.wants_refill(state)
    }

    /// What the ledger waits for and the board has lost.
    pub(crate) fn awaited(&self, state: &State) -> Vec<u8> {
        if !state.ledger_up || !self.scope.on.refill {
            return Vec::new();
        }
        let lost = self.ids().filter(|id| state.board.tests[usize::from(*id)].is_none());
        let awaited = |id: &u8| {
            state.rows[usize::from(*id)].is_some_and(|row| {
                let row = self.values.view(row);
                let waits = match row.outcome {
                    Outcome::Pending => true,
                    Outcome::Passed | Outcome::Late | Outcome::Failed | Outcome::Inconclusive => {
                        state.now < row.watched
                    }
                    Outcome::Skipped | Outcome::Missed => false,
                };
                waits && row.registered < state.now
            })
        };
        lost.filter(awaited).collect()
    }

    pub(crate) fn wants_refill(&self, state: &State) -> bool {
        !self.awaited(state).is_empty()
    }

    fn refill(&self, state: &mut State) {
        for id in self.awaited(state) {
            if let Some(row) = state.rows[usize::from(id)] {
                self.restore(state, id, self.values.facts_of(row));
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the model hands over its own steps alone")]
    pub(crate) fn judge_step(&self, state: &mut State, action: Action) {
        match action {
            Action::SweepAtOnce { id } => self.sweep_at_once(state, id),
            Action::RefillAtOnce | Action::Refill { .. } => self.refill(state),
            Action::Read { node, id } => self.read(state, node, id),
            Action::Judge { node } => self.judge_read(state, node),
            Action::Record { node } => self.record(state, node),
            Action::Tell { node } => self.tell_of(state, node),
            Action::Drop { node } => state.judges[usize::from(node)].sweep = Sweep::Idle,
            other => unreachable!("{other:?} is no step of a judge"),
        }
    }

    /// The coverage, and then the facts. Touched tests become due in the same step, so that whoever dies after it leaves
    /// them due.
    fn read(&self, state: &mut State, node: u8, id: u8) {
        let (coverage, now) = (state.board.coverage, state.now);
        let Some(test) = &mut state.board.tests[usize::from(id)] else { return };
        if test.touched {
            test.look = test.look.min(now);
        }
        test.touched = false;
        state.judges[usize::from(node)].sweep = Sweep::Read { id, facts: test.facts, coverage, now };
    }

    /// Without the order of the reads, the coverage is that of the moment of judging, long after the facts were read.
    fn judge_read(&self, state: &mut State, node: u8) {
        let at = usize::from(node);
        let Sweep::Read { id, facts, coverage, now } = state.judges[at].sweep else { return };
        let coverage = if self.scope.on.coverage_first { coverage } else { state.board.coverage };
        let term = state.judges[at].seat.term;
        let row = state.rows[usize::from(id)];
        let judged = self.values.judge(Question { facts, coverage, now, term, row }, &self.scope.on);
        // A ledger that is away ends the sweep when it is asked.
        state.judges[at].sweep = if judged.doubtful && !state.ledger_up {
            Sweep::Idle
        } else {
            Sweep::Judged { id, news: judged.news, look: judged.look, now }
        };
    }

    fn record(&self, state: &mut State, node: u8) {
        let at = usize::from(node);
        let (id, news, next) = match state.judges[at].sweep {
            Sweep::Judged { id, news, look, now } => (id, news, Sweep::Written { id, look, now }),
            Sweep::Told { id, news, .. } => (id, news, Sweep::Idle),
            Sweep::Idle | Sweep::Read { .. } | Sweep::Written { .. } => return,
        };
        if state.ledger_up {
            self.write(state, id, news);
            state.judges[at].sweep = next;
        } else {
            state.judges[at].sweep = Sweep::Idle;
        }
    }

    fn write(&self, state: &mut State, id: u8, news: u32) {
        let row = state.rows[usize::from(id)];
        if row.is_none() && self.scope.on.unique_slot && state.rows_of(slot_of(id)).next().is_some() {
            return;
        }
        if let Some((row, flaw)) = self.values.write(row, news, &self.scope.on) {
            state.rows[usize::from(id)] = Some(row);
            state.flaw = state.flaw.or(flaw);
        }
    }

    fn tell_of(&self, state: &mut State, node: u8) {
        let at = usize::from(node);
        let (id, look, next) = match state.judges[at].sweep {
            Sweep::Written { id, look, .. } => (id, look, Sweep::Idle),
            Sweep::Judged { id, news, look, now } => (id, look, Sweep::Told { id, news, now }),
            Sweep::Idle | Sweep::Read { .. } | Sweep::Told { .. } => return,
        };
        tell(state, id, look);
        state.judges[at].sweep = next;
    }

    fn sweep_at_once(&self, state: &mut State, id: u8) {
        let Some(test) = &mut state.board.tests[usize::from(id)] else { return };
        test.touched = false;
        let question = Question {
            facts: test.facts,
            coverage: state.board.coverage,
            now: state.now,
            term: AT_ONCE,
            row: state.rows[usize::from(id)],
        };
        let judged = self.values.judge(question, &self.scope.on);
        self.write(state, id, judged.news);
        tell(state, id, judged.look);
    }
}

/// A test is looked at again, or never.
fn tell(state: &mut State, id: u8, look: Option<u8>) {
    let Some(test) = &mut state.board.tests[usize::from(id)] else { return };
    match look {
        Some(look) if test.open => test.look = look,
        Some(_) => {}
        None => (test.open, test.touched) = (false, false),
    }
}
