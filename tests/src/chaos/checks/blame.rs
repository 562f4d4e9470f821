//! I5: what is held against the platform, the platform did, by the sandbox's own record. A verdict that was amended since
//! counts, too: somebody may have been woken by it.
//!
//! A link to a registry is the platform's side of the canary: who finds it cut says `unavailable` or `fire_timeout`, and
//! may. Links to the EventStore are the canary's eyes, and no excuse for anything.

use canary_sandbox::{
    Call, CallFault, Effect, EmittedEvent, EventFault, EventType, MovementKind, TransferCall, What,
};
use chrono::TimeDelta;

use super::super::history::Moment;
use super::super::{Blow, History, Invariant, Link, Violation};
use crate::Row;

/// The frame whose EventStore is read.
const LOCAL: &str = "a";
/// An event that entered the store just before the deadline may be seen just after it.
const MARGIN: TimeDelta = TimeDelta::milliseconds(700);

pub(super) fn check(history: &History) -> Vec<Violation> {
    let blames = |row: &&Row| row.outcome == "failed" || row.outcome == "late";
    let unjust = history.verdicts().filter(blames).filter(|row| !is_just(history, row));
    let unjust: Vec<String> = unjust.map(|row| told(history, row)).collect();
    let what = "the platform is blamed for what it did not do";
    if unjust.is_empty() { Vec::new() } else { vec![Violation::of(Invariant::I5, what, unjust)] }
}

fn told(history: &History, row: &Row) -> String {
    let calls: Vec<&TransferCall> = history.calls(row.test_id).collect();
    let events: Vec<&EmittedEvent> = events(history, row).collect();
    format!("{} by {row:?}\n        calls {calls:?}\n        events {events:?}", row.told())
}

fn is_just(history: &History, row: &Row) -> bool {
    let moved = |kind: MovementKind| {
        let transfers = history.transfers(row.test_id);
        let mut movements = history.record.movements.iter();
        movements.any(|movement| movement.kind == kind && transfers.contains(&movement.transfer_id.as_str()))
    };
    match (row.outcome.as_str(), row.failure_signal.as_deref()) {
        ("failed", Some("rejected")) => history.calls(row.test_id).any(|call| {
            call.status
                .is_some_and(|status| (400..500).contains(&status) && row.fire_code == Some(status.into()))
        }),
        ("failed", Some("unavailable" | "fire_timeout")) => broke(history, row),
        ("failed", Some("timeout")) => row.missing_stages.iter().all(|group| was_silent(history, row, group)),
        ("failed", Some("mismatch")) => events(history, row).any(|event| contradicts(event, row)),
        ("failed", Some("refunded")) => moved(MovementKind::Refunded),
        ("failed", Some("refunded_after_settled")) => moved(MovementKind::Conjured),
        ("late", None) => was_late(history, row),
        _ => false,
    }
}

/// The events of its own transfer that entered the local store, altered ones too.
fn events<'a>(history: &'a History, row: &Row) -> impl Iterator<Item = &'a EmittedEvent> {
    let transfers: Vec<String> = history.transfers(row.test_id).into_iter().map(ToOwned::to_owned).collect();
    history.record.events.iter().filter(move |event| {
        event.frame == LOCAL
            && event.backend.is_some()
            && event.position.is_some()
            && transfers.contains(&event.data.transfer_id)
    })
}

fn contradicts(event: &EmittedEvent, row: &Row) -> bool {
    let data = &event.data;
    data.amount.is_some_and(|amount| amount != row.amount)
        || data.from_agent_id.as_ref().is_some_and(|sender| *sender != row.sender)
        || data.to_agent_id.as_ref().is_some_and(|receiver| *receiver != row.receiver)
}

/// The call itself, or the sign-in before it, went wrong on the platform's side or on the way there.
fn broke(history: &History, row: &Row) -> bool {
    let slow = TimeDelta::from_std(history.call_timeout).unwrap_or_default() - MARGIN;
    let bad = |call: &TransferCall| {
        let answered_late = call.answered_at.is_some_and(|answered| answered - call.at >= slow);
        let refused = call.effect == Effect::Nothing && call.status != Some(401);
        call.status.is_none_or(|status| status >= 500) || answered_late || refused
    };
    let by_record = history.calls(row.test_id).any(bad);
    let signing_in = row.fire_error.as_ref().is_some_and(|error| error["code"] == "sign_in");
    let registry = if row.source_frame == LOCAL { Link::RegistryA } else { Link::RegistryB };
    let in_force = |blow: &Blow| match blow {
        Blow::Cut(link, _, _) => *link == registry,
        Blow::Platform(fault) if signing_in => {
            let rules = (fault.rules)();
            rules.iter().any(|rule| {
                matches!(
                    rule.what,
                    What::Call(
                        CallFault::Answers { call: Call::Token, .. }
                            | CallFault::Hangs { call: Call::Token, .. }
                            | CallFault::Reset { call: Call::Token, .. }
                            | CallFault::Slow { call: Call::Token, .. }
                    )
                )
            })
        }
        Blow::Platform(_)
        | Blow::Blinded(_)
        | Blow::Killed(_)
        | Blow::Frozen(_)
        | Blow::Rolled
        | Blow::RedisCrashed
        | Blow::RedisFrozen
        | Blow::RedisFlushed
        | Blow::PostgresCrashed
        | Blow::PostgresFrozen
        | Blow::ClockStepped(_) => false,
    };
    let took = TimeDelta::from_std(history.call_timeout * 2).unwrap_or_default() + MARGIN;
    let befell = |at: Moment| history.befell(at - MARGIN, at + took, in_force);
    by_record || moments(history, row).into_iter().any(befell)
}

/// When it may have been fired, on this machine's clock: by the record, or by the row, whose clock steps.
fn moments(history: &History, row: &Row) -> Vec<Moment> {
    match history.calls(row.test_id).next() {
        Some(call) => vec![call.at],
        None => history.machine(row.fired_at.unwrap_or(row.registered_at)).collect(),
    }
}

/// Nothing that would have met the group entered the store in time and was streamed.
fn was_silent(history: &History, row: &Row, group: &str) -> bool {
    let Some(called) = history.calls(row.test_id).next() else { return false };
    let deadline = called.at + history.deadline - MARGIN;
    let told = |event: &EmittedEvent| !history.befell(event.at, event.at, drops);
    !events(history, row).any(|event| meets(event, group) && event.at <= deadline && told(event))
}

/// The EventStore keeps events from its streams while their heartbeats say that nothing is missing: who reads a stream
/// can't know of them.
fn drops(blow: &Blow) -> bool {
    let Blow::Platform(fault) = blow else { return false };
    (fault.rules)().iter().any(|rule| matches!(rule.what, What::Event(EventFault::Dropped { .. })))
}

fn meets(event: &EmittedEvent, group: &str) -> bool {
    match group {
        "tokens_xfer" => event.event_type == EventType::TokensTransferred,
        "cf_initiated" => event.event_type == EventType::CrossFrameTransferInitiated,
        "cf_settled" => event.event_type == EventType::CrossFrameTransferSettled,
        "tokens_xfer|cf_settled" => meets(event, "tokens_xfer") || meets(event, "cf_settled"),
        _ => false,
    }
}

/// The store itself had it too late. After a step of the board's clock two instances may differ by the step for some seconds:
/// then it is also late by the row's own bound of its clocks' error, or by the platform's clock against the board's. That is
/// told on the row and is no failure, but it is not the platform's doing either.
fn was_late(history: &History, row: &Row) -> bool {
    let groups: &[&str] = match row.backend.as_str() {
        "intra" => &["tokens_xfer"],
        "async" => &["cf_initiated", "cf_settled"],
        _ => &["tokens_xfer|cf_settled"],
    };
    let Some(called) = history.calls(row.test_id).next() else { return false };
    let deadline = called.at + history.deadline - MARGIN;
    let first =
        |group: &&str| events(history, row).filter(|event| meets(event, group)).map(|event| event.at).min();
    let by_store = groups.iter().any(|group| first(group).is_none_or(|at| at > deadline));
    let stepped = |blow: &Blow| matches!(blow, Blow::ClockStepped(_));
    let allowed = history.deadline.as_secs_f64() * 1_000.0;
    let by_clocks = row.latency_basis.as_deref() == Some("event_time")
        || row.total_latency_ms.zip(row.clock_error_ms).is_some_and(|(took, error)| took - error <= allowed);
    let around = history.deadline * 4;
    let by_clocks = by_clocks && history.befell(called.at - around, called.at + around, stepped);
    by_store || by_clocks
}

#[cfg(test)]
mod tests {
    use super::super::super::{Struck, Target};
    use super::super::doctored::{found, sound};
    use super::*;
    use crate::Network;
    use std::sync::Arc;

    const WHAT: &str = "I5: the platform is blamed for what it did not do";

    /// Blames the platform for the first row, whose transfer was sound, in a history changed otherwise too.
    fn blamed(signal: &str, change: impl Fn(&mut History)) -> Vec<String> {
        found(check, |history| {
            history.rows[0].outcome = "failed".into();
            history.rows[0].failure_signal = Some(signal.into());
            history.rows[0].missing_stages = vec!["tokens_xfer".into()];
            change(history);
        })
    }

    #[test]
    fn no_failure_of_a_sound_transfer_is_just() {
        let signals = [
            "rejected",
            "unavailable",
            "fire_timeout",
            "timeout",
            "mismatch",
            "refunded",
            "refunded_after_settled",
            "a word of its own",
        ];
        for signal in signals {
            assert_eq!(blamed(signal, |_| {}), [WHAT], "{signal}");
        }
        assert_eq!(found(check, |history| history.rows[0].outcome = "late".into()), [WHAT]);
    }

    #[test]
    fn a_lateness_within_the_clocks_error_is_excused_by_a_step_alone() {
        let late = |error: f64, stepped: bool| {
            found(check, move |history| {
                let row = &mut history.rows[0];
                row.outcome = "late".into();
                (row.total_latency_ms, row.clock_error_ms) = (Some(7_000.0), Some(error));
                let at = history.record.calls[0].at;
                let blow = if stepped { Blow::ClockStepped(7) } else { Blow::Rolled };
                history.struck.push(Struck { blow, from: at, until: at });
            })
        };
        assert_eq!(late(7_001.0, true), [""; 0]);
        assert_eq!(late(7_001.0, false), [WHAT]);
        assert_eq!(late(2.0, true), [WHAT]);
    }

    #[test]
    fn an_unjust_verdict_that_was_amended_since_is_found() {
        let found = found(check, |history| {
            let test_id = history.rows[0].test_id;
            let row = Arc::make_mut(history.snapshots[0].rows.get_mut(&test_id).unwrap());
            row.outcome = "failed".into();
            row.failure_signal = Some("timeout".into());
            row.missing_stages = vec!["tokens_xfer".into()];
            row.revision = 1;
            history.rows[0].revision = 2;
        });
        assert_eq!(found, [WHAT]);
    }

    #[test]
    fn what_the_platform_really_did_is_just() {
        assert_eq!(blamed("unavailable", |history| history.record.calls[0].status = Some(503)), [""; 0]);
        assert_eq!(blamed("fire_timeout", |history| history.record.calls[0].status = None), [""; 0]);
        let refused = |history: &mut History| {
            history.record.calls[0].status = Some(409);
            history.rows[0].fire_code = Some(409);
        };
        assert_eq!(blamed("rejected", refused), [""; 0]);
        let lost =
            |history: &mut History| history.record.events.iter_mut().for_each(|event| event.position = None);
        assert_eq!(blamed("timeout", lost), [""; 0]);
        let altered = |history: &mut History| {
            let event = history.record.events.iter_mut().find(|event| event.backend.is_some()).unwrap();
            event.data.amount = Some("0.02".parse().unwrap());
        };
        assert_eq!(blamed("mismatch", altered), [""; 0]);
        for (signal, kind) in
            [("refunded", MovementKind::Refunded), ("refunded_after_settled", MovementKind::Conjured)]
        {
            let given_back = |history: &mut History| history.record.movements[0].kind = kind;
            assert_eq!(blamed(signal, given_back), [""; 0]);
        }
        let found = found(check, |history| {
            history.rows[0].outcome = "late".into();
            let deadline = history.deadline;
            history.record.events.iter_mut().for_each(|event| event.at += deadline);
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_link_to_the_registry_excuses_a_broken_call_and_one_to_the_events_does_not() {
        let cut = |link: Link| {
            move |history: &mut History| {
                let at = history.record.calls[0].at;
                let blow = Blow::Cut(link, Target::All, Network::Resets);
                history.struck.push(Struck { blow, from: at, until: at });
            }
        };
        assert_eq!(blamed("unavailable", cut(Link::RegistryA)), [""; 0]);
        assert_eq!(blamed("unavailable", cut(Link::RegistryB)), [WHAT]);
        assert_eq!(blamed("timeout", cut(Link::EventSocket)), [WHAT]);
        assert_eq!(sound().rows[0].source_frame, "a");
    }
}
