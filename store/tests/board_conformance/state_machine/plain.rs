//! A board as plain as can be: maps, and the rules of the `Board` trait written out once more.
#![expect(clippy::wildcard_enum_match_arm, reason = "each function takes the steps that it is handed")]

use std::collections::{BTreeMap, BTreeSet};

use canary_domain::{Facts, Moment, TestId};
use canary_store::Announcement;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use super::step::{Step, id, moment_at, sighting, steps, test, withheld};

/// What a step is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answered {
    #[default]
    Nothing,
    Led(bool),
    Yes(bool),
    Registered(&'static str),
    Unknown(Vec<TestId>),
    Due(Vec<Facts>),
}

/// The plain board.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    /// All leaderships that there ever were: role and node.
    pub leads: Vec<(usize, usize)>,
    /// Who holds each role: a number of `leads`.
    pub holders: [Option<usize>; 2],
    pub tests: BTreeMap<TestId, Facts>,
    pub claims: BTreeSet<i64>,
    pub open: BTreeMap<TestId, Moment>,
    pub touched: BTreeSet<TestId>,
    pub position: Option<i64>,
    /// What each node's reactor last said of its position.
    pub reactors: BTreeMap<usize, Option<i64>>,
    /// What the last step was answered, and what it announced.
    pub answered: Answered,
    pub announced: Vec<Announcement>,
}

impl Plain {
    /// The open tests that are there, in the order of their looks.
    pub fn open_facts(&self) -> Vec<Facts> {
        self.looks_until(None).into_iter().map(|test| self.tests[&test].clone()).collect()
    }

    fn looks_until(&self, now: Option<Moment>) -> Vec<TestId> {
        let mut looks: Vec<(Moment, TestId)> = self.open.iter().map(|(test, look)| (*look, *test)).collect();
        looks.sort_unstable();
        looks
            .into_iter()
            .filter(|(look, _)| now.is_none_or(|now| *look <= now))
            .map(|(_, test)| test)
            .collect()
    }

    fn put(&mut self, facts: Facts) {
        let test = &facts.test;
        self.claims.extend(test.cycle);
        self.open.insert(test.test_id, facts.deadline_at());
        self.announced.push(Announcement::Test { test: Box::new(test.clone()) });
        if let Some(transfer_id) = facts.transfer_id() {
            let (test_id, transfer_id) = (test.test_id, transfer_id.to_owned());
            self.announced.push(Announcement::Transfer { test_id, transfer_id });
        }
        self.tests.insert(facts.test.test_id, facts);
    }

    fn register(&mut self, lead: usize, lapsed: bool, index: usize) -> &'static str {
        let test = test(index);
        let (role, _) = self.leads[lead];
        if lapsed || self.holders[role] != Some(lead) {
            return "not leading";
        }
        let claimed = test.cycle.is_some_and(|cycle| self.claims.contains(&cycle));
        if claimed || self.tests.contains_key(&test.test_id) {
            return "taken";
        }
        self.put(Facts::registered(test));
        "registered"
    }

    /// Lets `note` change a test that is there; one that changed is touched.
    fn note(&mut self, index: usize, note: impl FnOnce(&mut Facts)) -> Answered {
        let Some(facts) = self.tests.get_mut(&id(index)) else { return Answered::Yes(false) };
        let before = facts.clone();
        note(facts);
        if *facts != before {
            self.touched.insert(id(index));
        }
        Answered::Yes(true)
    }

    fn restore(&mut self, facts: &Facts) {
        let test_id = facts.test.test_id;
        if !self.tests.contains_key(&test_id) {
            self.put(Facts { restored: true, ..facts.clone() });
            self.touched.insert(test_id);
        }
    }

    fn due(&mut self, now: Moment) -> Vec<Facts> {
        for test in std::mem::take(&mut self.touched) {
            if let Some(look) = self.open.get_mut(&test) {
                *look = now.min(*look);
            }
        }
        self.looks_until(Some(now)).into_iter().map(|test| self.tests[&test].clone()).collect()
    }

    fn lead(&mut self, step: &Step) -> Answered {
        match *step {
            Step::Acquire { role, node } => {
                let free = self.holders[role].is_none();
                if free {
                    self.holders[role] = Some(self.leads.len());
                    self.leads.push((role, node));
                }
                Answered::Led(free)
            }
            Step::Renew { lead, as_other_node } => {
                Answered::Yes(!as_other_node && self.holders[self.leads[lead].0] == Some(lead))
            }
            Step::Release { lead, as_other_node } => {
                let role = self.leads[lead].0;
                if !as_other_node && self.holders[role] == Some(lead) {
                    self.holders[role] = None;
                }
                Answered::Nothing
            }
            Step::Register { lead, lapsed, test } => Answered::Registered(self.register(lead, lapsed, test)),
            _ => unreachable!("{step:?} takes no lead"),
        }
    }

    fn tell(&mut self, step: &Step) -> Answered {
        match step {
            Step::NoteFired { test, ms } => self.note(*test, |facts| {
                if facts.fired_at < Some(moment_at(*ms)) {
                    (facts.fired_at, facts.fired_error_us) = (Some(moment_at(*ms)), 55);
                }
            }),
            Step::NoteAnswer { test, answer } => {
                let first = self.tests.get(&id(*test)).is_some_and(|facts| facts.answer.is_none());
                if let Some(transfer_id) = answer.transfer_id.clone().filter(|_| first) {
                    self.announced.push(Announcement::Transfer { test_id: id(*test), transfer_id });
                }
                self.note(*test, |facts| facts.answer = facts.answer.take().or_else(|| Some(answer.clone())))
            }
            Step::NoteWithheld { test, ms } => self
                .note(*test, |facts| facts.withheld = facts.withheld.take().or_else(|| Some(withheld(*ms)))),
            Step::NoteMismatch { test, mismatch } => self.note(*test, |facts| {
                let kept = facts.mismatch.take().unwrap_or_else(|| mismatch.clone());
                facts.mismatch = Some(kept.min(mismatch.clone()));
            }),
            _ => unreachable!("{step:?} tells of no test"),
        }
    }

    fn stamp(&mut self, batch: &[(usize, canary_domain::Stage, canary_domain::Stamp)]) -> Answered {
        let mut unknown = Vec::new();
        for seen in batch {
            let found = sighting(seen);
            let earliest = |facts: &mut Facts| {
                let kept = facts.stamps.get(found.stage).cloned();
                if kept.is_none_or(|kept| found.stamp < kept) {
                    facts.stamps.add(found.stage, found.stamp.clone());
                }
            };
            if self.note(seen.0, earliest) == Answered::Yes(false) {
                unknown.push(found.test_id);
            }
        }
        Answered::Unknown(unknown)
    }
}

impl ReferenceStateMachine for Plain {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Step> {
        steps(state.leads.len())
    }

    fn preconditions(state: &Self, step: &Step) -> bool {
        match step {
            Step::Renew { lead, .. } | Step::Release { lead, .. } | Step::Register { lead, .. } => {
                *lead < state.leads.len()
            }
            _ => true,
        }
    }

    fn apply(mut plain: Self, step: &Step) -> Self {
        plain.announced.clear();
        plain.answered = match step {
            Step::Acquire { .. } | Step::Renew { .. } | Step::Release { .. } | Step::Register { .. } => {
                plain.lead(step)
            }
            Step::NoteFired { .. }
            | Step::NoteAnswer { .. }
            | Step::NoteWithheld { .. }
            | Step::NoteMismatch { .. } => plain.tell(step),
            Step::RegisterFree { test: index } => {
                let test = test(*index);
                let free = test.cycle.is_none() && !plain.tests.contains_key(&test.test_id);
                if free {
                    plain.put(Facts::registered(test));
                }
                Answered::Yes(free)
            }
            Step::Stamp { batch } => plain.stamp(batch),
            Step::Restore { facts } => {
                facts.iter().for_each(|(_, facts)| plain.restore(facts));
                Answered::Nothing
            }
            Step::Due { ms } => Answered::Due(plain.due(moment_at(*ms))),
            Step::Reschedule { looks } => {
                for (test, ms) in looks {
                    plain.open.entry(id(*test)).and_modify(|look| *look = moment_at(*ms));
                }
                Answered::Nothing
            }
            Step::Close { tests } => {
                for test in tests {
                    plain.open.remove(&id(*test));
                    plain.touched.remove(&id(*test));
                }
                Answered::Nothing
            }
            Step::Keep { .. } => Answered::Nothing,
            Step::SavePosition { node, position } => {
                plain.reactors.insert(*node, *position);
                plain.position = plain.position.max(*position);
                Answered::Nothing
            }
            // Those who led remember that they did.
            Step::Forget => return Self { leads: plain.leads, ..Self::default() },
        };
        plain
    }
}
