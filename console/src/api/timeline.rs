//! What happened to a test, moment by moment.

use canary_domain::{FireStatus, Outcome, Stage, Via};
use canary_store::ResultRow;
use serde::Serialize;
use utoipa::ToSchema;

use super::row::Time;
use super::words;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = TimelineEvent)]
pub(crate) struct Event {
    /// When; a stage's moment is the one that counts for the latency (design §3.2).
    pub(crate) at: Time,
    /// What: `registered`, `fired`, the word of the answer or of a stage, `withheld`, `mismatch`, `deadline`, `judged`.
    pub(crate) what: &'static str,
    /// How a stage was seen; null for what the canary did itself.
    #[schema(value_type = Option<words::Via>)]
    pub(crate) via: Option<Via>,
}

/// Everything a row tells, in the order in which it happened.
pub(crate) fn timeline(row: &ResultRow) -> Vec<Event> {
    let facts = &row.facts;
    let stages = facts.stamps.iter().map(|(stage, stamp)| Event {
        at: Time(stamp.counted()),
        what: Stage::as_str(stage),
        via: Some(stamp.via),
    });
    let answer = facts.answer.as_ref();
    let own = [
        (Some(facts.test.registered_at), "registered"),
        (facts.fired_at, "fired"),
        (answer.map(|answer| answer.at), answer.map_or("", |answer| word(answer.status))),
        (facts.withheld.as_ref().map(|withheld| withheld.at), "withheld"),
        (facts.mismatch.as_ref().map(|mismatch| mismatch.at), "mismatch"),
        (row.deadline_at.filter(|_| was_fired(row)), "deadline"),
        (row.judged_at, "judged"),
    ];
    let own = own.into_iter().filter_map(|(at, what)| Some(Event { at: Time(at?), what, via: None }));
    let mut events: Vec<Event> = own.chain(stages).collect();
    // Stable: what has one moment stays in the order above.
    events.sort_by_key(|event| event.at);
    events
}

/// A slot that was not fired has no deadline that could mean anything.
fn was_fired(row: &ResultRow) -> bool {
    match row.outcome {
        Outcome::Skipped | Outcome::Missed => false,
        Outcome::Pending | Outcome::Passed | Outcome::Late | Outcome::Failed | Outcome::Inconclusive => true,
    }
}

fn word(status: FireStatus) -> &'static str {
    match status {
        FireStatus::Sent => "sent",
        FireStatus::Accepted => "accepted",
        FireStatus::Rejected => "rejected",
        FireStatus::Unavailable => "unavailable",
        FireStatus::Timeout => "timeout",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::sample::{after, because, row, stamp};
    use canary_domain::Reason;

    #[test]
    fn a_timeline_is_in_the_order_of_what_happened() {
        let mut row = row();
        row.judged_at = Some(after(5_000));
        row.facts.stamps.add(Stage::CfSettledRemote, stamp(900, Via::Backstop));
        let events = timeline(&row);
        let told: Vec<(&str, Option<Via>)> = events.iter().map(|event| (event.what, event.via)).collect();
        assert_eq!(
            told,
            [
                ("registered", None),
                ("fired", None),
                ("cf_initiated", Some(Via::Live)),
                ("accepted", None),
                ("cf_settled_remote", Some(Via::Backstop)),
                ("judged", None),
                ("deadline", None),
            ]
        );
        assert_eq!(events[4].at, Time(after(895)), "what was polled counts by the event's own time");
    }

    #[test]
    fn what_was_not_fired_has_no_deadline() {
        let told = timeline(&because(Reason::Paused));
        assert!(told.iter().all(|event| event.what != "deadline"));
        assert!(timeline(&because(Reason::Timeout)).iter().any(|event| event.what == "deadline"));
    }
}
