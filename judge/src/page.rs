//! Judges a page of due tests: no I/O, so that what a sweep decides can be read in one place.

use std::borrow::Cow;

use canary_domain::{
    Coverage, Facts, Group, Interval, Judgement, Moment, Outcome, Patience, Reason, Stamp, Term, TestId,
    Verdict, judge,
};
use canary_store::{FactsRow, ReactorState, ResultRow};
use chrono::{DurationRound, TimeDelta};

/// What the reactors of the local frame, of all instances together, have certainly seen.
pub(crate) fn coverage(reactors: &[ReactorState], local_frame: &str) -> Coverage {
    let mut coverage = Coverage::default();
    for state in reactors.iter().filter(|state| state.frame == local_frame) {
        if let Some(seen) = state.covered {
            coverage.add(state.event_type, seen);
        }
    }
    coverage
}

/// How a page is looked at: what a judge does with facts, without the stores they come from and go to.
#[derive(Clone, Debug)]
pub struct Look {
    /// What the reactors have certainly seen; read before the facts that it is held against.
    pub coverage: Coverage,
    /// How long the judge waits for what may still come.
    pub patience: Patience,
    /// The moment of the sweep.
    pub now: Moment,
    /// The judge's term.
    pub term: Term,
}

/// One test of a page, and what it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What is to be written.
    pub row: FactsRow,
    /// When to look again; `None` closes the test.
    pub look_again: Option<Moment>,
}

impl Look {
    /// Judges what the board knows of a test.
    #[must_use]
    pub fn at(&self, facts: Facts) -> Judged {
        let coverage = self.coverage_of(&facts);
        self.with(facts, &coverage)
    }

    /// What a restored test lacks may have been seen and stamped before the board lost it, so that the reactors
    /// have looked says nothing against the platform (I5). That nothing is known of its call is still the
    /// runner's own doing.
    fn coverage_of(&self, facts: &Facts) -> Cow<'_, Coverage> {
        if facts.restored && (facts.answer.is_some() || facts.stamps.landed()) {
            Cow::Owned(Coverage::default())
        } else {
            Cow::Borrowed(&self.coverage)
        }
    }

    fn with(&self, facts: Facts, coverage: &Coverage) -> Judged {
        let Judgement { verdict, look_again } = judge(&facts, coverage, &self.patience, self.now);
        let row = FactsRow { facts, verdict, judged_at: self.now, judge_term: self.term };
        Judged { row, look_again: look_again.map(|at| self.later(at)) }
    }

    /// The board counts in whole milliseconds. Rounded up, and never the present one, a look that was just
    /// set can't be due again in the sweep that set it.
    fn later(&self, at: Moment) -> Moment {
        let ms = TimeDelta::milliseconds(1);
        at.duration_round_up(ms).unwrap_or(at).max(self.now + ms)
    }

    /// Whether the ledger may know better: the board has lost something here, or would look just so if it had.
    #[must_use]
    pub fn is_doubtful(&self, judged: &Judged) -> bool {
        let Judged { row: FactsRow { facts, verdict, .. }, .. } = judged;
        let lacks_facts = |verdict: &Verdict| facts.answer.is_none() || !verdict.missing.is_empty();
        facts.restored || verdict.as_ref().is_some_and(lacks_facts) || self.lacks_coverage(judged)
    }

    /// Whether this came out as it did only because coverage is missing.
    fn lacks_coverage(&self, judged: &Judged) -> bool {
        let Some(verdict) = &judged.row.verdict else {
            return self.now >= judged.row.facts.deadline_at();
        };
        match verdict.reason {
            Some(Reason::ObserverBlind | Reason::StateLost) => true,
            Some(Reason::Rejected | Reason::Unavailable | Reason::FireTimeout) => {
                verdict.landed.is_none() && self.now >= judged.row.facts.deadline_at()
            }
            Some(
                Reason::Refunded
                | Reason::Timeout
                | Reason::Mismatch
                | Reason::RefundedAfterSettled
                | Reason::RunnerLost
                | Reason::Credentials
                | Reason::Paused
                | Reason::Maintenance
                | Reason::NoLeader
                | Reason::Overrun
                | Reason::LeaseLost
                | Reason::RateLimited,
            )
            | None => false,
        }
    }

    /// Looks again with the facts that the ledger has too, and the coverage that its verdict proves. Reactors
    /// restart and boards are flushed: what was certainly seen once stays seen, or a touch would take a verdict
    /// back (I3, I6).
    #[must_use]
    pub fn again(&self, judged: &Judged, known: &ResultRow) -> Judged {
        let facts = together(&judged.row.facts, &known.facts);
        let mut coverage = self.coverage_of(&facts).into_owned();
        prove(&mut coverage, known, &facts);
        self.with(facts, &coverage)
    }
}

/// What a row's verdict proves to have been looked at, for the same deadline.
pub(crate) fn prove(coverage: &mut Coverage, known: &ResultRow, facts: &Facts) {
    if !proves_coverage(known) || known.deadline_at != Some(facts.deadline_at()) {
        return;
    }
    let seen = Interval { from: facts.start(), until: facts.deadline_at() };
    let groups = facts.test.backend.rule().done.iter().filter(|group| was_awaited(group, known, facts));
    for stage in groups.flat_map(|group| group.any_of) {
        coverage.add(stage.event_type(), seen);
    }
}

/// Whether the verdict rests on having looked for this group. One that the rules didn't have then was not looked for.
fn was_awaited(group: &Group, known: &ResultRow, facts: &Facts) -> bool {
    let met = group.any_of.iter().filter_map(|stage| facts.stamps.get(*stage)).map(Stamp::counted).min();
    known.landed == Some(false)
        || known.missing.iter().any(|name| name == group.name)
        || met.is_some_and(|met| met > facts.deadline_at())
}

/// What the board and the ledger know of a test together. If the board has lost what the ledger has, it may have
/// lost more.
fn together(board: &Facts, ledger: &Facts) -> Facts {
    let mut facts = board.clone();
    if facts.fired_at < ledger.fired_at {
        (facts.fired_at, facts.fired_error_us) = (ledger.fired_at, ledger.fired_error_us);
    }
    facts.answer = facts.answer.or_else(|| ledger.answer.clone());
    facts.mismatch = facts.mismatch.or_else(|| ledger.mismatch.clone());
    for (stage, stamp) in ledger.stamps.iter() {
        facts.stamps.add(stage, stamp.clone());
    }
    let restored = facts.restored || facts != *board;
    Facts { restored, ..facts }
}

/// Whether such a verdict is given only when all that was missing was looked for in vain.
fn proves_coverage(row: &ResultRow) -> bool {
    let silence = match row.reason {
        Some(Reason::Timeout) => true,
        // Without missing stages it was decided by a stamp that came too late to tell.
        Some(Reason::RunnerLost) => !row.missing.is_empty(),
        Some(
            Reason::Refunded
            | Reason::Rejected
            | Reason::Unavailable
            | Reason::FireTimeout
            | Reason::Mismatch
            | Reason::RefundedAfterSettled
            | Reason::ObserverBlind
            | Reason::StateLost
            | Reason::Credentials
            | Reason::Paused
            | Reason::Maintenance
            | Reason::NoLeader
            | Reason::Overrun
            | Reason::LeaseLost
            | Reason::RateLimited,
        )
        | None => false,
    };
    silence || row.outcome == Outcome::Late || row.landed == Some(false)
}

/// What the board is told of a page, once the ledger has it.
#[derive(Debug, Default)]
pub(crate) struct Next {
    pub(crate) looks: Vec<(TestId, Moment)>,
    pub(crate) close: Vec<TestId>,
}

impl Next {
    pub(crate) fn of(page: &[Judged]) -> Self {
        let mut next = Self::default();
        for judged in page {
            let test_id = judged.row.facts.test.test_id;
            match judged.look_again {
                Some(at) => next.looks.push((test_id, at)),
                None => next.close.push(test_id),
            }
        }
        next
    }

    /// These are looked at again at this moment, whatever was decided of them.
    pub(crate) fn postpone(&mut self, tests: &[TestId], at: Moment) {
        self.looks.retain(|(test_id, _)| !tests.contains(test_id));
        self.close.retain(|test_id| !tests.contains(test_id));
        self.looks.extend(tests.iter().map(|test_id| (*test_id, at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::{Answer, Backend, EventType, FireStatus, Origin, Test};
    use std::time::Duration;

    fn at(ms: i64) -> Moment {
        canary_domain::parse_iso("2026-11-21T01:22:33.000700Z").unwrap() + TimeDelta::milliseconds(ms)
    }

    fn accepted() -> Facts {
        let mut facts = Facts::registered(Test {
            test_id: TestId::random(),
            canary: "test".into(),
            path: "p".into(),
            backend: Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(1),
            period_ms: Some(60_000),
            term: 1,
            source_frame: "a".into(),
            dest_frame: "a".into(),
            sender: "did:alpha".into(),
            receiver: "did:bravo".into(),
            amount: "0.01".parse().unwrap(),
            registered_at: at(-10),
            deadline: Duration::from_secs(30),
            watch: Duration::from_secs(600),
        });
        facts.fired_at = Some(at(0));
        let status = FireStatus::Accepted;
        facts.answer = Some(Answer { at: at(20), status, code: Some(200), transfer_id: None, error: None });
        facts
    }

    fn look(now: Moment) -> Look {
        let mut coverage = Coverage::default();
        for event_type in EventType::ALL {
            coverage.add(*event_type, Interval { from: at(-60_000), until: now });
        }
        let patience = Patience { blind_after: Duration::from_secs(60), look_again: Duration::from_secs(5) };
        Look { coverage, patience, now, term: 1 }
    }

    #[test]
    fn a_look_that_was_just_set_is_not_due_in_the_sweep_that_set_it() {
        for us in [-700, -100, 0, 100] {
            let now = at(30_000) + TimeDelta::microseconds(us);
            let next = look(now).at(accepted()).look_again.unwrap();
            assert!(next.timestamp_millis() > now.timestamp_millis(), "{us} µs from the deadline");
        }
    }

    #[test]
    fn silence_speaks_against_the_platform_unless_the_board_had_lost_the_test() {
        let reason = |facts, seconds: i64| {
            let judged = look(at(seconds * 1_000)).at(facts);
            judged.row.verdict.and_then(|verdict| verdict.reason)
        };
        let restored = Facts { restored: true, ..accepted() };
        assert_eq!(reason(accepted(), 31), Some(Reason::Timeout));
        assert_eq!(reason(restored.clone(), 31), None);
        assert_eq!(reason(restored, 91), Some(Reason::StateLost));
        let unanswered = Facts { restored: true, answer: None, ..accepted() };
        assert_eq!(reason(unanswered, 31), Some(Reason::RunnerLost));
    }

    #[test]
    fn only_the_local_frames_reactors_cover() {
        let state = |frame: &str| ReactorState {
            frame: frame.into(),
            event_type: EventType::TokensTransferred,
            node: "n".into(),
            position: None,
            covered: Some(Interval { from: at(0), until: at(10) }),
            connected: true,
            last_event_at: None,
            events_total: 0,
            matched_total: 0,
            reconnects_total: 0,
        };
        let covers = |states: &[ReactorState]| {
            coverage(states, "a").covers(EventType::TokensTransferred, at(1), at(2))
        };
        assert!(covers(&[state("b"), state("a")]));
        assert!(!covers(&[state("b")]));
    }
}
