//! That the table leaves nothing out: a new fault of the sandbox does not compile here before it has a word, and has no word
//! that is not struck.

use std::collections::BTreeSet;

use canary_sandbox::{
    Alteration, AnswerBody, Call, CallFault, Corruption, DelayAt, EventFault, FaultSet, SagaFault,
    SocketFault, What,
};

use crate::page::Wanted;
use crate::table;

/// Every kind of fault there is.
const KINDS: &[&str] = &[
    "event lost",
    "event dropped",
    "event dropped, in replay too",
    "event delayed before the store",
    "event delayed in the stream",
    "event repeated",
    "event reordered",
    "event corrupted: no JSON",
    "event corrupted: binary",
    "event corrupted: truncated",
    "event corrupted: huge",
    "event corrupted: unknown type",
    "event altered: sender",
    "event altered: receiver",
    "event altered: amount",
    "event altered: memo",
    "event altered: transfer id",
    "saga: credit lost",
    "saga: settled later",
    "saga: refunded",
    "saga: refunded after settled",
    "socket closes",
    "socket closes abruptly",
    "socket stalls",
    "socket without heartbeats",
    "socket: gap in replay",
    "broadcast stopped",
    "fee first",
    "fee last",
    "token expired",
    "strangers",
    "firehose",
];
const CALLS: [Call; 5] = [Call::Token, Call::Transfer, Call::Balance, Call::Events, Call::Subscribe];
const OF_A_CALL: [&str; 6] =
    ["answers by JSON", "answers by a page", "answers without a body", "slow", "hangs", "reset"];
/// A handshake has no body that anybody reads, and what nothing rests on needs no empty one.
const NEEDLESS: [(Call, &str); 4] = [
    (Call::Subscribe, "answers by a page"),
    (Call::Subscribe, "answers without a body"),
    (Call::Balance, "answers without a body"),
    (Call::Events, "answers without a body"),
];

fn kind(what: &What) -> String {
    match what {
        What::Event(fault) => of_event(fault).to_owned(),
        What::Saga(SagaFault::CreditLost) => "saga: credit lost".to_owned(),
        What::Saga(SagaFault::SettleDelayed { .. }) => "saga: settled later".to_owned(),
        What::Saga(SagaFault::Refunded { .. }) => "saga: refunded".to_owned(),
        What::Saga(SagaFault::RefundedAfterSettled { .. }) => "saga: refunded after settled".to_owned(),
        What::Call(fault) => of_call(fault),
        What::Socket(SocketFault::Closes { abruptly: true, .. }) => "socket closes abruptly".to_owned(),
        What::Socket(SocketFault::Closes { abruptly: false, .. }) => "socket closes".to_owned(),
        What::Socket(SocketFault::Stalls { .. }) => "socket stalls".to_owned(),
        What::Socket(SocketFault::NoHeartbeats) => "socket without heartbeats".to_owned(),
        What::Socket(SocketFault::ReplayGap) => "socket: gap in replay".to_owned(),
        What::BroadcastStopped => "broadcast stopped".to_owned(),
        What::FeeOrder { first: true } => "fee first".to_owned(),
        What::FeeOrder { first: false } => "fee last".to_owned(),
        What::TokenExpired => "token expired".to_owned(),
        What::Strangers { .. } => "strangers".to_owned(),
        What::Firehose { .. } => "firehose".to_owned(),
    }
}

fn of_event(fault: &EventFault) -> &'static str {
    match fault {
        EventFault::Lost => "event lost",
        EventFault::Dropped { replay_too: false } => "event dropped",
        EventFault::Dropped { replay_too: true } => "event dropped, in replay too",
        EventFault::Delayed { waits: DelayAt::Store, .. } => "event delayed before the store",
        EventFault::Delayed { waits: DelayAt::Stream, .. } => "event delayed in the stream",
        EventFault::Repeated { .. } => "event repeated",
        EventFault::Reordered { .. } => "event reordered",
        EventFault::Corrupted { how: Corruption::NotJson } => "event corrupted: no JSON",
        EventFault::Corrupted { how: Corruption::Binary } => "event corrupted: binary",
        EventFault::Corrupted { how: Corruption::Truncated } => "event corrupted: truncated",
        EventFault::Corrupted { how: Corruption::Huge } => "event corrupted: huge",
        EventFault::Corrupted { how: Corruption::UnknownType } => "event corrupted: unknown type",
        EventFault::Altered(Alteration { from_agent_id: Some(_), .. }) => "event altered: sender",
        EventFault::Altered(Alteration { to_agent_id: Some(_), .. }) => "event altered: receiver",
        EventFault::Altered(Alteration { amount: Some(_), .. }) => "event altered: amount",
        EventFault::Altered(Alteration { memo: Some(_), .. }) => "event altered: memo",
        EventFault::Altered(Alteration { transfer_id: Some(_), .. }) => "event altered: transfer id",
        EventFault::Altered(Alteration {
            from_agent_id: None,
            to_agent_id: None,
            amount: None,
            memo: None,
            transfer_id: None,
        }) => "event as it is",
    }
}

fn of_call(fault: &CallFault) -> String {
    let (call, how) = match fault {
        CallFault::Answers { call, body: AnswerBody::Json, .. } => (call, "answers by JSON"),
        CallFault::Answers { call, body: AnswerBody::Html, .. } => (call, "answers by a page"),
        CallFault::Answers { call, body: AnswerBody::Empty, .. } => (call, "answers without a body"),
        CallFault::Slow { call, .. } => (call, "slow"),
        CallFault::Hangs { call, .. } => (call, "hangs"),
        CallFault::Reset { call, .. } => (call, "reset"),
    };
    format!("{call:?} {how}")
}

#[test]
fn every_kind_of_fault_that_the_sandbox_can_make_is_in_the_table() {
    let sets: Vec<FaultSet> = table::lanes(&Wanted::All)
        .iter()
        .flat_map(|lane| &lane.cases)
        .map(crate::case::Case::faults)
        .collect();
    let struck: BTreeSet<String> =
        sets.iter().flat_map(|set| &set.rules).map(|rule| kind(&rule.what)).collect();
    let calls = CALLS.iter().flat_map(|call| OF_A_CALL.map(|how| (*call, how)));
    let calls = calls.filter(|case| !NEEDLESS.contains(case)).map(|(call, how)| format!("{call:?} {how}"));
    let known: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).chain(calls).collect();
    assert_eq!(struck, known);
}

#[test]
fn no_two_faults_have_one_name_and_each_has_its_reason() {
    let lanes = table::lanes(&Wanted::All);
    let cases: Vec<_> = lanes.iter().flat_map(|lane| &lane.cases).collect();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len());
    cases.iter().for_each(|case| assert!(case.why.ends_with('.'), "{} has no reason", case.name));
}
