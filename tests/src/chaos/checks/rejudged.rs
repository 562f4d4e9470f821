//! I3: the same facts give the same verdict, whenever they are judged.
//!
//! Coverage is no part of a row, and neither is whether the board ever forgot the test. So the facts that the ledger holds are
//! judged once more, long after, with all coverage and with none: the verdict has to be one of those, and where they
//! agree there is no choice.

use canary_domain::{Coverage, EventType, Facts, Interval, Outcome, Patience, Verdict, judge};
use canary_store::ResultRow;
use chrono::TimeDelta;

use super::super::history::Moment;
use super::super::{History, Invariant, Violation};

/// After every watch.
const LATER: TimeDelta = TimeDelta::days(1);
/// A column holds microseconds, and a fraction of a millisecond.
const SAME_MS: f64 = 0.001_1;

pub(super) fn check(history: &History) -> Vec<Violation> {
    let judged = history.ledger.iter().filter(|row| row.outcome != Outcome::Pending);
    let other = judged.filter_map(|row| {
        let verdicts = verdicts(history, row);
        let found = verdicts.iter().any(|verdict| is_of(verdict, row));
        (!found).then(|| format!("{row:?} is not one of {verdicts:?}"))
    });
    let other: Vec<String> = other.collect();
    let what = "facts judged once more give another verdict";
    if other.is_empty() { Vec::new() } else { vec![Violation::of(Invariant::I3, what, other)] }
}

/// What the facts can be judged to be.
fn verdicts(history: &History, row: &ResultRow) -> Vec<Verdict> {
    let patience = Patience { blind_after: history.blind_after, look_again: history.blind_after };
    let mut verdicts: Vec<Verdict> = Vec::new();
    for restored in [false, true] {
        let facts = Facts { restored, ..row.facts.clone() };
        for coverage in [full(&facts), Coverage::default()] {
            let now = facts.start() + LATER;
            verdicts.extend(judge(&facts, &coverage, &patience, now).verdict);
        }
    }
    verdicts
}

fn full(facts: &Facts) -> Coverage {
    let mut coverage = Coverage::default();
    let (from, until): (Moment, Moment) = (facts.start() - LATER, facts.start() + LATER);
    for event_type in EventType::ALL {
        coverage.add(*event_type, Interval { from, until });
    }
    coverage
}

fn is_of(verdict: &Verdict, row: &ResultRow) -> bool {
    let close = |one: Option<f64>, other: Option<f64>| match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() < SAME_MS,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    verdict.outcome == row.outcome
        && verdict.reason == row.reason
        && verdict.missing == row.missing
        && Some(verdict.decided_as_of) == row.decided_as_of
        && verdict.completed_at == row.completed_at
        && close(verdict.latency_ms, row.latency_ms)
        && verdict.latency_basis == row.latency_basis
        && close(verdict.clock_error_ms, row.clock_error_ms)
        && verdict.landed == row.landed
}

#[cfg(test)]
mod tests {
    use super::super::doctored::found;
    use super::*;
    use canary_domain::Reason;

    const WHAT: &str = "I3: facts judged once more give another verdict";

    #[test]
    fn a_verdict_that_the_facts_do_not_give_is_found() {
        let found = found(check, |history| {
            history.ledger[0].outcome = Outcome::Failed;
            history.ledger[0].reason = Some(Reason::Timeout);
        });
        assert_eq!(found, [WHAT]);
    }

    #[test]
    fn a_latency_or_a_moment_that_the_facts_do_not_give_is_found() {
        let later = |moment: Option<Moment>| moment.map(|moment| moment + TimeDelta::milliseconds(1));
        let of_the_sweep = |history: &mut History| {
            let row = &mut history.ledger[0];
            row.decided_as_of = later(row.decided_as_of);
        };
        assert_eq!(found(check, of_the_sweep), [WHAT]);
        let slower = |history: &mut History| history.ledger[0].latency_ms = Some(999.0);
        assert_eq!(found(check, slower), [WHAT]);
    }

    #[test]
    fn silence_is_what_coverage_says_it_is() {
        let silent = |reason, outcome, as_of: i64| {
            move |history: &mut History| {
                let row = &mut history.ledger[0];
                row.facts.stamps = canary_domain::Stamps::default();
                (row.reason, row.outcome) = (Some(reason), outcome);
                row.missing = vec!["tokens_xfer".into()];
                row.decided_as_of = Some(row.facts.deadline_at() + TimeDelta::seconds(as_of));
                (row.completed_at, row.latency_ms, row.latency_basis, row.clock_error_ms) =
                    (None, None, None, None);
            }
        };
        assert_eq!(found(check, silent(Reason::Timeout, Outcome::Failed, 0)), [""; 0]);
        assert_eq!(found(check, silent(Reason::ObserverBlind, Outcome::Inconclusive, 5)), [""; 0]);
        assert_eq!(found(check, silent(Reason::ObserverBlind, Outcome::Inconclusive, 0)), [WHAT]);
        assert_eq!(found(check, silent(Reason::RunnerLost, Outcome::Inconclusive, 0)), [WHAT]);
    }
}
