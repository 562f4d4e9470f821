//! I4: the latency is the stamps' alone, by the done rule of design §3.1.
//!
//! The rule is written down once more here, so that a mistake in the canary's own table shows too.

use chrono::{DateTime, Utc};

use super::super::history::Moment;
use super::super::{History, Invariant, Violation};
use crate::Row;

const SAME_MS: f64 = 0.001_1;
const STAGES: [&str; 6] =
    ["tokens_xfer", "fee_collected", "cf_initiated", "cf_settled_local", "cf_settled_remote", "cf_refunded"];

pub(super) fn check(history: &History) -> Vec<Violation> {
    let wrong = history.rows.iter().filter(|row| row.judged());
    let wrong = wrong
        .filter_map(|row| objection(row).map(|what| format!("{what}: {} with {}", row.told(), row.stamps)));
    let wrong: Vec<String> = wrong.collect();
    let what = "a row's times are not those of its stamps";
    if wrong.is_empty() { Vec::new() } else { vec![Violation::of(Invariant::I4, what, wrong)] }
}

fn objection(row: &Row) -> Option<&'static str> {
    let completed = completed(row);
    if row.completed_at != completed {
        return Some("completed_at");
    }
    let took = completed.zip(row.fired_at).map(|(completed, fired)| completed - fired);
    let took = took.and_then(|took| took.num_microseconds()).map(|us| (us as f64 / 1_000.0).max(0.0));
    let same = match (took, row.total_latency_ms) {
        (Some(took), Some(told)) => (took - told).abs() < SAME_MS,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !same {
        return Some("total_latency_ms");
    }
    let in_time = completed.zip(row.deadline_at).map(|(completed, deadline)| completed <= deadline);
    match row.outcome.as_str() {
        "passed" if in_time != Some(true) => Some("it passed after its deadline"),
        "late" if in_time != Some(false) => Some("it was late before its deadline"),
        _ if seen(row).iter().zip(STAGES).any(|(seen, stage)| *seen != moment(row, stage, "seen")) => {
            Some("a moment of seeing")
        }
        _ => None,
    }
}

fn seen(row: &Row) -> [Option<Moment>; 6] {
    [
        row.tokens_xfer_seen_at,
        row.fee_collected_seen_at,
        row.cf_initiated_seen_at,
        row.cf_settled_local_seen_at,
        row.cf_settled_remote_seen_at,
        row.cf_refunded_seen_at,
    ]
}

/// The latest of what has to be seen, the earliest of what may be seen instead of each other.
fn completed(row: &Row) -> Option<Moment> {
    let earliest = |stages: &[&str]| stages.iter().filter_map(|stage| counted(row, stage)).min();
    match row.backend.as_str() {
        "intra" => earliest(&["tokens_xfer"]),
        "async" => {
            let settled = earliest(&["cf_settled_local", "cf_settled_remote"]);
            earliest(&["cf_initiated"]).zip(settled).map(|(initiated, settled)| initiated.max(settled))
        }
        _ => earliest(&["tokens_xfer", "cf_settled_local", "cf_settled_remote"]),
    }
}

/// What counts of a stamp: when it was seen live, else when it occurred (design §3.2).
fn counted(row: &Row, stage: &str) -> Option<Moment> {
    let live = row.stamps[stage]["via"] == "live";
    moment(row, stage, if live { "seen" } else { "occurred" })
}

fn moment(row: &Row, stage: &str, which: &str) -> Option<DateTime<Utc>> {
    row.stamps[stage][which].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::doctored::found;
    use super::*;
    use chrono::TimeDelta;

    const WHAT: &str = "I4: a row's times are not those of its stamps";

    #[test]
    fn a_latency_with_the_sweep_in_it_is_found() {
        assert_eq!(found(check, |history| history.rows[0].total_latency_ms = Some(1_000.0)), [WHAT]);
        assert_eq!(found(check, |history| history.rows[0].completed_at = history.rows[0].judged_at), [WHAT]);
    }

    #[test]
    fn a_stamp_counts_by_how_it_came() {
        let found = found(check, |history| history.rows[0].stamps["tokens_xfer"]["via"] = "replay".into());
        assert_eq!(found, [WHAT]);
    }

    #[test]
    fn a_pass_after_the_deadline_is_found() {
        let found = found(check, |history| {
            let row = &mut history.rows[0];
            row.deadline_at = row.fired_at.map(|fired| fired + TimeDelta::milliseconds(1));
        });
        assert_eq!(found, [WHAT]);
    }

    #[test]
    fn an_and_takes_the_latest_and_an_or_the_earliest() {
        let rows = super::super::doctored::sound().rows;
        let saga = rows.iter().find(|row| row.backend == "async").unwrap();
        assert_eq!(completed(saga), saga.cf_settled_local_seen_at.max(saga.cf_initiated_seen_at));
        assert!(completed(saga).is_some());
        let two_phase = Row { backend: "2pc".into(), ..saga.clone() };
        assert_eq!(completed(&two_phase), two_phase.tokens_xfer_seen_at);
    }
}
