//! Which stored state a reactor begins from.

use std::time::Duration;

use canary_domain::{EventType, Moment, NodeId};
use canary_store::ReactorState;

/// A state is of use for this much longer than a test is watched.
const SLACK: Duration = Duration::from_secs(3600);

/// What a reactor asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub frame: &'a str,
    pub event_type: EventType,
    pub node: &'a NodeId,
    pub watch: Duration,
}

/// The state to begin from: this node's own, else the one that got furthest. One without coverage, or whose
/// coverage ended before any test that is still watched was fired, is left alone, and so is a bare position:
/// replaying from there could change no verdict, and would bring other people's traffic of days.
pub(crate) fn choose<'a>(
    states: &'a [ReactorState],
    wanted: &Wanted<'_>,
    now: Moment,
) -> Option<&'a ReactorState> {
    let recent = now - wanted.watch - SLACK;
    let usable = |state: &&ReactorState| {
        state.frame == wanted.frame
            && state.event_type == wanted.event_type
            && state.position.is_some()
            && state.covered.is_some_and(|covered| covered.until >= recent)
    };
    let own = states.iter().filter(usable).find(|state| state.node == *wanted.node);
    own.or_else(|| states.iter().filter(usable).max_by_key(|state| state.position))
}

#[cfg(test)]
mod tests {
    use super::*;
    use canary_domain::Interval;

    fn at(second: i64) -> Moment {
        chrono::DateTime::from_timestamp(second, 0).unwrap()
    }

    fn state(node: &str, position: i64, until: i64) -> ReactorState {
        ReactorState {
            frame: "a".into(),
            event_type: EventType::TokensTransferred,
            node: node.into(),
            position: Some(position),
            covered: Some(Interval { from: at(0), until: at(until) }),
            connected: false,
            last_event_at: None,
            events_total: 0,
            matched_total: 0,
            reconnects_total: 0,
        }
    }

    fn chosen(states: &[ReactorState], node: &str) -> Option<i64> {
        let node = node.to_owned();
        let kind = EventType::TokensTransferred;
        let wanted = Wanted { frame: "a", event_type: kind, node: &node, watch: Duration::from_secs(600) };
        choose(states, &wanted, at(10_000)).and_then(|state| state.position)
    }

    #[test]
    fn a_reactor_begins_from_its_own_state_or_else_from_the_best() {
        let states = [state("n1", 10, 9_990), state("n2", 30, 9_995), state("n3", 20, 9_996)];
        assert_eq!(chosen(&states, "n1"), Some(10));
        assert_eq!(chosen(&states, "new"), Some(30));
        assert_eq!(chosen(&[], "new"), None);
    }

    #[test]
    fn states_of_others_frames_and_of_long_ago_are_left_alone() {
        let mut elsewhere = state("n1", 10, 9_990);
        elsewhere.frame = "b".into();
        let mut uncovered = state("n1", 10, 9_990);
        uncovered.covered = None;
        assert_eq!(chosen(&[elsewhere, uncovered, state("n1", 10, 10_000 - 4_201)], "n1"), None);
    }
}
