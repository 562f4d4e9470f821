//! Which reactors have been subscribed: the service is ready once all have (design §13).

use canary_domain::EventType;

/// The reactors that have not been subscribed yet, since the process began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    waiting: Vec<EventType>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { waiting: EventType::ALL.to_vec() }
    }
}

impl Readiness {
    /// Whether every reactor has been subscribed once.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those that have not.
    #[must_use]
    pub fn waiting(&self) -> &[EventType] {
        &self.waiting
    }

    /// Notes that one is; answers whether that is new.
    pub(crate) fn subscribed(&mut self, event_type: EventType) -> bool {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| *waiting != event_type);
        self.waiting.len() < before
    }
}
