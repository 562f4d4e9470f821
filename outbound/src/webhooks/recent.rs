//! What was heard of a path lately, in the order of its slots: the rule of when it fails and when it has recovered.
//!
//! Verdicts don't come in the order of slots. A test that passes is decided at once, one that stays silent at its
//! deadline, when later ones have passed long ago. So what counts is not what was judged last, but the slot that lies
//! last among those that can tell.

use std::collections::BTreeMap;

use canary_domain::{Moment, Outcome, TestId};
use canary_store::{Brief, ToldState};

/// How many tests of a path are remembered: more than can be amended, and failures in a row are counted up to it.
pub(crate) const KEPT: usize = 1_000;

/// The tests of one path that tell of the platform: those that passed, were late or failed.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// Whether each passed, by registration.
    heard: BTreeMap<(Moment, TestId), bool>,
    /// The last of them.
    newest: Option<Brief>,
}

impl Recent {
    /// A verdict, or an amendment of one.
    pub fn hear(&mut self, brief: &Brief) {
        let key = (brief.registered_at, brief.test_id);
        if !brief.outcome.tells() {
            self.heard.remove(&key);
            return;
        }
        self.heard.insert(key, brief.outcome == Outcome::Passed);
        if self.heard.len() > KEPT {
            self.heard.pop_first();
        }
        if self.heard.last_key_value().is_some_and(|(newest, _)| *newest == key) {
            self.newest = Some(brief.clone());
        }
    }

    /// The test that lies last, if it is known in full.
    pub fn newest(&self) -> Option<&Brief> {
        let (key, _) = self.heard.last_key_value()?;
        self.newest.as_ref().filter(|brief| (brief.registered_at, brief.test_id) == *key)
    }

    /// How many tests in a row did not pass, up to the one that lies last.
    pub fn failures(&self) -> usize {
        self.heard.values().rev().take_while(|passed| !**passed).count()
    }

    /// How many tests in a row did not pass before the one that lies last, and when the first of them was registered.
    pub fn failed_before_newest(&self) -> (usize, Option<Moment>) {
        let failed = || self.heard.iter().rev().skip(1).take_while(|(_, passed)| !**passed);
        (failed().count(), failed().last().map(|((at, _), _)| *at))
    }

    /// When the first of the failures in a row was registered.
    pub fn failing_since(&self) -> Option<Moment> {
        let failed = self.heard.iter().rev().take_while(|(_, passed)| !**passed);
        failed.last().map(|((at, _), _)| *at)
    }

    /// The state to tell, if it is another than `told`: failing after so many failures in a row, passing again with the next
    /// test that passes.
    pub fn change(&self, told: ToldState, failing_after: usize) -> Option<ToldState> {
        let failures = self.failures();
        match told {
            ToldState::Passing => (failures >= failing_after).then_some(ToldState::Failing),
            ToldState::Failing => (failures == 0 && !self.heard.is_empty()).then_some(ToldState::Passing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Failed, Inconclusive, Late, Missed, Passed, Skipped};
    use canary_domain::{Backend, Origin};
    use chrono::TimeDelta;
    use uuid::Uuid;

    fn brief(slot: i64, outcome: Outcome) -> Brief {
        Brief {
            test_id: TestId::from(Uuid::from_u128(u128::try_from(slot).unwrap())),
            path: "p".into(),
            backend: Backend::Intra,
            origin: Origin::Schedule,
            cycle: Some(slot),
            period_ms: Some(60_000),
            registered_at: at(slot),
            judged_at: None,
            outcome,
            reason: None,
            missing: vec![],
            latency_ms: None,
            revision: 1,
            change: Some(slot),
        }
    }

    fn at(slot: i64) -> Moment {
        canary_domain::parse_iso("2026-11-21T01:22:00Z").unwrap() + TimeDelta::minutes(slot)
    }

    /// The states told when these slots are heard one after the other.
    fn told(heard: &[(i64, Outcome)]) -> Vec<ToldState> {
        let (mut recent, mut state, mut told) = (Recent::default(), ToldState::Passing, Vec::new());
        for (slot, outcome) in heard {
            recent.hear(&brief(*slot, *outcome));
            if let Some(next) = recent.change(state, 3) {
                state = next;
                told.push(next);
            }
        }
        told
    }

    #[test]
    fn a_path_fails_with_the_third_failure_in_a_row_and_recovers_with_the_next_pass() {
        use ToldState::{Failing, Passing};
        assert_eq!(told(&[(1, Failed), (2, Late)]), []);
        assert_eq!(told(&[(1, Failed), (2, Passed), (3, Failed), (4, Failed)]), []);
        assert_eq!(told(&[(1, Failed), (2, Late), (3, Failed), (4, Failed), (5, Failed)]), [Failing]);
        assert_eq!(
            told(&[(1, Failed), (2, Failed), (3, Failed), (4, Passed), (5, Failed)]),
            [Failing, Passing]
        );
    }

    #[test]
    fn what_can_not_tell_neither_breaks_nor_mends_a_path() {
        use ToldState::Failing;
        let others = [(2, Inconclusive), (4, Skipped), (6, Missed)];
        let between =
            [&[(1, Failed)], &others[..1], &[(3, Failed)], &others[1..2], &[(5, Failed)], &others[2..]];
        assert_eq!(told(&between.concat()), [Failing]);
        assert_eq!(told(&others), []);
        // One that could tell at first and can't any more.
        assert_eq!(told(&[(1, Failed), (2, Failed), (2, Inconclusive), (3, Failed)]), []);
    }

    #[test]
    fn the_order_of_slots_counts_and_not_that_of_verdicts() {
        use ToldState::{Failing, Passing};
        // Three that hang are judged after a fourth that passed: the path had recovered by then.
        assert_eq!(told(&[(4, Passed), (1, Failed), (2, Failed), (3, Failed)]), []);
        // A pass of before they hung says nothing.
        assert_eq!(told(&[(2, Failed), (3, Failed), (4, Failed), (1, Passed)]), [Failing]);
        // An amendment of the last slot counts as it is now.
        assert_eq!(told(&[(1, Failed), (2, Failed), (3, Failed), (3, Passed)]), [Failing, Passing]);
    }

    #[test]
    fn since_when_and_how_often_are_counted_over_the_failures_in_a_row() {
        let mut recent = Recent::default();
        for (slot, outcome) in [(1, Passed), (3, Failed), (5, Late), (4, Failed)] {
            recent.hear(&brief(slot, outcome));
        }
        assert_eq!((recent.failures(), recent.failing_since()), (3, Some(at(3))));
        assert_eq!(
            recent.newest().unwrap().cycle,
            Some(5),
            "the slot that lies last, not the one heard last"
        );
        recent.hear(&brief(6, Passed));
        assert_eq!(recent.failed_before_newest(), (3, Some(at(3))));
        assert_eq!((recent.failures(), recent.failing_since()), (0, None));
    }

    #[test]
    fn no_more_is_remembered_than_can_matter() {
        let mut recent = Recent::default();
        for slot in 0..3_000 {
            recent.hear(&brief(slot, Failed));
        }
        assert_eq!((recent.failures(), recent.heard.len()), (KEPT, KEPT));
        recent.hear(&brief(0, Failed));
        assert_eq!(recent.failing_since(), Some(at(2_000)), "the newest are kept");
    }
}
