//! All faults, by the deployments that meet them.

use canary_sandbox::EventType;

use crate::case::Case;
use crate::lane::Lane;
use crate::page::Wanted;
use crate::stand::Setup;
use crate::{calls, events, own};

/// So many faults a deployment meets; what is more goes to another one.
const AT_MOST: usize = 9;
/// Those of a store last longer.
const OF_A_STORE: usize = 3;

/// All that is wanted.
pub fn lanes(wanted: &Wanted) -> Vec<Lane> {
    let mut lanes = all();
    if let Wanted::Some(name) = wanted {
        lanes.iter_mut().for_each(|lane| lane.cases.retain(|case| case.name.contains(name.as_str())));
        lanes.retain(|lane| !lane.cases.is_empty());
    }
    lanes
}

fn all() -> Vec<Lane> {
    let plain = Setup::default();
    let patient = Setup { patient: true, ..plain };
    let links = Setup { links: true, ..plain };
    let redis = Setup { redis: true, ..plain };
    let postgres = Setup { postgres: true, ..plain };
    let mut lanes = Vec::new();
    let mut add = |title, setup, cases: Vec<Case>, at_most| lanes.extend(split(title, setup, cases, at_most));
    add("The platform's events", plain, events::events(), AT_MOST);
    add("What events say, and sagas", plain, events::contents_and_sagas(), AT_MOST);
    add("The transfer call", patient, calls::transfer(), AT_MOST);
    add("Signing in", patient, calls::token(), AT_MOST);
    add("Untidy events", plain, events::untidy_events(), AT_MOST);
    add("Sockets, while the pages can be read", plain, events::sockets(), AT_MOST);
    add("Calls that no verdict rests on", plain, calls::others(), AT_MOST);
    for event_type in OBSERVED {
        add("The canary's reactors", plain, own::reactor(event_type), AT_MOST);
    }
    add("The way to the EventStore", links, own::sight(), AT_MOST);
    add("The way to the registries", Setup { patient: true, ..links }, own::registries(), AT_MOST);
    add("The canary's stores and its clock", redis, own::board(), OF_A_STORE);
    add("The canary's stores and its clock", postgres, own::ledger(), OF_A_STORE);
    for part in ["runner", "validators", "judge"] {
        add("The canary's parts", Setup { apart: Some(part), ..plain }, own::part(part), AT_MOST);
    }
    lanes
}

/// The types that have a reactor.
const OBSERVED: [EventType; 5] = [
    EventType::TokensTransferred,
    EventType::TransactionFeeCollected,
    EventType::CrossFrameTransferInitiated,
    EventType::CrossFrameTransferSettled,
    EventType::CrossFrameTransferRefunded,
];

fn split(title: &'static str, setup: Setup, mut cases: Vec<Case>, at_most: usize) -> Vec<Lane> {
    let lanes = cases.len().div_ceil(at_most);
    let each = cases.len().div_ceil(lanes);
    let mut split = Vec::new();
    while !cases.is_empty() {
        let rest = cases.split_off(each.min(cases.len()));
        split.push(Lane { title, setup, cases });
        cases = rest;
    }
    split
}
