//! What was read of agents, as JSON in one hash: an agent's name is its field.

use std::collections::BTreeMap;
use std::time::Duration;

use canary_domain::{iso, parse_iso};
use redis::pipe;
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::{RedisBoard, millis};
use crate::board::{AGENT_SILENCE, AgentState};
use crate::{Result, StoreError};

/// The value of a field. The balance is text: a JSON number would be rounded by whoever reads it.
#[derive(Serialize, Deserialize)]
struct Value {
    balance: String,
    runway_ms: Option<u64>,
    at_iso: String,
}

impl RedisBoard {
    pub(super) async fn put_agent(&self, state: &AgentState) -> Result<()> {
        const STEP: &str = "save an agent";
        let value = Value {
            balance: state.balance.to_string(),
            runway_ms: state.runway.and_then(|runway| u64::try_from(runway.as_millis()).ok()),
            at_iso: iso(state.at),
        };
        let json = serde_json::to_string(&value).map_err(|error| StoreError::Broken {
            store: self.link.name().to_owned(),
            step: STEP,
            cause: error.to_string(),
        })?;
        let mut commands = pipe();
        commands.atomic();
        commands.hset(self.keys.agents(), &state.agent, json).ignore();
        commands.cmd("PEXPIRE").arg(self.keys.agents()).arg(millis(AGENT_SILENCE)).ignore();
        self.link.pipeline(STEP, &commands).await
    }

    pub(super) async fn read_agents(&self) -> Result<Vec<AgentState>> {
        let all = pipe().cmd("HGETALL").arg(self.keys.agents()).clone();
        let (fields,): (BTreeMap<String, String>,) = self.link.pipeline("read the agents", &all).await?;
        let states = fields.into_iter().filter_map(|(agent, json)| {
            let state = read(&agent, &json);
            if state.is_none() {
                debug!(agent, "skipped an agent whose state can't be read");
            }
            state
        });
        Ok(states.collect())
    }
}

fn read(agent: &str, json: &str) -> Option<AgentState> {
    let value: Value = serde_json::from_str(json).ok()?;
    Some(AgentState {
        agent: agent.to_owned(),
        balance: value.balance.parse().ok()?,
        runway: value.runway_ms.map(Duration::from_millis),
        at: parse_iso(&value.at_iso)?,
    })
}
