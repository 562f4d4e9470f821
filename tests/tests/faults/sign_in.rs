//! Credentials that are not accepted are the canary's own; a registry that can't sign anybody in is the platform's.

use canary_sandbox::{AnswerBody, Call, CallFault, Fault};
use canary_tests::run;

use crate::support::{Row, Stand, calls_of, expect, quick_on};

#[test]
fn who_can_not_sign_in_sends_nothing_and_blames_the_platform_only_for_what_is_its_own() {
    run(async {
        let refused = [(401, "a"), (403, "b")];
        let refused =
            refused.map(|(status, frame)| Fault::from(CallFault::answers(Call::Token, status)).on(frame));
        // From before the start: who has a token keeps it.
        let stand = Stand::ready_under(quick_on(&["a-intra", "b-async-a", "a-2pc-b"]), refused).await;
        let began = stand.strike(stand.stage.sandbox().faults().current().rules).await;
        let rows = stand.first(began, Row::judged).await;
        expect(&rows, |_| "inconclusive/credentials");
        for row in rows.values() {
            let said: Option<i32> = sqlx::query_scalar(
                "SELECT (withheld->>'code')::int FROM canary_test_results WHERE test_id = $1",
            )
            .bind(row.test_id)
            .fetch_one(stand.stage.sql())
            .await
            .unwrap();
            assert_eq!(said, Some(if row.source_frame == "a" { 401 } else { 403 }), "{row:#?}");
        }
        assert!(stand.stage.sandbox().record().calls.is_empty(), "something was sent");

        let html = CallFault::Answers {
            call: Call::Token,
            status: 200,
            body: AnswerBody::Html,
            error_code: None,
            retry_after_s: None,
            after_ms: 0,
            lands: false,
        };
        let broken = [Fault::from(CallFault::answers(Call::Token, 503)).on("a"), Fault::from(html).on("b")];
        let since = stand.strike(broken).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |_| "failed/unavailable");
        let record = stand.stage.sandbox().record();
        rows.values().for_each(|row| assert!(calls_of(&record, row).is_empty()));

        let since = stand.heal().await;
        stand.all_pass(since).await;
    });
}
