//! What the reactors sign in with: a token from the settings, or an agent's.

use async_trait::async_trait;
use canary_runner::Agents;
use canary_validators::Credentials;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::settings::EventStoreBearer;

/// The EventStore's bearer.
pub(crate) struct Bearer {
    source: EventStoreBearer,
    agents: Agents,
    /// The agent's token last given out, so that a refusal is said of the right one. Shared by the five reactors.
    given: Mutex<Option<SecretString>>,
}

impl Bearer {
    pub fn new(source: EventStoreBearer, agents: Agents) -> Self {
        Self { source, agents, given: Mutex::new(None) }
    }
}

#[async_trait]
impl Credentials for Bearer {
    async fn bearer(&self) -> Result<SecretString, String> {
        match &self.source {
            EventStoreBearer::Token(source) => source.read(),
            EventStoreBearer::Agent(agent) => {
                let token = self.agents.token(agent).await.map_err(|error| error.to_string())?;
                *self.given.lock().await = Some(token.clone());
                Ok(token)
            }
        }
    }

    async fn refused(&self) {
        if let (EventStoreBearer::Agent(agent), Some(token)) = (&self.source, self.given.lock().await.take())
        {
            self.agents.refused(agent, &token).await;
        }
    }
}
