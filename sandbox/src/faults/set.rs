//! The vocabulary of faults, as JSON and as Rust.
//!
//! A set is a list of rules; each says `what` goes wrong and, where it shouldn't always, `only` when:
//!
//! ```json
//! {"rules": [
//!   {"what": "event_lost", "only": {"event_type": "CrossFrameTransferSettled", "backend": "async", "first": 3}},
//!   {"what": {"event_delayed": {"by_ms": 1500}}, "only": {"frame": "a", "probability": 0.2}},
//!   {"what": {"call_answers": {"call": "transfer", "status": 503, "lands": true}}}
//! ]}
//! ```

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

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

/// What can go wrong. Events of strangers and of the firehose are never touched by the `event_…` faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// An event never enters the store: neither stream nor REST knows it.
    EventLost,
    /// An event is in the store but isn't streamed.
    EventDropped {
        /// A replay leaves it out too.
        #[serde(default)]
        replay_too: bool,
    },
    /// An event comes late.
    EventDelayed {
        /// By how many milliseconds.
        by_ms: u64,
        /// Where it waits.
        #[serde(default)]
        waits: DelayAt,
    },
    /// An event is streamed more than once.
    EventRepeated {
        /// How many times more.
        #[serde(default = "one")]
        times: u32,
    },
    /// An event is streamed after the one that follows it.
    EventReordered {
        /// Milliseconds after which it goes out alone if none follows.
        #[serde(default = "second")]
        within_ms: u64,
    },
    /// Something unreadable is streamed in an event's place; a replay is sound.
    EventCorrupted {
        /// In which way.
        how: Corruption,
    },
    /// An event says what isn't so; every field given replaces the true one where the event has it.
    EventAltered {
        /// Another sender.
        #[serde(default)]
        from_agent_id: Option<String>,
        /// Another receiver.
        #[serde(default)]
        to_agent_id: Option<String>,
        /// Another amount.
        #[serde(default)]
        amount: Option<Decimal>,
        /// Another memo.
        #[serde(default)]
        memo: Option<String>,
        /// Another transfer id.
        #[serde(default)]
        transfer_id: Option<String>,
    },
    /// Events stay in the frame where they happen.
    BroadcastStopped,
    /// Whether the fee's event comes before the tokens' (else: first across registries, last inside one).
    FeeOrder {
        /// The fee's event first.
        first: bool,
    },
    /// A saga neither credits nor refunds.
    CreditLost,
    /// A saga credits later than it should.
    SettleDelayed {
        /// Milliseconds on top of the configured time.
        by_ms: u64,
    },
    /// A saga's credit fails, so its sweeper gives the tokens back.
    Refunded {
        /// Milliseconds from initiated; the configured time if missing.
        #[serde(default)]
        after_ms: Option<u64>,
    },
    /// A saga credits, and its sweeper gives the tokens back nevertheless: they exist twice.
    RefundedAfterSettled {
        /// Milliseconds from settled.
        #[serde(default)]
        after_ms: u64,
    },
    /// A call is answered with a status of the fault's own.
    CallAnswers {
        /// Which call.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// What the body is.
        #[serde(default)]
        body: AnswerBody,
        /// `error_code` of a JSON body.
        #[serde(default)]
        error_code: Option<String>,
        /// Seconds in `Retry-After`.
        #[serde(default)]
        retry_after_s: Option<u64>,
        /// Milliseconds before the answer.
        #[serde(default)]
        after_ms: u64,
        /// The call does its work all the same.
        #[serde(default)]
        lands: bool,
    },
    /// A call is answered late.
    CallSlow {
        /// Which call.
        call: Call,
        /// By how many milliseconds.
        by_ms: u64,
        /// Its work is done at once and its true answer comes late; else nothing is done and it ends in a 504.
        #[serde(default = "yes")]
        lands: bool,
    },
    /// A call is never answered; when the faults change, its connection is cut.
    CallHangs {
        /// Which call.
        call: Call,
        /// Its work is done all the same.
        #[serde(default)]
        lands: bool,
    },
    /// A call's connection is cut instead of an answer.
    CallReset {
        /// Which call.
        call: Call,
        /// Its work is done all the same.
        #[serde(default)]
        lands: bool,
    },
    /// The registry disowns the token a call bears: 401, now and whenever it is shown again.
    TokenExpired,
    /// A socket is closed.
    SocketCloses {
        /// After so many events from now on.
        #[serde(default)]
        after_events: u64,
        /// Without a closing frame.
        #[serde(default = "yes")]
        abruptly: bool,
    },
    /// A socket stays open and says nothing more, until the faults change.
    SocketStalls {
        /// After so many events from now on; with 0 a new socket doesn't even hear `subscribed`.
        #[serde(default)]
        after_events: u64,
    },
    /// No heartbeats.
    HeartbeatsStop,
    /// Every replay that is asked for is answered with a gap, and what it asked for is not sent.
    ReplayGap,
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

/// Where a delayed event waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DelayAt {
    /// Before it enters the store: heartbeats and REST know nothing of it until then.
    #[default]
    Store,
    /// In each stream, and all that follows waits behind it: heartbeats don't claim it, REST has it.
    Stream,
}

/// How a streamed event is made unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corruption {
    /// Text that is no JSON.
    NotJson,
    /// A binary frame.
    Binary,
    /// The first half of the event.
    Truncated,
    /// The event, 20 MB long.
    Huge,
    /// Sound JSON with a `type` that nobody knows.
    UnknownType,
}

/// A call that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Signing in.
    Token,
    /// A transfer, by any backend.
    Transfer,
    /// The balance.
    Balance,
    /// The EventStore's REST page.
    Events,
    /// The WebSocket's handshake; `lands` has no meaning here.
    Subscribe,
}

/// The body of an answer that a fault gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerBody {
    /// The contract's error document.
    #[default]
    Json,
    /// A proxy's page.
    Html,
    /// Nothing.
    Empty,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

fn second() -> u64 {
    1_000
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
