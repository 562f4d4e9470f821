//! The blocks that the plan and the domain's rules make.

use std::time::Duration;

use canary_domain::{BackendRule, EventType, Group, Moment, Outcome, Reason, Stage, Stamp, Via};
use chrono::TimeDelta;

use super::Block;
use crate::plan::{Plan, PlannedPath};

pub(super) fn path_matrix(plan: &Plan) -> Block {
    Block {
        id: "path_matrix",
        title: "Path matrix",
        intro: "Each path moves real tokens from one of the canary's own agents to another. A test is done once every \
                group of its backend's stages was seen; informational stages are shown and never waited for.",
        columns: &[
            "path",
            "backend",
            "route",
            "amount",
            "done when seen",
            "informational",
            "failure event",
            "deadline",
        ],
        rows: plan.paths.iter().map(path).collect(),
    }
}

fn path(path: &PlannedPath) -> Vec<String> {
    let BackendRule { backend, done, informational, failure, deadline: _ } = path.backend.rule();
    let PlannedPath { source_frame, dest_frame, from, to, .. } = path;
    let route = format!("{from} on {source_frame} → {to} on {dest_frame}");
    let words = |stages: &[Stage], between| {
        stages.iter().map(|stage| stage.as_str()).collect::<Vec<_>>().join(between)
    };
    let group = |group: &Group| match group.any_of {
        [one] => one.as_str().to_owned(),
        several => format!("({})", words(several, " or ")),
    };
    vec![
        path.name.clone(),
        backend.as_str().to_owned(),
        route,
        path.amount.to_string(),
        done.iter().map(group).collect::<Vec<_>>().join(" and "),
        words(informational, ", "),
        failure.map_or("–", Stage::as_str).to_owned(),
        seconds(path.deadline),
    ]
}

pub(super) fn fire_cadence(plan: &Plan) -> Block {
    let cadence = plan.cadence;
    let last = plan.paths.len().saturating_sub(1);
    let spread = (cadence.due(0, last, plan.paths.len()) - cadence.edge(0)).to_std().unwrap_or_default();
    let half = (cadence.start_by(cadence.edge(0)) - cadence.edge(0)).to_std().unwrap_or_default();
    let row = |what: &str, time, meaning: &str| vec![what.to_owned(), seconds(time), meaning.to_owned()];
    Block {
        id: "fire_cadence",
        title: "Fire cadence",
        intro: "Cycles are numbered from the epoch, so every restart and every leader agrees on them; each path has one \
                slot in each cycle, and each slot ends as exactly one row, fired or not.",
        columns: &["time", "value", "what it does"],
        rows: vec![
            row("fire_every", cadence.period(), "The period: each path is fired once in it."),
            row(
                "last slot after the edge",
                spread,
                "The paths' slots are spread evenly over the cycle's begin.",
            ),
            row("start by", half, "A slot that could not start so long after it was due is missed."),
            row(
                "call_timeout",
                plan.call_timeout,
                "A transfer call without an answer for so long has failed.",
            ),
            row("sweep_every", plan.sweep_every, "The judge looks so often at what is new or due."),
            row(
                "blind_after",
                plan.blind_after,
                "So long after its deadline a test waits for the observers.",
            ),
            row(
                "silence_after",
                plan.silence_after,
                "A reactor that hears nothing for so long connects again.",
            ),
            row("backstop_every", plan.backstop_every, "So often a reactor polls while its socket is down."),
            row("watch", plan.watch, "What arrives so long after the firing still amends the row."),
        ],
    }
}

pub(super) fn validation_pipeline() -> Block {
    let events = EventType::ALL.iter().map(|event| {
        let (local, remote) = (event.stage(true), event.stage(false));
        let stages = match local == remote {
            true => local.as_str().to_owned(),
            false => format!("{local} in the local frame, {remote} in another"),
        };
        vec![event.to_string(), format!("stamps {stages}"), event.meaning().to_owned()]
    });
    let ways = Via::ALL.iter().map(|via| {
        vec![format!("seen {via}"), format!("counts by {}", counted(*via)), via.meaning().to_owned()]
    });
    Block {
        id: "validation_pipeline",
        title: "Validation pipeline",
        intro: "Five reactors read the local frame's events. An event is matched to its test by memo or transfer id, has \
                to name the test's sender, receiver and amount, and stamps a stage; the earliest sighting counts. The \
                latency ends with the stamp that made the test done, never with the judge's look.",
        columns: &["what is seen", "what it does", "what it means"],
        rows: events.chain(ways).collect(),
    }
}

/// Which of its two moments a stamp counts by: asked of a stamp.
fn counted(via: Via) -> &'static str {
    let occurred = Moment::UNIX_EPOCH;
    let seen = occurred + TimeDelta::seconds(1);
    let stamp = Stamp { seen, via, occurred, frame: String::new(), position: 0, error_us: 0 };
    if stamp.counted() == seen { "the moment of seeing" } else { "the event's own time" }
}

pub(super) fn failure_semantics() -> Block {
    let words = Outcome::ALL.iter().flat_map(|outcome| {
        let reasons = Reason::ALL.iter().filter(move |reason| reason.outcome() == *outcome);
        let row =
            |signal: &str, meaning: &str| vec![outcome.to_string(), signal.to_owned(), meaning.to_owned()];
        let mut rows = vec![row("", outcome.meaning())];
        rows.extend(reasons.map(|reason| row(reason.as_str(), reason.meaning())));
        rows
    });
    Block {
        id: "failure_semantics",
        title: "Failure semantics",
        intro: "The platform is blamed for silence only once the observers have certainly looked; whatever the canary \
                itself could not do or see is never a failure of the platform.",
        columns: &["outcome", "signal", "what it means"],
        rows: words.collect(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_rules_is_explained_once() {
        let rows = failure_semantics().rows;
        assert_eq!(rows.len(), Outcome::ALL.len() + Reason::ALL.len());
        assert!(rows.contains(&vec![
            "failed".into(),
            "rejected".into(),
            Reason::Rejected.meaning().to_owned()
        ]));
        let rows = validation_pipeline().rows;
        assert_eq!(rows.len(), EventType::ALL.len() + Via::ALL.len());
        assert!(rows.iter().all(|row| row.iter().all(|cell| !cell.is_empty())), "{rows:?}");
        assert_eq!(counted(Via::Live), "the moment of seeing");
        assert_eq!(counted(Via::Backstop), "the event's own time");
    }
}
