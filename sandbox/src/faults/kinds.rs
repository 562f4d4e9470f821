//! The faults themselves, by what they befall. Times are milliseconds, as in the JSON.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What can happen to an event. Events of strangers and of the firehose are never touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EventFault {
    /// An event never enters the store: neither stream nor REST knows it.
    Lost,
    /// An event is in the store but isn't streamed.
    Dropped {
        /// A replay leaves it out too.
        #[serde(default)]
        replay_too: bool,
    },
    /// An event comes late.
    Delayed {
        /// By how many milliseconds.
        by_ms: u64,
        /// Where it waits.
        #[serde(default)]
        waits: DelayAt,
    },
    /// An event is streamed more than once.
    Repeated {
        /// How many times more.
        #[serde(default = "one")]
        times: u32,
    },
    /// An event is streamed after the one that follows it.
    Reordered {
        /// Milliseconds after which it goes out alone if none follows.
        #[serde(default = "second")]
        within_ms: u64,
    },
    /// Something unreadable is streamed in an event's place; a replay is sound.
    Corrupted {
        /// In which way.
        how: Corruption,
    },
    /// An event says what isn't so.
    Altered(Alteration),
}

/// What an altered event says instead; a field that the event hasn't got stays missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alteration {
    /// Another sender.
    pub from_agent_id: Option<String>,
    /// Another receiver.
    pub to_agent_id: Option<String>,
    /// Another amount.
    pub amount: Option<Decimal>,
    /// Another memo.
    pub memo: Option<String>,
    /// Another transfer id.
    pub transfer_id: Option<String>,
}

/// How a saga can go wrong; drawn when it is initiated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SagaFault {
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
}

/// What can happen to an HTTP call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum CallFault {
    /// A call is answered with a status of the fault's own.
    Answers {
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
    Slow {
        /// Which call.
        call: Call,
        /// By how many milliseconds.
        by_ms: u64,
        /// Its work is done at once and its true answer comes late; else nothing is done and it ends in a 504.
        #[serde(default = "yes")]
        lands: bool,
    },
    /// A call is never answered; when the faults change, its connection is cut.
    Hangs {
        /// Which call.
        call: Call,
        /// Its work is done all the same.
        #[serde(default)]
        lands: bool,
    },
    /// A call's connection is cut instead of an answer.
    Reset {
        /// Which call.
        call: Call,
        /// Its work is done all the same.
        #[serde(default)]
        lands: bool,
    },
}

impl CallFault {
    /// A plain JSON answer with this status, at once; the call does nothing.
    pub fn answers(call: Call, status: u16) -> Self {
        Self::Answers {
            call,
            status,
            body: AnswerBody::Json,
            error_code: None,
            retry_after_s: None,
            after_ms: 0,
            lands: false,
        }
    }
}

/// What can happen to an event stream's socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SocketFault {
    /// A socket is closed.
    Closes {
        /// After so many events from now on.
        #[serde(default)]
        after_events: u64,
        /// Without a closing frame.
        #[serde(default = "yes")]
        abruptly: bool,
    },
    /// A socket stays open and says nothing more, until the faults change.
    Stalls {
        /// After so many events from now on; with 0 a new socket doesn't even hear `subscribed`.
        #[serde(default)]
        after_events: u64,
    },
    /// No heartbeats.
    NoHeartbeats,
    /// Every replay that is asked for is answered with a gap, and what it asked for is not sent.
    ReplayGap,
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
