//! The vocabulary of faults, as JSON and as Rust.
//!
//! A set is a list of rules; each says `what` goes wrong and, where it shouldn't always, `only` when:
//!
//! ```json
//! {"rules": [
//!   {"what": {"event": "lost"}, "only": {"event_type": "CrossFrameTransferSettled", "backend": "async", "first": 3}},
//!   {"what": {"event": {"delayed": {"by_ms": 1500}}}, "only": {"frame": "a", "probability": 0.2}},
//!   {"what": {"call": {"answers": {"call": "transfer", "status": 503, "lands": true}}}}
//! ]}
//! ```

use serde::{Deserialize, Serialize};

use super::kinds::{CallFault, EventFault, SagaFault, SocketFault};
use crate::words::{Backend, EventType};

/// Everything that goes wrong at the moment. An empty set is a healthy platform.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSet {
    /// The rules. Where one answer is needed, the first that fits gives it.
    #[serde(default)]
    pub rules: Vec<Fault>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub what: What,
    /// When it does; always, if empty.
    #[serde(default)]
    pub only: Only,
}

/// Narrows a rule. A condition that has no meaning for a fault (a token call has no event type) never fits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Only {
    /// The frame where it happens: of the call, of the socket, of the store an event enters; for
    /// `broadcast_stopped` and the saga's faults, the frame the event or transfer starts from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
    /// The event's type; for sockets, a type that the subscription asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// The transfer's backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// How probable it is each time, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Only the first so many times that everything else fits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
}

/// What can go wrong. `fee_order`, `broadcast_stopped` and `token_expired` concern what happens in a frame; the last
/// two are people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// To an event.
    Event(EventFault),
    /// To a saga.
    Saga(SagaFault),
    /// To an HTTP call.
    Call(CallFault),
    /// To an event stream's socket.
    Socket(SocketFault),
    /// Events stay in the frame where they happen.
    BroadcastStopped,
    /// Whether the fee's event comes before the tokens' (else: first across registries, last inside one).
    FeeOrder {
        /// The fee's event first.
        first: bool,
    },
    /// The registry disowns the token a call bears: 401, now and whenever it is shown again.
    TokenExpired,
    /// Users who copy the memos of recent transfers: other parties, the same memo and amount.
    Strangers {
        /// Events a second.
        #[serde(default)]
        per_second: f64,
        /// One more of each kind right before the events of every transfer.
        #[serde(default)]
        ahead: bool,
    },
    /// User traffic.
    Firehose {
        /// Events a second.
        per_second: u64,
        /// Their types, taken in turn.
        #[serde(default = "user_traffic")]
        event_types: Vec<EventType>,
        /// About how long each is on the wire.
        #[serde(default = "user_event_bytes")]
        bytes: usize,
    },
}

fn user_traffic() -> Vec<EventType> {
    vec![EventType::TokensTransferred]
}

fn user_event_bytes() -> usize {
    650
}

impl FaultSet {
    /// A set of these rules.
    pub fn of(rules: impl IntoIterator<Item = Fault>) -> Self {
        Self { rules: rules.into_iter().collect() }
    }
}

impl From<What> for Fault {
    fn from(what: What) -> Self {
        Self { what, only: Only::default() }
    }
}

impl Fault {
    /// Only on this frame.
    #[must_use]
    pub fn on(mut self, frame: &str) -> Self {
        self.only.frame = Some(frame.to_owned());
        self
    }

    /// Only events (or subscriptions) of this type.
    #[must_use]
    pub fn of_type(mut self, event_type: EventType) -> Self {
        self.only.event_type = Some(event_type);
        self
    }

    /// Only transfers of this backend, and their events.
    #[must_use]
    pub fn by(mut self, backend: Backend) -> Self {
        self.only.backend = Some(backend);
        self
    }

    /// Only with this probability, 0 to 1.
    #[must_use]
    pub fn chance(mut self, probability: f64) -> Self {
        self.only.probability = Some(probability);
        self
    }

    /// Only the first so many times.
    #[must_use]
    pub fn first(mut self, times: u64) -> Self {
        self.only.first = Some(times);
        self
    }
}

impl From<EventFault> for Fault {
    fn from(fault: EventFault) -> Self {
        What::Event(fault).into()
    }
}

impl From<SagaFault> for Fault {
    fn from(fault: SagaFault) -> Self {
        What::Saga(fault).into()
    }
}

impl From<CallFault> for Fault {
    fn from(fault: CallFault) -> Self {
        What::Call(fault).into()
    }
}

impl From<SocketFault> for Fault {
    fn from(fault: SocketFault) -> Self {
        What::Socket(fault).into()
    }
}
