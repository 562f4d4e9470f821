//! A ledger as plain as can be: a map of rows, and the rules of the `Ledger` trait written out once more.

use std::collections::BTreeMap;

use canary_domain::{Facts, Hold, HoldKind, Moment, Origin, Outcome, TestId, Verdict, Withheld};
use canary_store::{Change, FactsRow, ResultRow, Unfired};
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;

use super::step::{PATHS, Step, begin, made, row, steps, unfired};
use crate::fixtures::at;

/// What a step is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answered {
    #[default]
    Nothing,
    Yes(bool),
    Written(Vec<TestId>),
    Changed(Vec<Change>),
    Count(u64),
}

/// A hold, and when maintenance ended early.
#[derive(Clone, Debug)]
struct Placed {
    hold: Hold,
    ended: Option<Moment>,
}

/// The plain ledger.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    pub rows: BTreeMap<TestId, ResultRow>,
    /// The tests whose rows changed, each at the place of its last change.
    pub feed: Vec<TestId>,
    holds: Vec<Placed>,
    pub mark: Option<i64>,
    pub answered: Answered,
}

fn result(facts: Facts, verdict: Option<&Verdict>) -> ResultRow {
    let deadline = facts.fired_at.is_some() || facts.withheld.is_none();
    ResultRow {
        deadline_at: deadline.then(|| facts.deadline_at()),
        outcome: verdict.map_or(Outcome::Pending, |verdict| verdict.outcome),
        reason: verdict.and_then(|verdict| verdict.reason),
        missing: verdict.iter().flat_map(|verdict| verdict.missing.iter().map(ToString::to_string)).collect(),
        completed_at: verdict.and_then(|verdict| verdict.completed_at),
        decided_as_of: verdict.map(|verdict| verdict.decided_as_of),
        judged_at: None,
        latency_ms: verdict.and_then(|verdict| verdict.latency_ms),
        latency_basis: verdict.and_then(|verdict| verdict.latency_basis),
        clock_error_ms: verdict.and_then(|verdict| verdict.clock_error_ms),
        landed: verdict.and_then(|verdict| verdict.landed),
        revision: 0,
        judge_term: 0,
        facts,
    }
}

fn not_fired(unfired: Unfired) -> ResultRow {
    let Unfired { test, reason, at } = unfired;
    let withheld = Some(Withheld { at, reason, code: None });
    ResultRow {
        outcome: reason.outcome(),
        reason: Some(reason),
        decided_as_of: Some(at),
        judged_at: Some(at),
        revision: 1,
        ..result(Facts { withheld, ..Facts::registered(test) }, None)
    }
}

fn knows_less(news: &Facts, row: &Facts) -> bool {
    row.fired_at.is_some() && news.fired_at.is_none()
        || row.answer.is_some() && news.answer.is_none()
        || row.mismatch.is_some() && news.mismatch.is_none()
        || row.stamps.iter().any(|(stage, _)| news.stamps.get(stage).is_none())
}

impl Plain {
    fn is_free(&self, test: &canary_domain::Test) -> bool {
        let slot = |row: &ResultRow| {
            let there = &row.facts.test;
            test.cycle.is_some() && (there.path.as_str(), there.cycle) == (test.path.as_str(), test.cycle)
        };
        !self.rows.contains_key(&test.test_id) && !self.rows.values().any(slot)
    }

    /// Numbers these changes by registration and id, after all that there were.
    fn tell(&mut self, mut changed: Vec<TestId>) {
        changed.sort_by_key(|test| (self.rows[test].facts.test.registered_at, *test));
        self.feed.retain(|test| !changed.contains(test));
        self.feed.extend(changed);
    }

    fn claim(&mut self, index: usize) -> Answered {
        let test = made(index);
        let free = self.is_free(&test);
        if free {
            let result = result(Facts::registered(test.clone()), None);
            self.rows.insert(test.test_id, result);
        }
        Answered::Yes(free)
    }

    fn write_unfired(&mut self, rows: Vec<Unfired>) -> Answered {
        let mut written = Vec::new();
        for unfired in rows {
            let test_id = unfired.test.test_id;
            if self.is_free(&unfired.test) {
                self.rows.insert(test_id, not_fired(unfired));
                written.push(test_id);
            }
        }
        self.tell(written.clone());
        written.sort_unstable();
        Answered::Written(written)
    }

    /// Of two records of one test the later counts; new rows come before those that changed.
    fn record(&mut self, rows: Vec<FactsRow>) -> Answered {
        let wanted: BTreeMap<TestId, FactsRow> =
            rows.into_iter().map(|row| (row.facts.test.test_id, row)).collect();
        let (there, new): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|(test, _)| self.rows.contains_key(test));
        let (mut arrived, mut amended, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for (test, news) in new {
            if self.is_free(&news.facts.test) {
                changes.extend(self.arrive(test, news));
                arrived.extend((self.rows[&test].revision > 0).then_some(test));
            }
        }
        for (test, news) in there {
            if let Some(change) = self.amend(test, news) {
                changes.push(change);
                amended.push(test);
            }
        }
        self.tell(arrived);
        self.tell(amended);
        changes.sort_by_key(|change| change.test_id);
        Answered::Changed(changes)
    }

    fn arrive(&mut self, test_id: TestId, news: FactsRow) -> Option<Change> {
        let mut result = result(news.facts, news.verdict.as_ref());
        if news.verdict.is_some() {
            (result.revision, result.judged_at) = (1, Some(news.judged_at));
        }
        result.judge_term = news.judge_term;
        let after = result.outcome;
        self.rows.insert(test_id, result);
        let change = Change { test_id, before: None, reason_before: None, after, revision: 1 };
        (after != Outcome::Pending).then_some(change)
    }

    fn amend(&mut self, test_id: TestId, news: FactsRow) -> Option<Change> {
        let row = self.rows.get_mut(&test_id)?;
        let before = row.clone();
        let taken_back = news.verdict.is_none() && before.outcome != Outcome::Pending;
        if news.judge_term < row.judge_term || taken_back || knows_less(&news.facts, &before.facts) {
            return None;
        }
        let next = ResultRow {
            judged_at: before.judged_at,
            revision: before.revision,
            judge_term: news.judge_term,
            ..result(news.facts, news.verdict.as_ref())
        };
        let same = next == ResultRow { judge_term: news.judge_term, ..before.clone() };
        *row = next;
        if same || news.verdict.is_none() {
            return None;
        }
        row.judged_at = Some(news.judged_at);
        row.revision += 1;
        Some(Change {
            test_id,
            before: Some(before.outcome),
            reason_before: before.reason,
            after: row.outcome,
            revision: row.revision,
        })
    }

    fn prune(&mut self, cycle: i64, limit: i64) -> Answered {
        let open = |path: &str| {
            let open = self.rows.values().filter(|row| {
                let test = &row.facts.test;
                row.outcome == Outcome::Pending && test.origin == Origin::Schedule && test.path == path
            });
            open.map(|row| row.facts.test.registered_at).min()
        };
        let mut old: Vec<(Moment, TestId)> = Vec::new();
        for (test, row) in &self.rows {
            let at = row.facts.test.registered_at;
            let kept = open(&row.facts.test.path).is_some_and(|open| open < at);
            if at < begin(cycle) && row.outcome != Outcome::Pending && !kept {
                old.push((at, *test));
            }
        }
        old.sort_unstable();
        old.truncate(usize::try_from(limit).unwrap());
        for (_, test) in &old {
            self.rows.remove(test);
            self.feed.retain(|told| told != test);
        }
        Answered::Count(old.len() as u64)
    }

    /// An open pause of a path is there once; one that would begin later begins with the new one.
    fn place(&mut self, hold: &Hold) -> Answered {
        let is_open = |hold: &Hold| hold.kind == HoldKind::Pause && hold.until.is_none();
        let open = self.holds.iter_mut().map(|placed| &mut placed.hold);
        let mut open = open.filter(|kept| is_open(hold) && is_open(kept) && kept.path == hold.path);
        let placed = match open.next() {
            Some(kept) => {
                let earlier = hold.from < kept.from;
                kept.from = kept.from.min(hold.from);
                earlier
            }
            None => {
                self.holds.push(Placed { hold: hold.clone(), ended: None });
                true
            }
        };
        Answered::Yes(placed)
    }

    fn lift(&mut self, path: &str, at: Moment) -> Answered {
        let mut lifted = 0;
        for Placed { hold, .. } in &mut self.holds {
            let on = hold.until.is_none_or(|until| until > at && until > hold.from);
            if hold.kind == HoldKind::Pause && hold.path.as_deref() == Some(path) && on {
                hold.until = Some(at.max(hold.from));
                lifted += 1;
            }
        }
        Answered::Count(lifted)
    }

    fn end_maintenance(&mut self, at: Moment) -> Answered {
        let mut over = 0;
        for Placed { hold, ended } in &mut self.holds {
            let on = ended.is_none() && hold.until.is_none_or(|until| until > at);
            if hold.kind == HoldKind::Maintenance && on {
                *ended = Some(at);
                over += 1;
            }
        }
        Answered::Count(over)
    }

    /// Holds as they really were or are to be, that were on at or after a moment.
    pub fn holds_since(&self, since: Moment) -> Vec<Hold> {
        let real = self.holds.iter().map(|Placed { hold, ended }| Hold {
            until: match (hold.until, *ended) {
                (Some(until), Some(ended)) => Some(until.min(ended)),
                (until, ended) => until.or(ended),
            },
            ..hold.clone()
        });
        let on = |hold: &Hold| hold.until.is_none_or(|until| until > since && until > hold.from);
        let mut holds: Vec<Hold> = real.filter(on).collect();
        holds.sort_by_key(|hold| hold.from);
        holds
    }

    /// Scheduled rows of a path.
    pub fn slots(&self, path: &str) -> Vec<&ResultRow> {
        let rows = self.rows.values();
        rows.filter(|row| row.facts.test.cycle.is_some() && row.facts.test.path == path).collect()
    }
}

impl ReferenceStateMachine for Plain {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        steps()
    }

    fn apply(mut plain: Self, step: &Step) -> Self {
        plain.answered = match step {
            Step::Claim { test } => plain.claim(*test),
            Step::WriteUnfired { rows } => plain.write_unfired(rows.iter().map(unfired).collect()),
            Step::Record { rows } => plain.record(rows.iter().map(row).collect()),
            Step::Prune { cycle, limit } => plain.prune(*cycle, *limit),
            Step::PlaceHold { hold } => plain.place(hold),
            Step::LiftPause { path, ms } => plain.lift(PATHS[*path], at(*ms)),
            Step::EndMaintenance { ms } => plain.end_maintenance(at(*ms)),
            Step::SaveMark { change } => {
                let on = plain.mark < Some(*change);
                plain.mark = plain.mark.max(Some(*change));
                Answered::Yes(on)
            }
        };
        plain
    }
}
