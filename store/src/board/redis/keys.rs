//! The names of all keys (design §4), each behind the deployment's prefix.

use canary_domain::{EventType, Role, TestId};

/// Makes the names of keys. None is ever looked for: each is made from what it is about.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn test(&self, test_id: TestId) -> String {
        format!("{}canary:{test_id}", self.prefix)
    }

    pub(super) fn transfer(&self, transfer_id: &str) -> String {
        format!("{}{transfer_id}", self.transfers())
    }

    /// What the keys of all transfer ids begin with.
    pub(super) fn transfers(&self) -> String {
        format!("{}canary_xfer:", self.prefix)
    }

    pub(super) fn slot(&self, path: &str, cycle: i64) -> String {
        format!("{}{path}:{cycle}", self.slots())
    }

    /// What the keys of all slots begin with.
    pub(super) fn slots(&self) -> String {
        format!("{}canary:slot:", self.prefix)
    }

    pub(super) fn open(&self) -> String {
        format!("{}canary:open", self.prefix)
    }

    pub(super) fn touched(&self) -> String {
        format!("{}canary:touched", self.prefix)
    }

    pub(super) fn lease(&self, role: Role) -> String {
        format!("{}canary:lease:{role}", self.prefix)
    }

    pub(super) fn term(&self, role: Role) -> String {
        format!("{}canary:term:{role}", self.prefix)
    }

    /// The index of the reactors: their names by when they last wrote.
    pub(super) fn reactors(&self) -> String {
        format!("{}canary:reactors", self.prefix)
    }

    /// `name` is the reactor's name in the index, `<frame>:<event>:<node>`.
    pub(super) fn reactor(&self, name: &str) -> String {
        format!("{}canary:reactor:{name}", self.prefix)
    }

    /// What was read of all agents, by name.
    pub(super) fn agents(&self) -> String {
        format!("{}canary:agents", self.prefix)
    }

    pub(super) fn position(&self, frame: &str, event_type: EventType) -> String {
        format!("{}canary:position:{frame}:{event_type}", self.prefix)
    }

    /// The channel of the announcements; channels know no databases, so it needs the prefix the more.
    pub(super) fn fires(&self) -> String {
        format!("{}canary:fires", self.prefix)
    }
}
