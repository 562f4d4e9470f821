//! What a board in memory holds. Every call happens under the board's one lock, so each is all or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use canary_domain::{EventType, Facts, Moment, NodeId, Role, Sighting, Term, Test, TestId};
use tokio::time::Instant;

use super::queue::Queue;
use crate::board::{
    AGENT_SILENCE, AgentState, Due, Holder, REACTOR_SILENCE, ReactorState, Registration, claim_life,
    test_life,
};

/// How often what has expired is swept out.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// A value with an end.
#[derive(Debug)]
struct Kept<T> {
    value: T,
    until: Instant,
}

impl<T> Kept<T> {
    fn new(value: T, life: Duration) -> Self {
        Self { value, until: Instant::now() + life }
    }

    fn alive(&self) -> Option<&T> {
        (Instant::now() < self.until).then_some(&self.value)
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    tests: HashMap<TestId, Kept<Facts>>,
    slots: HashMap<(String, i64), Kept<TestId>>,
    open: Queue,
    touched: BTreeSet<TestId>,
    leases: HashMap<Role, Kept<Holder>>,
    terms: HashMap<Role, Term>,
    reactors: BTreeMap<(String, EventType, NodeId), Kept<ReactorState>>,
    positions: HashMap<(String, EventType), i64>,
    /// By name; they live and end together.
    agents: Option<Kept<BTreeMap<String, AgentState>>>,
    next_prune: Option<Instant>,
}

impl State {
    pub(super) fn acquire(&mut self, role: Role, node: &NodeId, ttl: Duration, now: Moment) -> Option<Term> {
        if self.holder(role).is_some() {
            return None;
        }
        let last = self.terms.get(&role).copied().unwrap_or(0);
        let term = now.timestamp_millis().max(last + 1);
        self.terms.insert(role, term);
        self.leases.insert(role, Kept::new(Holder { node: node.clone(), term }, ttl));
        Some(term)
    }

    pub(super) fn renew(&mut self, role: Role, holder: &Holder, ttl: Duration) -> bool {
        let holds = self.holder(role) == Some(holder);
        if holds {
            self.leases.insert(role, Kept::new(holder.clone(), ttl));
        }
        holds
    }

    pub(super) fn release(&mut self, role: Role, holder: &Holder) {
        if self.holder(role) == Some(holder) {
            self.leases.remove(&role);
        }
    }

    pub(super) fn holder(&self, role: Role) -> Option<&Holder> {
        self.leases.get(&role).and_then(Kept::alive)
    }

    pub(super) fn register(&mut self, role: Role, holder: &Holder, test: &Test) -> Registration {
        self.prune();
        if self.holder(role) != Some(holder) {
            return Registration::NotLeading;
        }
        let taken = test.cycle.is_some_and(|cycle| self.is_claimed(&test.path, cycle));
        if taken || self.facts(test.test_id).is_some() {
            return Registration::Taken;
        }
        self.put(Facts::registered(test.clone()));
        Registration::Registered
    }

    /// Answers whether it was not there before.
    pub(super) fn register_free(&mut self, test: &Test) -> bool {
        self.prune();
        let absent = self.facts(test.test_id).is_none();
        if absent {
            self.put(Facts::registered(test.clone()));
        }
        absent
    }

    /// Answers whether it was put back.
    pub(super) fn restore(&mut self, facts: &Facts) -> bool {
        self.prune();
        let test_id = facts.test.test_id;
        let absent = self.facts(test_id).is_none();
        if absent {
            self.put(Facts { restored: true, ..facts.clone() });
            self.touched.insert(test_id);
        }
        absent
    }

    fn put(&mut self, facts: Facts) {
        let (test_id, look) = (facts.test.test_id, facts.deadline_at());
        if let Some(cycle) = facts.test.cycle
            && !self.is_claimed(&facts.test.path, cycle)
        {
            let claim = Kept::new(test_id, claim_life(&facts.test));
            self.slots.insert((facts.test.path.clone(), cycle), claim);
        }
        let life = test_life(&facts.test);
        self.tests.insert(test_id, Kept::new(facts, life));
        self.open.open(test_id, look);
    }

    pub(super) fn is_claimed(&self, path: &str, cycle: i64) -> bool {
        self.slots.get(&(path.to_owned(), cycle)).and_then(Kept::alive).is_some()
    }

    fn facts(&self, test_id: TestId) -> Option<&Facts> {
        self.tests.get(&test_id).and_then(Kept::alive)
    }

    /// Lets `note` change a test, and marks it touched if `note` says that it did. `None` if the test is unknown.
    pub(super) fn note(&mut self, test_id: TestId, note: impl FnOnce(&mut Facts) -> bool) -> Option<bool> {
        self.facts(test_id)?;
        let changed = note(&mut self.tests.get_mut(&test_id)?.value);
        if changed {
            self.touched.insert(test_id);
        }
        Some(changed)
    }

    /// Answers whether the test is known.
    pub(super) fn stamp(&mut self, sighting: &Sighting) -> bool {
        let Sighting { test_id, stage, stamp } = sighting;
        self.note(*test_id, |facts| facts.stamps.add(*stage, stamp.clone())).is_some()
    }

    pub(super) fn open_tests(&self) -> Vec<Facts> {
        self.open.all().filter_map(|test_id| self.facts(test_id).cloned()).collect()
    }

    pub(super) fn open_count(&self) -> u64 {
        self.open.len() as u64
    }

    pub(super) fn due(&mut self, now: Moment, limit: usize) -> Due {
        for _ in 0..limit {
            let Some(touched) = self.touched.pop_first() else { break };
            self.open.hasten(touched, now);
        }
        let mut due = Due::default();
        for test_id in self.open.due(now, limit) {
            match self.facts(test_id) {
                Some(facts) => due.facts.push(facts.clone()),
                None => due.lost.push(test_id),
            }
        }
        due
    }

    pub(super) fn reschedule(&mut self, test_id: TestId, look: Moment) {
        self.open.reschedule(test_id, look);
    }

    pub(super) fn close(&mut self, test_id: TestId) {
        self.open.close(test_id);
        self.touched.remove(&test_id);
    }

    pub(super) fn keep(&mut self, test_id: TestId) {
        let Some(test) = self.facts(test_id).map(|facts| facts.test.clone()) else { return };
        let now = Instant::now();
        if let Some(kept) = self.tests.get_mut(&test_id) {
            kept.until = now + test_life(&test);
        }
        if let Some(cycle) = test.cycle
            && let Some(kept) = self.slots.get_mut(&(test.path.clone(), cycle))
        {
            kept.until = now + claim_life(&test);
        }
    }

    pub(super) fn save_reactor(&mut self, state: &ReactorState) {
        if let Some(position) = state.position {
            let kept = self.positions.entry((state.frame.clone(), state.event_type)).or_insert(position);
            *kept = position.max(*kept);
        }
        let key = (state.frame.clone(), state.event_type, state.node.clone());
        self.reactors.insert(key, Kept::new(state.clone(), REACTOR_SILENCE));
    }

    pub(super) fn reactors(&self) -> Vec<ReactorState> {
        self.reactors.values().filter_map(Kept::alive).cloned().collect()
    }

    pub(super) fn position(&self, frame: &str, event_type: EventType) -> Option<i64> {
        self.positions.get(&(frame.to_owned(), event_type)).copied()
    }

    pub(super) fn save_agent(&mut self, state: &AgentState) {
        let mut agents: BTreeMap<_, _> =
            self.agents().into_iter().map(|kept| (kept.agent.clone(), kept)).collect();
        agents.insert(state.agent.clone(), state.clone());
        self.agents = Some(Kept::new(agents, AGENT_SILENCE));
    }

    pub(super) fn agents(&self) -> Vec<AgentState> {
        self.agents
            .as_ref()
            .and_then(Kept::alive)
            .map_or_else(Vec::new, |agents| agents.values().cloned().collect())
    }

    fn prune(&mut self) {
        let now = Instant::now();
        if self.next_prune.is_some_and(|next| now < next) {
            return;
        }
        self.next_prune = Some(now + PRUNE_EVERY);
        self.tests.retain(|_, kept| now < kept.until);
        self.slots.retain(|_, kept| now < kept.until);
        self.reactors.retain(|_, kept| now < kept.until);
    }
}
