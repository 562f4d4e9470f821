//! What the platform's events say, or fail to say, is held against it in the right words.

use canary_sandbox::Backend;
use canary_sandbox::{Alteration, DelayAt, EventFault, EventType, Fault};
use canary_tests::run;

use crate::support::{Row, Stand, expect, expect_missing, quick};

const TOKENS: EventType = EventType::TokensTransferred;
const FEE: EventType = EventType::TransactionFeeCollected;
const INITIATED: EventType = EventType::CrossFrameTransferInitiated;
const SETTLED: EventType = EventType::CrossFrameTransferSettled;

fn lost(event_type: EventType) -> Fault {
    Fault::from(EventFault::Lost).of_type(event_type)
}

/// What a verdict should be, where these stages should be missing.
fn silence<'a>(missing: &'a [&'a str]) -> &'a str {
    if missing.is_empty() { "passed" } else { "failed/timeout" }
}

#[test]
fn an_event_that_never_comes_is_a_timeout_that_names_the_missing_stages() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let since = stand.strike([lost(TOKENS), lost(INITIATED)]).await;
        let rows = stand.first(since, Row::judged).await;
        let missing = |row: &Row| -> &[&str] {
            match row.path.as_str() {
                "a-intra" => &["tokens_xfer"],
                "a-2pc" => &["tokens_xfer|cf_settled"],
                "a-async-b" | "b-async-a" => &["cf_initiated"],
                _ => &[],
            }
        };
        expect(&rows, |row| silence(missing(row)));
        expect_missing(&rows, missing);

        let since = stand.strike([lost(SETTLED), lost(FEE)]).await;
        let rows = stand.first(since, Row::judged).await;
        let missing = |row: &Row| -> &[&str] {
            match row.path.as_str() {
                "a-async-b" | "b-async-a" => &["cf_settled"],
                // The tokens' event of the other frame is never broadcast.
                "b-2pc-a" => &["tokens_xfer|cf_settled"],
                _ => &[],
            }
        };
        expect(&rows, |row| silence(missing(row)));
        expect_missing(&rows, missing);

        let since =
            stand.strike([lost(INITIATED), lost(SETTLED)].map(|fault| fault.by(Backend::Async))).await;
        let rows = stand.first(since, Row::judged).await;
        let missing = |row: &Row| -> &[&str] {
            if row.backend == "async" { &["cf_initiated", "cf_settled"] } else { &[] }
        };
        expect(&rows, |row| silence(missing(row)));
        expect_missing(&rows, missing);
        for row in rows.values().filter(|row| row.outcome == "failed") {
            assert_eq!((row.decided_as_of, row.landed), (row.deadline_at, None), "{row:#?}");
        }
    });
}

#[test]
fn events_that_come_after_the_deadline_turn_a_timeout_into_late_with_a_higher_revision() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let late = EventFault::Delayed { by_ms: 6_000, waits: DelayAt::Store };
        let since = stand.strike([late.into()]).await;
        let silent = stand.first(since, Row::judged).await;
        expect(&silent, |_| "failed/timeout");
        let amended = stand.first(since, |row| row.outcome != "failed").await;
        expect(&amended, |_| "late");
        for (path, row) in &amended {
            assert!(row.revision > silent[path].revision, "{row:#?}");
            assert_eq!((row.test_id, row.failure_signal.as_deref()), (silent[path].test_id, None));
            assert!(row.total_latency_ms.unwrap() > 5_500.0, "{row:#?}");
        }
    });
}

#[test]
fn an_event_of_the_tests_own_transfer_that_names_another_amount_or_receiver_is_a_mismatch() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let amount = Alteration { amount: Some("0.02".parse().unwrap()), ..Alteration::default() };
        let receiver = Alteration { to_agent_id: Some("did:avt:mallory".into()), ..Alteration::default() };
        for (wrong, said) in [(amount, "0.02"), (receiver, "mallory")] {
            let since = stand.strike([EventFault::Altered(wrong).into()]).await;
            let rows = stand.first(since, Row::judged).await;
            expect(&rows, |_| "failed/mismatch");
            for row in rows.values() {
                let what = row.mismatch.as_ref().unwrap().to_string();
                assert!(what.contains(said), "{what}");
                assert!(row.decided_as_of < row.deadline_at, "it is decided at once: {row:#?}");
            }
        }
    });
}
