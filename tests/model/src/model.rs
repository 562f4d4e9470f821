//! The model: which steps there are in a state, and what each does.

use stateright::{Model, Property};

use crate::action::Action;
use crate::properties::{self, Name};
use crate::scope::Scope;
use crate::state::{IDS, Left, NODES, PER_SLOT, SLOTS, State, Transfer};
use crate::values::Values;

/// The canary, as far as leases, claims, firing, stamping and judging go.
#[derive(Debug)]
pub struct Canary {
    /// What is checked.
    pub scope: Scope,
    /// Only this property, if one is given.
    pub only: Option<Name>,
    pub(crate) values: Values,
}

impl Canary {
    /// A model of this scope with all its properties.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, only: None, values: Values::default() }
    }

    /// The last tick.
    pub(crate) fn end(&self) -> u8 {
        4 + u8::try_from(self.scope.slots).unwrap_or(u8::MAX)
    }

    /// The test of a slot, as this instance names it.
    pub(crate) fn id(&self, slot: u8, node: u8) -> u8 {
        let owner = if self.scope.on.keyed_id { 0 } else { node };
        slot * PER_SLOT + owner
    }

    /// All ids that there may be.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u8> {
        let owners = if self.scope.on.keyed_id { 1 } else { self.scope.runners };
        let ids =
            (0..self.scope.slots).flat_map(move |slot| (0..owners).map(move |owner| slot * NODES + owner));
        ids.filter_map(|id| u8::try_from(id).ok())
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = u8> {
        (0..self.scope.slots).filter_map(|slot| u8::try_from(slot).ok())
    }

    /// Instances that run something.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u8> {
        (0..self.scope.runners.max(self.scope.judges)).filter_map(|node| u8::try_from(node).ok())
    }

    pub(crate) fn runs(&self, node: u8) -> bool {
        usize::from(node) < self.scope.runners
    }

    pub(crate) fn judges(&self, node: u8) -> bool {
        usize::from(node) < self.scope.judges
    }
}

/// The slot of a test.
pub(crate) fn slot_of(id: u8) -> usize {
    usize::from(id) / NODES
}

impl State {
    /// The rows of a slot.
    pub(crate) fn rows_of(&self, slot: usize) -> impl Iterator<Item = u32> {
        self.rows[slot * NODES..(slot + 1) * NODES].iter().flatten().copied()
    }

    /// What the platform did with the requests of a slot.
    pub(crate) fn transfers_of(&self, slot: usize) -> &[Transfer] {
        &self.transfers[slot * NODES..(slot + 1) * NODES]
    }
}

impl Model for Canary {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let faults = self.scope.faults;
        let left = Left {
            crashes: faults.crashes,
            lapses: faults.lapses,
            forgets: faults.forgets,
            outages: faults.outages,
            lost_answers: faults.lost_answers,
            observer_restarts: faults.observer_restarts,
        };
        let mut up = [false; NODES];
        self.nodes().for_each(|node| up[usize::from(node)] = true);
        vec![State {
            now: 0,
            up,
            terms: [0; 2],
            board: Default::default(),
            ledger_up: true,
            rows: [None; IDS],
            transfers: [Transfer::default(); IDS],
            seen: Default::default(),
            observing_since: 0,
            runners: Default::default(),
            judges: Default::default(),
            left,
            flaw: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.world_actions(state, actions);
        self.lease_actions(state, actions);
        self.runner_actions(state, actions);
        self.judge_actions(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        match action {
            Action::Tick
            | Action::Crash { .. }
            | Action::Start { .. }
            | Action::Forget
            | Action::LedgerAway
            | Action::LedgerBack
            | Action::ObserversRestart
            | Action::Event { .. }
            | Action::Stamp { .. }
            | Action::Cover => self.world_step(&mut state, action),
            Action::Acquire { .. } | Action::Lapse { .. } | Action::Expire { .. } => {
                self.lease_step(&mut state, action);
            }
            Action::Begin { .. }
            | Action::Claim { .. }
            | Action::ClaimUnanswered { .. }
            | Action::Register { .. }
            | Action::RegisterUnanswered { .. }
            | Action::Check { .. }
            | Action::Send { .. }
            | Action::NoteFired { .. }
            | Action::Note { .. }
            | Action::FindGap { .. }
            | Action::WriteGap { .. } => self.runner_step(&mut state, action),
            Action::Read { .. }
            | Action::Judge { .. }
            | Action::Record { .. }
            | Action::Tell { .. }
            | Action::Drop { .. }
            | Action::Refill { .. }
            | Action::SweepAtOnce { .. }
            | Action::RefillAtOnce => self.judge_step(&mut state, action),
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }

    fn within_boundary(&self, state: &State) -> bool {
        debug_assert!(self.scope.slots <= SLOTS);
        state.now <= self.end()
    }
}
