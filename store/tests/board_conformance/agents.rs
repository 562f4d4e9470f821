//! What is read of agents.

use std::time::Duration;

use canary_store::AgentState;

use crate::support::{at, both};

fn state(agent: &str, balance: &str) -> AgentState {
    AgentState {
        agent: agent.to_owned(),
        balance: balance.parse().unwrap(),
        runway: Some(Duration::from_millis(86_400_123)),
        at: at(5),
    }
}

both! {
    async fn each_agent_is_read_as_it_was_last_saved(boards) {
        let (alpha, odd) = (state("alpha", "999999999999.000000000001"), state("o:d \"d", "-0.50"));
        for state in [&odd, &state("alpha", "7"), &alpha] {
            boards.board.save_agent(state).await.unwrap();
        }
        let told = boards.other.agents().await.unwrap();
        assert_eq!(told, [alpha, odd.clone()]);
        assert_eq!(told[1].balance.to_string(), "-0.50", "to the last digit");
        let endless = AgentState { runway: None, at: at(6), ..odd.clone() };
        boards.other.save_agent(&endless).await.unwrap();
        assert_eq!(boards.board.agents().await.unwrap()[1], endless, "what is unknown now is not taken from before");
    }

    async fn where_no_agent_was_ever_saved_there_is_none(boards) {
        assert_eq!(boards.board.agents().await.unwrap(), []);
    }
}
