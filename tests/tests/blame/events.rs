//! The platform's faults of events, sagas and sockets.

use canary_sandbox::{
    Alteration, Call, CallFault, Corruption, DelayAt, EventFault, EventType, Fault, SagaFault, SocketFault,
    What,
};

use crate::case::Case;

const TOKENS: EventType = EventType::TokensTransferred;
const FEE: EventType = EventType::TransactionFeeCollected;
const INITIATED: EventType = EventType::CrossFrameTransferInitiated;
const SETTLED: EventType = EventType::CrossFrameTransferSettled;
const REFUNDED: EventType = EventType::CrossFrameTransferRefunded;

const TWO_PC: &str = "tokens_xfer|cf_settled";

const ALL_SILENT: &[(&str, &str)] =
    &[("intra", "tokens_xfer"), ("async", "cf_initiated and cf_settled"), ("2pc", TWO_PC)];
const ALL_LATE: &[(&str, &str)] = &[
    ("intra", "tokens_xfer, late"),
    ("async", "cf_initiated and cf_settled, late"),
    ("2pc", "tokens_xfer|cf_settled, late"),
];
const NO_TOKENS: &[(&str, &str)] = &[("intra", "tokens_xfer"), ("a-2pc", TWO_PC)];
const NOT_SETTLED: &[(&str, &str)] = &[("async", "cf_settled"), ("b-2pc-a", TWO_PC)];
const SAGAS_NOT_SETTLED: &[(&str, &str)] = &[("async", "cf_settled")];
const MOVED: &[(&str, &str)] = &[("*", "what was moved")];

const SILENCE: &str = "The platform did not say that it was done, and the observers have certainly looked.";
const TOLD: &str = "Every transfer was carried out and told; the canary sorts it out.";
const FETCHED: &str = "Every transfer was carried out and told; what the stream spoilt was read over REST.";

fn lost(event_type: EventType) -> Fault {
    Fault::from(EventFault::Lost).of_type(event_type)
}

fn delayed(by_ms: u64, waits: DelayAt) -> Fault {
    EventFault::Delayed { by_ms, waits }.into()
}

fn altered(alteration: Alteration) -> Fault {
    EventFault::Altered(alteration).into()
}

/// What can happen to the events.
pub fn events() -> Vec<Case> {
    let dropped = |replay_too| Fault::from(EventFault::Dropped { replay_too });
    let platform = |name, faults: Vec<Fault>| Case::platform(name, faults).why(SILENCE);
    vec![
        platform("no event enters the store", vec![EventFault::Lost.into()]).breaks(ALL_SILENT),
        platform("TokensTransferred is lost", vec![lost(TOKENS)]).breaks(NO_TOKENS),
        Case::harmless("TransactionFeeCollected is lost", [lost(FEE)])
            .why("The fee's event is informational: no backend waits for it."),
        platform("CrossFrameTransferInitiated is lost", vec![lost(INITIATED)]).breaks(&[("async", "cf_initiated")]),
        platform("CrossFrameTransferSettled is lost", vec![lost(SETTLED)]).breaks(NOT_SETTLED),
        platform("events are stored and not streamed", vec![dropped(false)])
            .breaks(ALL_SILENT)
            .why("Heartbeats claimed that the stream had brought everything: an EventStore that does not deliver is the platform's."),
        platform("events are stored, and neither streamed nor replayed", vec![dropped(true)]).breaks(ALL_SILENT),
        platform("events stay in the frame where they happen", vec![What::BroadcastStopped.into()])
            .breaks(&[("a-async-b", "cf_settled"), ("b-async-a", "cf_initiated")]),
        platform("events are stored after the deadline", vec![delayed(7_000, DelayAt::Store)]).breaks(ALL_LATE),
        platform("events are streamed after the deadline", vec![delayed(7_000, DelayAt::Stream)]).breaks(ALL_LATE),
    ]
}

/// What makes no difference.
pub fn untidy_events() -> Vec<Case> {
    let corrupted =
        |how, name: &str| Case::harmless(name, [EventFault::Corrupted { how }.into()]).why(FETCHED);
    let firehose = What::Firehose { per_second: 1_000, event_types: vec![TOKENS, SETTLED], bytes: 650 };
    let huge = Fault::from(EventFault::Corrupted { how: Corruption::Huge }).of_type(TOKENS).first(2);
    let silent_and_lost = [SocketFault::NoHeartbeats.into(), Fault::from(EventFault::Lost)];
    vec![
        Case::harmless("events are stored a little later", [delayed(400, DelayAt::Store)]).why(TOLD),
        Case::harmless("events are streamed a little later", [delayed(400, DelayAt::Stream)]).why(TOLD),
        Case::harmless("events come four times", [EventFault::Repeated { times: 3 }.into()]).why(TOLD),
        Case::harmless("events come in another order", [EventFault::Reordered { within_ms: 400 }.into()])
            .why(TOLD),
        Case::harmless("the fee's event first", [What::FeeOrder { first: true }.into()]).why(TOLD),
        Case::harmless("the fee's event last", [What::FeeOrder { first: false }.into()]).why(TOLD),
        corrupted(Corruption::NotJson, "frames that are no JSON"),
        corrupted(Corruption::Binary, "binary frames"),
        corrupted(Corruption::Truncated, "frames that are cut off"),
        corrupted(Corruption::UnknownType, "frames of an unknown type"),
        Case::harmless("frames of 20 MB", [huge]).why(FETCHED),
        Case::harmless(
            "strangers copy every memo",
            [What::Strangers { per_second: 100.0, ahead: true }.into()],
        )
        .why("Any user can write any memo; sender, receiver and amount are others'."),
        Case::harmless("a thousand user events a second", [firehose.into()]).why(TOLD),
        Case::platform("no event enters the store, and no heartbeat comes", silent_and_lost)
            .breaks(ALL_SILENT)
            .why("Without heartbeats the backstop says how far all was read."),
        Case::platform(
            "strangers copy every memo, and CrossFrameTransferSettled is lost",
            [What::Strangers { per_second: 100.0, ahead: true }.into(), lost(SETTLED)],
        )
        .breaks(NOT_SETTLED)
        .why("A stranger's copy can't stand in for the event that is missing."),
    ]
}

/// Events that say what isn't so, and sagas that go wrong.
pub fn contents_and_sagas() -> Vec<Case> {
    let text = |text: &str| Some(text.to_owned());
    let amount = Alteration { amount: Some("0.02".parse().unwrap()), ..Alteration::default() };
    let receiver = Alteration { to_agent_id: text("did:avt:mallory"), ..Alteration::default() };
    let sender = Alteration { from_agent_id: text("did:avt:mallory"), ..Alteration::default() };
    let memo = Alteration { memo: text("rent"), ..Alteration::default() };
    let transfer_id = Alteration { transfer_id: text("another-transfer"), ..Alteration::default() };
    let mismatch = |name, alteration| {
        Case::platform(name, [altered(alteration)]).breaks(MOVED).why(
            "The event bears the test's own transfer id: money went elsewhere, or the record of it is wrong.",
        )
    };
    let saga = |name, fault: SagaFault| Case::platform(name, [fault.into()]);
    let refunded = || Fault::from(SagaFault::Refunded { after_ms: Some(300) });
    vec![
        mismatch("events name another amount", amount),
        mismatch("events name another receiver", receiver),
        mismatch("events name another sender", sender),
        Case::harmless("events bear another memo", [altered(memo)])
            .why("The memo is how a test is found, not what it promises: transfer id, parties and amount are right."),
        Case::harmless("events bear another transfer id", [altered(transfer_id)])
            .why("Only our agent sends from its account: memo, parties and amount are right, and the money moved."),
        saga("a saga neither credits nor refunds", SagaFault::CreditLost).breaks(SAGAS_NOT_SETTLED).why(SILENCE),
        Case::harmless("a saga credits a little later", [SagaFault::SettleDelayed { by_ms: 500 }.into()]).why(TOLD),
        saga("a saga credits after the deadline", SagaFault::SettleDelayed { by_ms: 7_000 })
            .breaks(&[("async", "cf_settled, late")])
            .why("It was done, and too late: the timeout is amended."),
        saga("a saga is refunded", SagaFault::Refunded { after_ms: Some(300) })
            .breaks(&[("async", "refunded")])
            .why("Decided at once, by the platform's own word."),
        Case::platform("a saga is refunded, and CrossFrameTransferRefunded is lost", [refunded(), lost(REFUNDED)])
            .breaks(SAGAS_NOT_SETTLED)
            .why("What can be known is that it was never settled."),
        saga("a saga is refunded after it was settled", SagaFault::RefundedAfterSettled { after_ms: 300 })
            .breaks(&[("async", "refunded after settled")])
            .why("Both were told: money may exist twice."),
    ]
}

/// Sockets that fail while the pages can be read: nothing is missed, and nobody blamed.
pub fn sockets() -> Vec<Case> {
    let closes = |abruptly| Fault::from(SocketFault::Closes { after_events: 0, abruptly });
    let refused = |fault: CallFault| vec![closes(true), fault.into()];
    let harmless = |name: &str, faults: Vec<Fault>| Case::harmless(name, faults).why(FETCHED);
    let subscribe = Call::Subscribe;
    let slow = CallFault::Slow { call: subscribe, by_ms: 400, lands: true };
    vec![
        harmless("sockets are cut", vec![closes(true)]),
        harmless("sockets are closed", vec![closes(false)]),
        harmless(
            "sockets are cut after each event",
            vec![SocketFault::Closes { after_events: 1, abruptly: true }.into()],
        ),
        harmless("sockets stall", vec![SocketFault::Stalls { after_events: 0 }.into()]),
        harmless("no heartbeats come", vec![SocketFault::NoHeartbeats.into()]),
        harmless(
            "sockets are closed, and what they missed is not replayed",
            vec![closes(false), SocketFault::ReplayGap.into()],
        ),
        harmless("subscribing is answered 500", refused(CallFault::answers(subscribe, 500))),
        harmless(
            "subscribing is slow",
            vec![SocketFault::Closes { after_events: 1, abruptly: true }.into(), slow.into()],
        ),
        harmless(
            "subscribing is never answered",
            refused(CallFault::Hangs { call: subscribe, lands: false }),
        ),
        harmless("subscribing is reset", refused(CallFault::Reset { call: subscribe, lands: false })),
    ]
}
