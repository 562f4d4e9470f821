//! Noise on the stream moves no verdict: neither disorder, nor garbage, nor strangers, nor other people's traffic (I7).

use canary_sandbox::{Corruption, EventFault, EventType, Fault, What};
use canary_tests::{Plan, run, until};

use crate::support::{Row, Stand, expect, now, quick, quick_on};

#[test]
fn events_that_come_twice_or_out_of_order_change_nothing() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let since = stand.strike([EventFault::Repeated { times: 3 }.into()]).await;
        stand.all_pass(since).await;
        let since = stand.strike([EventFault::Reordered { within_ms: 400 }.into()]).await;
        stand.all_pass(since).await;
    });
}

#[test]
fn frames_that_can_not_be_read_are_counted_and_what_stood_in_them_is_fetched() {
    run(async {
        let stand = Stand::ready(quick()).await;
        for (how, reason) in [
            (Corruption::NotJson, "unparsable"),
            (Corruption::Truncated, "unparsable"),
            (Corruption::Binary, "binary"),
            (Corruption::UnknownType, "unknown_type"),
        ] {
            let before = stand.counted("canary_reactor_rejected_total", &[("reason", reason)]).await;
            let since = stand.strike([EventFault::Corrupted { how }.into()]).await;
            let rows = stand.all_pass(since).await;
            let after = stand.counted("canary_reactor_rejected_total", &[("reason", reason)]).await;
            assert!(after > before, "{how:?} was not counted as {reason}");
            let observed = |row: &Row| row.latency_basis.as_deref() == Some("observed");
            assert!(
                !rows.values().any(observed),
                "{how:?}: nothing of it was readable when it came: {rows:#?}"
            );
        }
    });
}

#[test]
fn frames_of_20_mb_are_counted_and_what_stood_in_them_is_fetched() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let huge = EventFault::Corrupted { how: Corruption::Huge };
        let since = stand.strike([Fault::from(huge).of_type(EventType::TokensTransferred).first(3)]).await;
        stand.all_pass(since).await;
        assert!(stand.counted("canary_reactor_rejected_total", &[("reason", "too_large")]).await >= 1.0);
    });
}

#[test]
fn strangers_who_copy_every_memo_can_neither_fail_nor_pass_a_test() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let strangers = || Fault::from(What::Strangers { per_second: 100.0, ahead: true });
        let since = stand.strike([strangers()]).await;
        stand.all_pass(since).await;

        // With the true ones gone, the strangers' copies are all there is.
        let settled = Fault::from(EventFault::Lost).of_type(EventType::CrossFrameTransferSettled);
        let since = stand.strike([strangers(), settled]).await;
        let rows = stand.first(since, Row::judged).await;
        let silent = |row: &Row| row.backend == "async" || row.path == "b-2pc-a";
        expect(&rows, |row| if silent(row) { "failed/timeout" } else { "passed" });
        for row in rows.values().filter(|row| row.backend == "async") {
            assert_eq!(row.missing_stages, ["cf_settled"]);
        }

        let tokens = Fault::from(EventFault::Lost).of_type(EventType::TokensTransferred);
        let since = stand.strike([strangers(), tokens]).await;
        let rows = stand.first(since, Row::judged).await;
        let silent = |row: &Row| row.path == "a-intra" || row.path == "a-2pc";
        expect(&rows, |row| if silent(row) { "failed/timeout" } else { "passed" });
        let settled_by_strangers =
            stand.counted("canary_reactor_rejected_total", &[("reason", "stranger")]).await;
        assert!(settled_by_strangers > 0.0);
    });
}

/// How many commands Redis has carried out, those of scripts among them.
async fn redis_calls(stand: &Stand) -> f64 {
    let info: String =
        ::redis::cmd("INFO").arg("commandstats").query_async(&mut stand.stage.board().await).await.unwrap();
    let calls =
        info.lines().filter_map(|line| line.split_once(":calls=")?.1.split(',').next()?.parse::<f64>().ok());
    calls.sum()
}

#[test]
fn strangers_memos_by_the_thousand_change_no_verdict_and_cost_no_call_of_redis_each() {
    const STRANGERS: f64 = 30_000.0;
    run(async {
        let stand = Stand::ready(Plan { own_redis: true, ..quick_on(&["a-intra", "a-async-b"]) }).await;
        let began = now(&stand.stage).await;
        stand.all_pass(began).await;
        let rejected = async || {
            let name = "canary_reactor_rejected_total";
            let strangers = stand.counted(name, &[("reason", "stranger")]).await;
            let unknown = stand.counted(name, &[("reason", "unknown_test")]).await;
            strangers + unknown
        };
        let (calls_before, rejected_before) = (redis_calls(&stand).await, rejected().await);
        let since = stand.strike([What::Strangers { per_second: 10_000.0, ahead: true }.into()]).await;
        stand.all_pass(since).await;
        until("so many strangers", 60, async || rejected().await - rejected_before >= STRANGERS).await;
        let (calls, strangers) =
            (redis_calls(&stand).await - calls_before, rejected().await - rejected_before);
        stand.heal().await;
        assert!(calls < strangers / 4.0, "{calls} calls of Redis for {strangers} events of strangers");
        let rows = stand.stage.rows().await;
        let blamed: Vec<&Row> =
            rows.iter().filter(|row| row.registered_at > since && row.outcome == "failed").collect();
        assert!(blamed.is_empty(), "{blamed:#?}");
    });
}

#[test]
fn thousands_of_user_events_a_second_leave_verdicts_and_latencies_as_they_are() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let types = vec![EventType::TokensTransferred, EventType::CrossFrameTransferSettled];
        let since =
            stand.strike([What::Firehose { per_second: 3_000, event_types: types, bytes: 650 }.into()]).await;
        let rows = stand.all_pass(since).await;
        for row in rows.values() {
            assert!(row.total_latency_ms.unwrap() < 1_500.0, "{row:#?}");
        }
        assert!(stand.stage.sandbox().record().firehose_events > 3_000);
    });
}
