//! A saga that goes wrong is told apart by how.

use canary_sandbox::SagaFault;
use canary_tests::run;

use crate::support::{Row, Stand, expect, quick};

#[test]
fn a_saga_that_loses_refunds_or_doubles_money_fails_by_its_own_signal_and_other_backends_pass() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let asynchronous =
            |row: &Row, signal: &'static str| if row.backend == "async" { signal } else { "passed" };

        let since = stand.strike([SagaFault::CreditLost.into()]).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |row| asynchronous(row, "failed/timeout"));
        for row in rows.values().filter(|row| row.backend == "async") {
            assert_eq!(row.missing_stages, ["cf_settled"]);
        }

        let since = stand.strike([SagaFault::Refunded { after_ms: Some(300) }.into()]).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |row| asynchronous(row, "failed/refunded"));
        for row in rows.values().filter(|row| row.backend == "async") {
            assert!(row.judged_at < row.deadline_at, "a refund is decided at once: {row:#?}");
            assert!(row.cf_refunded_seen_at.is_some());
        }

        let since = stand.strike([SagaFault::RefundedAfterSettled { after_ms: 1_500 }.into()]).await;
        let twice = |row: &Row| row.backend != "async" && row.judged() || row.cf_refunded_seen_at.is_some();
        let rows = stand.first(since, twice).await;
        expect(&rows, |row| asynchronous(row, "failed/refunded_after_settled"));
    });
}
