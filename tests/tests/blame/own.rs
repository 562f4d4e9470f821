//! The canary's own faults: its observers, its stores, its parts, its clock, its secrets; and the way to the platform.

use std::time::Duration;

use canary_sandbox::{Call, CallFault, EventType, Fault, SocketFault, What};
use canary_tests::Network;

use crate::case::{Act, Case, Link, Mishap, OWN, Store};

const ALL: &[(&str, &str)] = &[("*", OWN)];
const SEEN: &str = "The backstop reads what the sockets don't bring.";
const BLIND: &str = "Nobody has seen whether it was done: of the transfers nothing is known, and of the observers, `canary_reactor_up` is 0.";
const OVERCOME: &str =
    "What is certain is judged, what is not is inconclusive, and what was not sent is missed.";

/// The network's faults that a client can tell from a sound one, while they last.
const BREAKS: [(&str, Network); 4] = [
    ("is cut", Network::Resets),
    ("is refused", Network::Refused),
    ("half-closes", Network::HalfClosed),
    ("is a black hole", Network::BlackHole),
];

/// One reactor that sees nothing: its socket fails, and so do the pages of its type. That the pages fail is needed: with
/// them it would see everything.
pub fn reactor(event_type: EventType) -> Vec<Case> {
    let needed: &[(&str, &str)] = match event_type {
        EventType::TokensTransferred => &[("intra", OWN), ("a-2pc", OWN)],
        EventType::CrossFrameTransferInitiated => &[("async", OWN)],
        EventType::CrossFrameTransferSettled => &[("async", OWN), ("b-2pc-a", OWN)],
        EventType::TransactionFeeCollected
        | EventType::CrossFrameTransferRefunded
        | EventType::CrossRegistryTransferCompleted => &[],
    };
    let why = if needed.is_empty() { "Nothing waits for what it would have seen." } else { BLIND };
    let closes = |abruptly| SocketFault::Closes { after_events: 0, abruptly };
    let ways = [
        ("cut", closes(true)),
        ("stalled", SocketFault::Stalls { after_events: 0 }),
        ("refused", closes(false)),
    ];
    let case = |(how, fault): (&str, SocketFault)| {
        let pages = Fault::from(CallFault::answers(Call::Events, 500)).of_type(event_type);
        let faults = vec![Fault::from(fault).of_type(event_type), pages];
        Case::own(format!("the reactor of {} is {how}", event_type.name()), [Act::Faults(faults)])
            .breaks(needed)
            .why(why)
    };
    ways.map(case).into()
}

/// The way to the EventStore, and what opens it.
pub fn sight() -> Vec<Case> {
    let both = |network| [Act::Link(Link::Sockets, network), Act::Link(Link::Pages, network)];
    let slow = Network::Slow(Duration::from_millis(100));
    let mut cases: Vec<Case> = BREAKS
        .iter()
        .map(|(how, network)| {
            Case::own(format!("the way to the sockets {how}"), [Act::Link(Link::Sockets, *network)]).why(SEEN)
        })
        .collect();
    cases.push(
        Case::own("the way to the pages is refused", [Act::Link(Link::Pages, Network::Refused)])
            .why("The sockets bring everything."),
    );
    cases.push(Case::own("the way to the EventStore is slow", both(slow)).why("It came in time."));
    cases.extend(BREAKS.iter().map(|(how, network)| {
        Case::own(format!("the way to the EventStore {how}"), both(*network)).breaks(ALL).why(BLIND)
    }));
    cases.push(
        Case::own(
            "the EventStore's token is wrong",
            [
                Act::WrongSecret("event-store.token"),
                Act::Faults(vec![SocketFault::Closes { after_events: 0, abruptly: true }.into()]),
            ],
        )
        .breaks(ALL)
        .why(BLIND),
    );
    cases
}

/// The way to the registries, and what signs in there. Whose a broken way is can't be told from one end of it: a call that
/// got no answer is called what it was.
pub fn registries() -> Vec<Case> {
    let mut cases: Vec<Case> = BREAKS
        .iter()
        .map(|(how, network)| {
            let act = Act::Link(Link::Registries, *network);
            let mut case = Case::platform(format!("the way to the registries {how}"), []);
            case.acts = vec![act];
            case.breaks(&[("*", "transfer call")]).why(
                "Users can't transfer either, as far as anybody can tell who stands on this side of the way.",
            )
        })
        .collect();
    let slow = Network::Slow(Duration::from_millis(100));
    cases.push(
        Case::own("the way to the registries is slow", [Act::Link(Link::Registries, slow)])
            .why("It came in time."),
    );
    // Who has a token keeps it.
    let expired = Act::Faults(vec![Fault::from(What::TokenExpired).on("a")]);
    cases.push(
        Case::own("an agent's secret is wrong", [Act::WrongSecret("alpha.secret"), expired])
            .breaks(&[("a-intra", OWN), ("a-async-b", OWN), ("a-2pc", OWN), ("a-2pc-b", OWN)])
            .why("Nothing was sent for the agent whose secret it is."),
    );
    cases
}

/// Redis.
pub fn board() -> Vec<Case> {
    let mut cases = store(Store::Redis, Link::Redis, "Redis");
    cases.push(Case::own("the board's clock steps forward", [Act::ClockStep(6)]).lasts(8).why(OVERCOME));
    cases.push(Case::own("the board's clock steps back", [Act::ClockStep(-6)]).lasts(8).why(OVERCOME));
    cases
}

/// PostgreSQL.
pub fn ledger() -> Vec<Case> {
    store(Store::Postgres, Link::Postgres, "PostgreSQL")
}

fn store(store: Store, link: Link, name: &str) -> Vec<Case> {
    let case =
        |how: &str, act, seconds| Case::own(format!("{name} {how}"), [act]).lasts(seconds).why(OVERCOME);
    vec![
        case("is down", Act::Store(store, Mishap::Down), 5),
        case("is out of reach", Act::Link(link, Network::BlackHole), 5),
        case("is slow", Act::Link(link, Network::Slow(Duration::from_millis(60))), 5),
        case("is restarted", Act::Store(store, Mishap::Restarted), 0),
        case("stands still", Act::Store(store, Mishap::Paused), 5),
        case("is emptied", Act::Store(store, Mishap::Emptied), 0),
    ]
}

/// One part, in a process of its own.
pub fn part(name: &str) -> Vec<Case> {
    vec![
        Case::own(format!("the {name} is stopped for 5 s"), [Act::Stopped]).lasts(5).why(OVERCOME),
        Case::own(format!("the {name} is killed and started anew"), [Act::Killed]).lasts(0).why(OVERCOME),
    ]
}
