//! What reactors say of themselves.

use canary_domain::{EventType, Interval};
use canary_store::ReactorState;

use crate::support::{at, both};

fn state(node: &str, position: Option<i64>) -> ReactorState {
    ReactorState {
        frame: "a:1".to_owned(),
        event_type: EventType::TokensTransferred,
        node: node.to_owned(),
        position,
        covered: Some(Interval { from: at(0), until: at(10) }),
        connected: true,
        last_event_at: Some(at(9)),
        events_total: 1 << 40,
        matched_total: 17,
        reconnects_total: 2,
    }
}

both! {
    async fn each_reactor_of_each_instance_is_read_as_it_last_wrote(boards) {
        let one = state("n:1", Some(41));
        let two = ReactorState { connected: false, ..state("n:2", Some(17)) };
        let other_type = ReactorState { event_type: EventType::CrossFrameTransferSettled, ..state("n:1", None) };
        for state in [&one, &two, &other_type] {
            boards.board.save_reactor(state).await.unwrap();
        }
        let emptied = ReactorState { position: None, covered: None, last_event_at: None, ..one.clone() };
        boards.board.save_reactor(&emptied).await.unwrap();
        let mut states = boards.other.reactors().await.unwrap();
        states.sort_by_key(|state| (state.event_type, state.node.clone()));
        assert_eq!(states, [emptied, two, other_type], "what is unknown now is not taken from before");
    }

    async fn the_highest_position_of_a_frame_and_type_stays(boards) {
        let frame = "a:1";
        let kind = EventType::TokensTransferred;
        assert_eq!(boards.board.position(frame, kind).await.unwrap(), None);
        for (position, highest) in [(Some(0), 0), (Some(41), 41), (Some(17), 41), (None, 41), (Some(100), 100)] {
            boards.board.save_reactor(&state("n1", position)).await.unwrap();
            assert_eq!(boards.other.position(frame, kind).await.unwrap(), Some(highest));
        }
        assert_eq!(boards.board.position("b", kind).await.unwrap(), None);
        assert_eq!(boards.board.position(frame, EventType::CrossFrameTransferSettled).await.unwrap(), None);
    }

    async fn where_no_reactor_ever_wrote_there_is_none(boards) {
        assert_eq!(boards.board.reactors().await.unwrap(), []);
    }
}
