//! I7: each stamp is of an event of the test's own transfer, by the sandbox's own record, and of no stranger's.

use std::collections::BTreeMap;

use canary_sandbox::{EmittedEvent, EventType};

use super::super::{History, Invariant, Violation};
use crate::Row;

/// The frame whose EventStore is read.
const LOCAL: &str = "a";

pub(super) fn check(history: &History) -> Vec<Violation> {
    let local = history.record.events.iter().filter(|event| event.frame == LOCAL);
    let by_position: BTreeMap<u64, &EmittedEvent> =
        local.filter_map(|event| Some((event.position?, event))).collect();
    let mut foreign = Vec::new();
    for row in &history.rows {
        let transfers = history.transfers(row.test_id);
        for (stage, stamp) in row.stamps.as_object().into_iter().flatten() {
            let event = stamp["position"].as_u64().and_then(|position| by_position.get(&position));
            let own = event.is_some_and(|event| {
                event.backend.is_some()
                    && transfers.contains(&event.data.transfer_id.as_str())
                    && shows(event, stage)
            });
            if !own {
                foreign.push(format!("{stage} of {} is of {event:?}", Row::told(row)));
            }
        }
    }
    let copies = history.record.events.iter().filter(|event| event.backend.is_none()).count();
    let none = (copies == 0).then(|| "no stranger wrote anything".to_owned());
    let violation = |what: &str, evidence: Vec<String>| {
        (!evidence.is_empty()).then(|| Violation::of(Invariant::I7, what, evidence))
    };
    let found = [
        violation("a stamp is of an event that is not the test's own", foreign),
        violation("the run proves nothing of strangers", none.into_iter().collect()),
    ];
    found.into_iter().flatten().collect()
}

fn shows(event: &EmittedEvent, stage: &str) -> bool {
    let local = event.source_frame == LOCAL;
    match event.event_type {
        EventType::TokensTransferred => stage == "tokens_xfer",
        EventType::TransactionFeeCollected => stage == "fee_collected",
        EventType::CrossFrameTransferInitiated => stage == "cf_initiated",
        EventType::CrossFrameTransferSettled if local => stage == "cf_settled_local",
        EventType::CrossFrameTransferSettled => stage == "cf_settled_remote",
        EventType::CrossFrameTransferRefunded => stage == "cf_refunded",
        EventType::CrossRegistryTransferCompleted => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::doctored::found;
    use super::*;

    const WHAT: &str = "I7: a stamp is of an event that is not the test's own";

    #[test]
    fn a_stamp_of_a_strangers_event_is_found() {
        let found = found(check, |history| {
            let stranger = history.record.events.iter().find(|event| event.backend.is_none()).unwrap();
            history.rows[0].stamps["tokens_xfer"]["position"] = stranger.position.into();
        });
        assert_eq!(found, [WHAT]);
    }

    #[test]
    fn a_stamp_of_another_transfer_stage_or_of_nothing_is_found() {
        let by = |position: u64| {
            found(check, move |history| {
                history.rows[0].stamps["tokens_xfer"]["position"] = position.into();
            })
        };
        let history = super::super::doctored::sound();
        let events = &history.record.events;
        let other = events.iter().find(|event| event.event_type == EventType::CrossFrameTransferSettled);
        assert_eq!(by(other.unwrap().position.unwrap()), [WHAT]);
        assert_eq!(by(4_711), [WHAT]);
    }

    #[test]
    fn a_run_without_strangers_proves_nothing() {
        let found = found(check, |history| history.record.events.retain(|event| event.backend.is_some()));
        assert_eq!(found, ["I7: the run proves nothing of strangers"]);
    }
}
