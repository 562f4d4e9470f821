//! What is known of a test: what was to be fired, what the call came to, what was seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::{Amount, Backend, Moment, Reason, Stamps, Term, TestId};

/// Where a test comes from (design §13).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Origin {
    /// A slot.
    Schedule,
    /// `canary probe`.
    Probe,
    /// An operator's "fire now".
    Fire,
}

/// One test as it was registered; never changed afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Its name and idempotency key.
    pub test_id: TestId,
    /// The deployment's name.
    pub canary: String,
    /// The path it travels.
    pub path: String,
    /// How the transfer is made.
    pub backend: Backend,
    /// Where it comes from.
    pub origin: Origin,
    /// Its cycle; `None` for a test without a slot.
    pub cycle: Option<i64>,
    /// The fire period in milliseconds, which gives `cycle` its meaning; `None` without a slot.
    pub period_ms: Option<i64>,
    /// The term of the runner that registered it; 0 where nobody led.
    pub term: Term,
    /// Frame of the sender.
    pub source_frame: String,
    /// Frame of the receiver.
    pub dest_frame: String,
    /// DID of the sender.
    pub sender: String,
    /// DID of the receiver.
    pub receiver: String,
    /// What is sent.
    pub amount: Amount,
    /// When it was registered.
    pub registered_at: Moment,
    /// Time from firing to the deadline.
    pub deadline: Duration,
    /// Time from firing to the end of the watch (design §3.3).
    pub watch: Duration,
}

/// What the transfer call came to (design §13). `sent` is the word for a call without an answer yet.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
    SerializeDisplay,
    DeserializeFromStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum FireStatus {
    /// On its way.
    Sent,
    /// Answered 2xx.
    Accepted,
    /// Answered 4xx.
    Rejected,
    /// Answered 5xx or not understandably, refused, or reset before an answer.
    Unavailable,
    /// No answer within `call_timeout`.
    Timeout,
}

/// What the platform or the network said against the call; secrets removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FireError {
    /// The platform's `error_code`, or a word for the network's failure.
    pub code: Option<String>,
    /// The first 2 KB of the detail.
    pub detail: String,
}

/// The end of the transfer call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When the answer, or its absence, was certain.
    pub at: Moment,
    /// What it came to; never [`FireStatus::Sent`].
    pub status: FireStatus,
    /// HTTP status, where there was one.
    pub code: Option<u16>,
    /// The platform's id of the transfer.
    pub transfer_id: Option<String>,
    /// What was said against it.
    pub error: Option<FireError>,
}

/// A registered test that was never sent: nothing left this canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// When that was certain.
    pub at: Moment,
    /// Why.
    pub reason: Reason,
    /// What the sign-in was answered, where that was the cause.
    pub code: Option<u16>,
}

/// An event of this test that names other parties or another amount (design §3.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mismatch {
    /// When the event was seen.
    pub at: Moment,
    /// What differs, in words an operator can use.
    pub what: String,
}

/// All that is known of one test. Facts only ever grow; the verdict is computed from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What was to be fired.
    pub test: Test,
    /// Read right before the request left; `None` if that was never noted.
    pub fired_at: Option<Moment>,
    /// Bound of `fired_at`'s distance from the board's clock, in microseconds.
    pub fired_error_us: u64,
    /// How the call ended; `None` if that was never noted.
    pub answer: Option<Answer>,
    /// Set when the test was never sent.
    pub withheld: Option<Withheld>,
    /// What was seen.
    pub stamps: Stamps,
    /// The first event that contradicts what was fired.
    pub mismatch: Option<Mismatch>,
    /// The board lost this test once and got it back from elsewhere: stamps may be missing.
    pub restored: bool,
}

impl Facts {
    /// The facts of a test that was just registered.
    #[must_use]
    pub fn registered(test: Test) -> Self {
        Self {
            test,
            fired_at: None,
            fired_error_us: 0,
            answer: None,
            withheld: None,
            stamps: Stamps::default(),
            mismatch: None,
            restored: false,
        }
    }

    /// From when the test counts: its firing, or its registration while that is all that is known.
    #[must_use]
    pub fn start(&self) -> Moment {
        self.fired_at.unwrap_or(self.test.registered_at)
    }

    /// The moment by which it has to be done.
    #[must_use]
    pub fn deadline_at(&self) -> Moment {
        self.start() + self.test.deadline
    }

    /// The moment after which nothing amends it any more.
    #[must_use]
    pub fn watched_until(&self) -> Moment {
        self.start() + self.test.watch
    }

    /// The word for `fire_status`; `None` if nothing is known to have been sent.
    #[must_use]
    pub fn fire_status(&self) -> Option<FireStatus> {
        self.answer.as_ref().map(|answer| answer.status).or(self.fired_at.map(|_| FireStatus::Sent))
    }

    /// The platform's id of the transfer, once known.
    #[must_use]
    pub fn transfer_id(&self) -> Option<&str> {
        self.answer.as_ref()?.transfer_id.as_deref()
    }
}
