//! The platform's own faults, as a table.

use canary_sandbox::{
    Alteration, AnswerBody, Call, CallFault, Corruption, DelayAt, EventFault, EventType, Fault, FaultSet,
    SagaFault, SocketFault, What,
};

/// One of them.
#[derive(Debug)]
pub struct PlatformFault {
    /// In a word.
    pub name: &'static str,
    /// Its rules.
    pub rules: fn() -> Vec<Fault>,
}

impl PartialEq for PlatformFault {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const TOKENS: EventType = EventType::TokensTransferred;
const INITIATED: EventType = EventType::CrossFrameTransferInitiated;
const SETTLED: EventType = EventType::CrossFrameTransferSettled;

/// How long the slow ones take, below any limit.
const A_WHILE_MS: u64 = 700;
/// Beyond any deadline of a run.
const TOO_LATE_MS: u64 = 7_000;

/// All that a schedule may choose from.
pub static FAULTS: [PlatformFault; 28] = [
    PlatformFault { name: "tokens' events lost", rules: || vec![lost(TOKENS)] },
    PlatformFault { name: "beginnings lost", rules: || vec![lost(INITIATED)] },
    PlatformFault { name: "settlements lost", rules: || vec![lost(SETTLED)] },
    PlatformFault { name: "events delayed", rules: || vec![delayed(A_WHILE_MS).into()] },
    PlatformFault { name: "events after the deadline", rules: || vec![delayed(TOO_LATE_MS).into()] },
    PlatformFault {
        name: "events dropped from streams",
        rules: || vec![EventFault::Dropped { replay_too: true }.into()],
    },
    PlatformFault { name: "events repeated", rules: || vec![EventFault::Repeated { times: 3 }.into()] },
    PlatformFault {
        name: "events out of order",
        rules: || vec![EventFault::Reordered { within_ms: 400 }.into()],
    },
    PlatformFault {
        name: "events without JSON",
        rules: || vec![EventFault::Corrupted { how: Corruption::NotJson }.into()],
    },
    PlatformFault {
        name: "events cut short",
        rules: || vec![EventFault::Corrupted { how: Corruption::Truncated }.into()],
    },
    PlatformFault { name: "wrong amounts", rules: || vec![Fault::from(other_amount()).chance(0.5)] },
    PlatformFault { name: "broadcasts stopped", rules: || vec![What::BroadcastStopped.into()] },
    PlatformFault { name: "credits lost", rules: || vec![SagaFault::CreditLost.into()] },
    PlatformFault {
        name: "refunds",
        rules: || vec![SagaFault::Refunded { after_ms: Some(A_WHILE_MS) }.into()],
    },
    PlatformFault {
        name: "refunds after settling",
        rules: || vec![SagaFault::RefundedAfterSettled { after_ms: A_WHILE_MS }.into()],
    },
    PlatformFault {
        name: "transfers refused",
        rules: || vec![CallFault::answers(Call::Transfer, 400).into()],
    },
    PlatformFault { name: "transfers fail", rules: || vec![CallFault::answers(Call::Transfer, 500).into()] },
    PlatformFault { name: "transfers fail and land", rules: || vec![fails_and_lands().into()] },
    PlatformFault {
        name: "transfers slow",
        rules: || vec![CallFault::Slow { call: Call::Transfer, by_ms: A_WHILE_MS, lands: true }.into()],
    },
    PlatformFault {
        name: "transfers hang and land",
        rules: || vec![CallFault::Hangs { call: Call::Transfer, lands: true }.into()],
    },
    PlatformFault {
        name: "transfers reset",
        rules: || vec![CallFault::Reset { call: Call::Transfer, lands: false }.into()],
    },
    PlatformFault { name: "tokens disowned", rules: || vec![Fault::from(What::TokenExpired).chance(0.5)] },
    PlatformFault {
        name: "sign-in fails",
        rules: || vec![What::TokenExpired.into(), CallFault::answers(Call::Token, 503).into()],
    },
    PlatformFault {
        name: "sign-in refused",
        rules: || vec![What::TokenExpired.into(), CallFault::answers(Call::Token, 401).into()],
    },
    PlatformFault {
        name: "sockets closed",
        rules: || vec![SocketFault::Closes { after_events: 1, abruptly: true }.into()],
    },
    PlatformFault {
        name: "sockets stalled, no heartbeats",
        rules: || vec![SocketFault::Stalls { after_events: 1 }.into(), SocketFault::NoHeartbeats.into()],
    },
    PlatformFault {
        name: "gaps, and no pages",
        rules: || {
            let closes = SocketFault::Closes { after_events: 1, abruptly: false };
            let no_pages = CallFault::answers(Call::Events, 500);
            vec![closes.into(), SocketFault::ReplayGap.into(), no_pages.into()]
        },
    },
    PlatformFault {
        name: "user traffic",
        rules: || {
            let event_types = vec![TOKENS, SETTLED];
            vec![What::Firehose { per_second: 500, event_types, bytes: 650 }.into()]
        },
    },
];

/// These rules, and the strangers who are always there (I7).
pub(super) fn among_strangers(rules: Vec<Fault>) -> FaultSet {
    let strangers = Fault::from(What::Strangers { per_second: 10.0, ahead: true });
    FaultSet::of([strangers].into_iter().chain(rules))
}

fn lost(event_type: EventType) -> Fault {
    Fault::from(EventFault::Lost).of_type(event_type)
}

fn delayed(by_ms: u64) -> EventFault {
    EventFault::Delayed { by_ms, waits: DelayAt::Store }
}

fn other_amount() -> EventFault {
    EventFault::Altered(Alteration { amount: Some("0.02".parse().unwrap()), ..Alteration::default() })
}

fn fails_and_lands() -> CallFault {
    let (call, body) = (Call::Transfer, AnswerBody::Json);
    CallFault::Answers {
        call,
        status: 503,
        body,
        error_code: None,
        retry_after_s: None,
        after_ms: 0,
        lands: true,
    }
}
