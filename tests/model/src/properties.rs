//! What has to hold in every state (design §3.4), and what has to be reachable, so that nothing holds for want of life.

use canary_domain::{Outcome, Reason};
use stateright::Property;

use crate::model::Canary;
use crate::state::{Firing, Flaw, NODES, State, Sweep};
use crate::values::View;

/// The name of a property.
pub type Name = &'static str;

/// I1.
pub const ONE_TRANSFER: Name = "I1: a slot moves money at most once";
/// I1.
pub const ONE_ROW: Name = "I1: a slot has at most one row";
/// I1: what the lease is for, where nothing but a lease stands between two leaders.
pub const DEPOSED_SENDS_NOTHING: Name = "I1: who was deposed sends nothing";
/// I2.
pub const NO_SLOT_LOST: Name = "I2: a slot without a row is somebody's to write";
/// I2.
pub const ALL_ACCOUNTED: Name = "I2: once all is done, each slot has a row and none waits for nobody";
/// I3.
pub const FACTS_SPEAK: Name = "I3: a row says what its own facts say";
/// I3.
pub const VERDICT_STANDS: Name = "I3: the same facts keep their verdict";
/// I6.
pub const ROW_GROWS: Name = "I6: a row only grows, by revisions";
/// I5.
pub const NO_FALSE_BLAME: Name = "I5: a transfer that landed in time is no timeout";

const PASSES: Name = "a test passes";
const LATE: Name = "a test is late";
const AMENDED: Name = "a row is amended";
const LEASE_LOST: Name = "a lease is lost between claim and call";
const RUNNER_LOST: Name = "a runner is lost";
const STATE_LOST: Name = "a state is lost";
const SECOND_LEADER: Name = "a second leader fires and passes";
const TWICE: Name = "a slot is requested twice";
const PASSED_AT_LAST: Name = "a row says something else, and passed later";

type Condition = fn(&Canary, &State) -> bool;

const INVARIANTS: [(Name, Condition); 9] = [
    (DEPOSED_SENDS_NOTHING, |_, state| state.flaw != Some(Flaw::SentDeposed)),
    (ONE_TRANSFER, |canary, state| {
        let moved = |slot| state.transfers_of(slot).iter().map(|transfer| transfer.moved).sum::<u8>();
        (0..canary.scope.slots).all(|slot| moved(slot) <= 1)
    }),
    (ONE_ROW, |canary, state| (0..canary.scope.slots).all(|slot| state.rows_of(slot).count() <= 1)),
    (NO_SLOT_LOST, |canary, state| {
        canary.slots().all(|slot| {
            let at = usize::from(slot);
            let open = canary.ids().filter(|id| usize::from(*id) / NODES == at);
            let mut open = open.filter_map(|id| state.board.tests[usize::from(id)]);
            let written = state.rows_of(at).next().is_some();
            written || !state.board.claims[at] || open.any(|test| test.open)
        })
    }),
    (ALL_ACCOUNTED, |canary, state| {
        work_is_left(canary, state)
            || canary.slots().all(|slot| {
                let at = usize::from(slot);
                let mut rows = state.rows[at * NODES..(at + 1) * NODES].iter().zip(at * NODES..).peekable();
                let any = state.rows_of(at).next().is_some();
                any && rows.all(|(row, id)| {
                    let open = state.board.tests[id].is_some_and(|test| test.open);
                    row.is_none_or(|row| open || canary.values.view(row).outcome != Outcome::Pending)
                })
            })
    }),
    (FACTS_SPEAK, |canary, state| views(canary, state).all(|(_, row)| row.says_its_facts)),
    (VERDICT_STANDS, |_, state| state.flaw != Some(Flaw::VerdictChanged)),
    (ROW_GROWS, |_, state| state.flaw != Some(Flaw::RowTakenBack)),
    (NO_FALSE_BLAME, |canary, state| {
        views(canary, state).all(|(id, row)| {
            let in_time = state.transfers[id].event.is_some_and(|event| event <= row.deadline);
            row.reason != Some(Reason::Timeout) || !in_time
        })
    }),
];

const REACHABLE: [(Name, Condition); 12] = [
    (PASSES, |canary, state| any(canary, state, |row| row.outcome == Outcome::Passed)),
    (LATE, |canary, state| any(canary, state, |row| row.outcome == Outcome::Late)),
    ("a test fails", |canary, state| any(canary, state, |row| row.reason == Some(Reason::Timeout))),
    (AMENDED, |canary, state| any(canary, state, |row| row.revision >= 2)),
    ("a slot is missed for want of a leader", |canary, state| {
        any(canary, state, |row| row.reason == Some(Reason::NoLeader))
    }),
    (LEASE_LOST, |canary, state| any(canary, state, |row| row.reason == Some(Reason::LeaseLost))),
    (RUNNER_LOST, |canary, state| any(canary, state, |row| row.reason == Some(Reason::RunnerLost))),
    ("the observers are blind", |canary, state| {
        any(canary, state, |row| row.reason == Some(Reason::ObserverBlind))
    }),
    (STATE_LOST, |canary, state| any(canary, state, |row| row.reason == Some(Reason::StateLost))),
    (SECOND_LEADER, |canary, state| {
        any(canary, state, |row| row.outcome == Outcome::Passed && row.term >= 2)
    }),
    (TWICE, |canary, state| {
        let requests = |slot| state.transfers_of(slot).iter().map(|transfer| transfer.requests).sum::<u8>();
        (0..canary.scope.slots).any(|slot| requests(slot) >= 2)
    }),
    (PASSED_AT_LAST, |canary, state| {
        any(canary, state, |row| row.outcome == Outcome::Passed && row.revision >= 2)
    }),
];

/// What each scope has to reach, and what only some can.
fn can_reach(canary: &Canary, name: Name) -> bool {
    let (scope, faults) = (&canary.scope, &canary.scope.faults);
    match name {
        SECOND_LEADER => scope.runners == 2,
        LEASE_LOST => faults.lapses[0] > 0,
        RUNNER_LOST => faults.crashes > 0,
        STATE_LOST => faults.forgets > 0,
        TWICE => scope.runners == 2 && faults.forgets > 0 && faults.outages > 0,
        PASSED_AT_LAST => scope.runners == 2 && faults.outages > 0,
        PASSES | LATE | AMENDED => scope.events,
        _ => true,
    }
}

/// The properties of a model: its invariants, and what its scope has to reach.
pub(crate) fn of(canary: &Canary) -> Vec<Property<Canary>> {
    let faults = &canary.scope.faults;
    let invariants = INVARIANTS.into_iter().map(|(name, holds)| Property::always(name, holds));
    let reachable = REACHABLE.into_iter().map(|(name, there)| Property::sometimes(name, there));
    let wanted = |property: &Property<Canary>| match canary.only {
        Some(only) => property.name == only,
        // A board that forgot its lease gives it to another while the first still lasts; so does who stands still after
        // the check.
        None if property.name == DEPOSED_SENDS_NOTHING => faults.forgets == 0 && !faults.stalls,
        None => can_reach(canary, property.name),
    };
    invariants.chain(reachable).filter(wanted).collect()
}

fn views<'a>(canary: &'a Canary, state: &'a State) -> impl Iterator<Item = (usize, View)> + 'a {
    let rows = state.rows.iter().enumerate();
    rows.filter_map(|(id, row)| row.map(|row| (id, canary.values.view(row))))
}

fn any(canary: &Canary, state: &State, is: impl Fn(&View) -> bool) -> bool {
    views(canary, state).any(|(_, row)| is(&row))
}

/// Whether anybody has still something to do, without a further fault.
fn work_is_left(canary: &Canary, state: &State) -> bool {
    let running = canary.nodes().any(|node| {
        let at = usize::from(node);
        let firing = state.runners[at].firing != Firing::Idle || state.runners[at].gap.is_some();
        firing || state.judges[at].sweep != Sweep::Idle
    });
    state.now < canary.end()
        || !state.ledger_up
        || running
        || canary.slots().any(|slot| canary.is_gap(state, slot))
        || canary.ids().any(|id| canary.is_due(state, id, state.now))
        || canary.wants_refill(state)
}
