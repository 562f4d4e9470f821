//! The platform's faults of calls.

use canary_sandbox::{AnswerBody, Call, CallFault, Fault, What};

use crate::case::{Case, OWN};

const TRANSFER: &[(&str, &str)] = &[("*", "transfer call")];
const SIGN_IN: &[(&str, &str)] = &[("*", "sign-in")];
const OURS: &[(&str, &str)] = &[("*", OWN)];

const REFUSED: &str = "The platform refused a transfer that it had to take; it is said with its code.";
const BROKEN: &str =
    "A call without a good answer is a failure of the call, whether or not the transfer landed.";
const UNASKED: &str = "Nothing of a test depends on this call.";

fn answers(call: Call, status: u16, body: AnswerBody, lands: bool) -> Fault {
    CallFault::Answers { call, status, body, error_code: None, retry_after_s: None, after_ms: 0, lands }
        .into()
}

/// An answer that asks for patience.
fn patience(call: Call) -> CallFault {
    CallFault::Answers {
        call,
        status: 429,
        body: AnswerBody::Json,
        error_code: Some("rate_limited".into()),
        retry_after_s: Some(1),
        after_ms: 0,
        lands: false,
    }
}

fn late(call: Call) -> CallFault {
    CallFault::Answers {
        call,
        status: 500,
        body: AnswerBody::Json,
        error_code: None,
        retry_after_s: None,
        after_ms: 300,
        lands: false,
    }
}

/// What comes of the transfer's own call.
pub fn transfer() -> Vec<Case> {
    let call = Call::Transfer;
    let answered = |name: String, status, body, lands| {
        let why = if (400..500).contains(&status) { REFUSED } else { BROKEN };
        Case::platform(name, [answers(call, status, body, lands)]).breaks(TRANSFER).why(why)
    };
    let json = AnswerBody::Json;
    let refusals = [400, 401, 403, 404, 409, 422]
        .map(|status| answered(format!("a transfer is answered {status}"), status, json, false));
    let errors =
        [500, 503].map(|status| answered(format!("a transfer is answered {status}"), status, json, false));
    let broken = |name, fault: CallFault| Case::platform(name, [fault.into()]).breaks(TRANSFER).why(BROKEN);
    let mut cases = Vec::from(refusals);
    cases.extend(errors);
    cases.extend([
        answered("a transfer is carried out and answered 500".into(), 500, json, true),
        answered("a transfer is answered 200 by a page".into(), 200, AnswerBody::Html, false),
        answered("a transfer is answered 200 without a body".into(), 200, AnswerBody::Empty, false),
        answered("a transfer is answered 404 by a page".into(), 404, AnswerBody::Html, false),
        broken("a transfer is answered 429, with patience asked for", patience(call)),
        broken("a transfer is answered 500 after a while", late(call)),
        broken("a transfer is carried out and never answered", CallFault::Hangs { call, lands: true }),
        broken("a transfer is neither carried out nor answered", CallFault::Hangs { call, lands: false }),
        broken("a transfer is carried out and reset", CallFault::Reset { call, lands: true }),
        broken("a transfer is reset", CallFault::Reset { call, lands: false }),
        broken(
            "a transfer is carried out and answered too late",
            CallFault::Slow { call, by_ms: 4_000, lands: true },
        ),
        broken(
            "a transfer is answered 504 after a while",
            CallFault::Slow { call, by_ms: 300, lands: false },
        ),
        Case::harmless(
            "a transfer is answered slowly",
            [CallFault::Slow { call, by_ms: 500, lands: true }.into()],
        )
        .why("The answer came in time, and so did the events."),
        Case::platform("no token is accepted", [What::TokenExpired.into()]).breaks(TRANSFER).why(REFUSED),
        Case::harmless(
            "tokens expire early, once",
            [
                Fault::from(What::TokenExpired).on("a").first(1),
                Fault::from(What::TokenExpired).on("b").first(1),
            ],
        )
        .why("One sign-in and one more try after a 401 are part of the contract."),
    ]);
    cases
}

/// What comes of signing in. Tokens expire, or nobody would sign in while the fault lasts.
pub fn token() -> Vec<Case> {
    let call = Call::Token;
    let expired = || Fault::from(What::TokenExpired);
    let broken = |name: &str, fault: Fault| {
        Case::platform(name, [expired(), fault])
            .breaks(SIGN_IN)
            .why("The registry can sign nobody in; nothing was sent.")
    };
    let refused = |status| {
        Case::own(format!("signing in is answered {status}"), [crate::case::Act::Faults(vec![
            expired(),
            CallFault::answers(call, status).into(),
        ])])
        .breaks(OURS)
        .why("Credentials that are not accepted are the canary's own until proved otherwise; nothing was sent.")
    };
    vec![
        refused(401),
        refused(403),
        broken("signing in is answered 500", CallFault::answers(call, 500).into()),
        broken("signing in is answered 429", CallFault::answers(call, 429).into()),
        broken("signing in is answered 200 by a page", answers(call, 200, AnswerBody::Html, false)),
        broken("signing in is answered 200 without a body", answers(call, 200, AnswerBody::Empty, false)),
        broken("signing in is never answered", CallFault::Hangs { call, lands: false }.into()),
        broken("signing in is reset", CallFault::Reset { call, lands: false }.into()),
        broken(
            "signing in is answered 504 after a while",
            CallFault::Slow { call, by_ms: 300, lands: false }.into(),
        ),
        Case::harmless(
            "signing in is slow",
            [
                expired().on("a").first(1),
                expired().on("b").first(1),
                CallFault::Slow { call, by_ms: 300, lands: true }.into(),
            ],
        )
        .why("The answer came in time."),
    ]
}

/// The calls that no verdict rests on: the balance, and the pages while the sockets bring everything.
pub fn others() -> Vec<Case> {
    let of = |call: Call, what: &str| {
        let case = |how: &str, fault: Fault| Case::harmless(format!("{what} {how}"), [fault]).why(UNASKED);
        vec![
            case("is answered 500", CallFault::answers(call, 500).into()),
            case("is answered 401", CallFault::answers(call, 401).into()),
            case("is answered 200 by a page", answers(call, 200, AnswerBody::Html, false)),
            case("is slow", CallFault::Slow { call, by_ms: 500, lands: true }.into()),
            case("is never answered", CallFault::Hangs { call, lands: false }.into()),
            case("is reset", CallFault::Reset { call, lands: false }.into()),
        ]
    };
    let mut cases = of(Call::Balance, "the balance");
    cases.extend(of(Call::Events, "the EventStore's page"));
    cases
}
