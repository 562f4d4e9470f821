//! I2: every slot has a row, at every moment.
//!
//! Two things may leave a hole for a while. While the ledger is out of a runner's reach, or slow, the board's claim alone
//! decides, and the row is written by the judge later; and what a leader claimed on a board that has since forgotten it,
//! or on a clock that has stepped, is found as a gap. Nothing else may: not an instance that dies, stands still or is
//! replaced. A slow ledger is nothing that a run does on purpose, so a runner's own word for it is taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::super::history::Moment;
use super::super::{Blow, History, Invariant, Link, Uneven, Violation};

/// How long after it was away a store may still be an excuse: claims are judged at their deadlines, found gaps wait for
/// the board's claims to be judged, and the leader that does both may be the next one.
const AFTERWARDS: TimeDelta = TimeDelta::seconds(40);
/// What a runner says of a ledger that is slow or away.
const SLOW: [&str; 3] =
    ["the ledger is slow", "the board's claim alone decides", "can't be written down yet"];
const OUTCOMES: [&str; 7] = ["pending", "passed", "late", "failed", "inconclusive", "skipped", "missed"];

pub(super) fn check(history: &History) -> Vec<Violation> {
    let violation = |what: &str, evidence: Vec<String>| {
        (!evidence.is_empty()).then(|| Violation::of(Invariant::I2, what, evidence))
    };
    let slow = slow(history);
    let said = |at: Moment| slow.range(at - AFTERWARDS..=at).next().is_some();
    let unexcused =
        history.uneven.iter().filter(|uneven| !is_excused(history, uneven.at) && !said(uneven.at));
    let never = (history.counted == 0).then(|| "no count".to_owned());
    let found = [
        violation("slots between a path's first and its last have no row", holes(history)),
        violation("a row has an outcome that nobody counts", strange(history)),
        violation("slots did not add up, and no store was away", unexcused.map(told).collect()),
        violation("the slots were never counted on the way", never.into_iter().collect()),
    ];
    found.into_iter().flatten().collect()
}

/// As all was settled in the end.
fn holes(history: &History) -> Vec<String> {
    let mut cycles = BTreeMap::<&str, Vec<i64>>::new();
    for row in history.slots().filter(|row| row.registered_at < history.settled) {
        cycles.entry(&row.path).or_default().extend(row.cycle);
    }
    let mut holes = Vec::new();
    for (path, mut cycles) in cycles {
        cycles.sort_unstable();
        let breaks = cycles.windows(2).filter(|pair| pair[1] > pair[0] + 1);
        holes.extend(breaks.map(|pair| format!("{path}: none between cycles {} and {}", pair[0], pair[1])));
    }
    holes
}

fn strange(history: &History) -> Vec<String> {
    let strange = history.rows.iter().filter(|row| !OUTCOMES.contains(&row.outcome.as_str()));
    strange.map(crate::Row::told).collect()
}

fn is_excused(history: &History, at: Moment) -> bool {
    history.befell(at - AFTERWARDS, at, |blow| match blow {
        Blow::RedisCrashed
        | Blow::RedisFrozen
        | Blow::RedisFlushed
        | Blow::PostgresCrashed
        | Blow::PostgresFrozen
        | Blow::ClockStepped(_) => true,
        Blow::Cut(link, _, _) => matches!(link, Link::Redis | Link::Postgres),
        Blow::Killed(_) | Blow::Frozen(_) | Blow::Rolled | Blow::Blinded(_) | Blow::Platform(_) => false,
    })
}

/// When a runner said that the ledger was slow.
fn slow(history: &History) -> BTreeSet<Moment> {
    let lines = history.told.iter().flat_map(|told| told.text.lines());
    let slow = lines.filter(|line| SLOW.iter().any(|words| line.contains(words)));
    slow.filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

fn told(uneven: &Uneven) -> String {
    let Uneven { at, by, residual } = uneven;
    format!("{at} {by}: residual {residual}")
}

#[cfg(test)]
mod tests {
    use super::super::super::{Struck, Target};
    use super::super::doctored::{found, sound};
    use super::*;

    fn uneven(history: &History) -> Uneven {
        Uneven { at: history.settled, by: "SQL".into(), residual: 1 }
    }

    #[test]
    fn a_slot_without_a_row_is_found() {
        let found = found(check, |history| {
            let row = history.rows.iter_mut().find(|row| row.path == "a-intra").unwrap();
            row.cycle = row.cycle.map(|cycle| cycle - 5);
        });
        assert_eq!(found, ["I2: slots between a path's first and its last have no row"]);
    }

    #[test]
    fn an_outcome_that_is_none_is_found() {
        let found = found(check, |history| history.rows[0].outcome = "lost".into());
        assert_eq!(found, ["I2: a row has an outcome that nobody counts"]);
    }

    #[test]
    fn slots_that_did_not_add_up_on_the_way_are_found_unless_a_store_was_away() {
        let what = "I2: slots did not add up, and no store was away";
        assert_eq!(found(check, |history| history.uneven.push(uneven(history))), [what]);
        let struck = |blow: Blow| {
            move |history: &mut History| {
                let at = history.settled - TimeDelta::seconds(5);
                history.struck.push(Struck { blow: blow.clone(), from: at, until: at });
                history.uneven.push(uneven(history));
            }
        };
        assert_eq!(found(check, struck(Blow::Killed(Target::Leader))), [what]);
        assert_eq!(found(check, struck(Blow::PostgresCrashed)), [""; 0]);
        let said = |history: &mut History| {
            let at = history.settled - TimeDelta::seconds(5);
            let line = format!("{}  WARN canary_runner::slots: the ledger is slow\n", at.to_rfc3339());
            history.told[0].text.push_str(&line);
            history.uneven.push(uneven(history));
        };
        assert_eq!(found(check, said), [""; 0]);
    }

    #[test]
    fn a_run_without_a_count_proves_nothing() {
        assert_eq!(
            found(check, |history| history.counted = 0),
            ["I2: the slots were never counted on the way"]
        );
        assert!(sound().counted > 0);
    }
}
