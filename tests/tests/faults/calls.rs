//! What comes of a transfer call is the platform's doing, and is named as what it was.

use canary_sandbox::{AnswerBody, Backend, Call, CallFault, Fault, What};
use canary_tests::run;

use crate::support::{Row, Stand, calls_of, expect, quick, quick_on, seconds};

fn answers(status: u16, lands: bool) -> CallFault {
    CallFault::Answers {
        call: Call::Transfer,
        status,
        body: AnswerBody::Json,
        error_code: Some("on_purpose".into()),
        retry_after_s: None,
        after_ms: 0,
        lands,
    }
}

fn html(status: u16) -> CallFault {
    CallFault::Answers {
        call: Call::Transfer,
        status,
        body: AnswerBody::Html,
        error_code: None,
        retry_after_s: None,
        after_ms: 0,
        lands: false,
    }
}

fn landing_is_known(row: &Row) -> bool {
    row.landed.is_some()
}

#[test]
fn a_transfer_that_is_refused_is_rejected_with_its_code() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let refusals = [(Backend::Intra, 400), (Backend::Async, 409), (Backend::TwoPhase, 422)];
        let since = stand
            .strike(refusals.map(|(backend, status)| Fault::from(answers(status, false)).by(backend)))
            .await;
        let rows = stand.first(since, landing_is_known).await;
        expect(&rows, |_| "failed/rejected");
        for row in rows.values() {
            let status = match row.backend.as_str() {
                "intra" => 400,
                "async" => 409,
                _ => 422,
            };
            assert_eq!(
                (row.fire_status.as_deref(), row.fire_code),
                (Some("rejected"), Some(status)),
                "{row:#?}"
            );
            assert_eq!(row.fire_error.as_ref().unwrap()["code"], "on_purpose");
            assert_eq!(row.landed, Some(false));
            assert_eq!(
                calls_of(&stand.stage.sandbox().record(), row).len(),
                1,
                "a refusal is not asked about again"
            );
        }
    });
}

#[test]
fn a_call_that_breaks_is_unavailable_and_the_row_says_whether_it_landed() {
    run(async {
        let stand = Stand::ready(quick()).await;
        for lands in [true, false] {
            let broken = [
                Fault::from(answers(500, lands)).by(Backend::Intra),
                Fault::from(answers(503, lands)).by(Backend::Async),
                Fault::from(CallFault::Reset { call: Call::Transfer, lands }),
            ];
            let since = stand.strike(broken).await;
            let rows = stand.first(since, landing_is_known).await;
            expect(&rows, |_| "failed/unavailable");
            for row in rows.values() {
                let code = match row.backend.as_str() {
                    "intra" => Some(500),
                    "async" => Some(503),
                    _ => None,
                };
                assert_eq!((row.landed, row.fire_code), (Some(lands), code), "{row:#?}");
            }
        }
    });
}

#[test]
fn a_call_that_hangs_is_a_fire_timeout_and_the_row_says_whether_it_landed() {
    run(async {
        let stand = Stand::ready(quick()).await;
        for lands in [true, false] {
            let since = stand.strike([CallFault::Hangs { call: Call::Transfer, lands }.into()]).await;
            let rows = stand.first(since, landing_is_known).await;
            expect(&rows, |_| "failed/fire_timeout");
            for row in rows.values() {
                assert_eq!((row.landed, row.fire_code), (Some(lands), None), "{row:#?}");
            }
        }
    });
}

#[test]
fn a_registry_that_answers_html_is_not_taken_at_its_word() {
    run(async {
        let stand = Stand::ready(quick()).await;
        let since = stand.strike([Fault::from(html(200)).on("a"), Fault::from(html(404)).on("b")]).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |row| if row.source_frame == "a" { "failed/unavailable" } else { "failed/rejected" });
        for row in rows.values() {
            let detail = row.fire_error.as_ref().unwrap()["detail"].as_str().unwrap();
            assert!(detail.contains("<html>"), "{row:#?}");
            let code = if row.source_frame == "a" { 200 } else { 404 };
            assert_eq!(row.fire_code, Some(code));
        }
    });
}

#[test]
fn a_token_that_expired_early_is_asked_for_once_more_and_one_refused_for_ever_is_a_rejection() {
    run(async {
        let stand = Stand::ready(quick_on(&["a-intra", "b-async-a"])).await;
        let once = [
            Fault::from(What::TokenExpired).on("a").first(1),
            Fault::from(What::TokenExpired).on("b").first(1),
        ];
        let since = stand.strike(once).await;
        stand.all_pass(since).await;
        let since = stand.strike([CallFault::answers(Call::Transfer, 401).into()]).await;
        let rows = stand.first(since, Row::judged).await;
        expect(&rows, |_| "failed/rejected");
        let record = stand.stage.sandbox().record();
        for row in rows.values() {
            assert_eq!(row.fire_code, Some(401));
            assert_eq!(calls_of(&record, row).len(), 2, "one sign-in after a 401, and no more");
        }
    });
}

#[test]
fn a_path_that_was_told_to_wait_makes_no_call_before_its_time() {
    const WAIT: i64 = 5;
    run(async {
        let paths = ["a-intra", "b-async-a", "a-2pc-b"];
        let stand = Stand::ready(quick_on(&paths)).await;
        let busy = CallFault::Answers {
            call: Call::Transfer,
            status: 429,
            body: AnswerBody::Json,
            error_code: Some("rate_limited".into()),
            retry_after_s: Some(5),
            after_ms: 0,
            lands: false,
        };
        // Who was told to wait does not ask again, so each path gets one.
        let since = stand.strike([Fault::from(busy).first(paths.len() as u64)]).await;
        let told = stand.first(since, Row::judged).await;
        expect(&told, |_| "failed/rejected");
        let resumed = |rows: &[Row]| {
            paths.iter().all(|path| {
                let after = |row: &&Row| row.path == *path && row.fired_at > told[*path].fired_at;
                rows.iter().filter(after).any(|row| row.outcome == "passed")
            })
        };
        let rows = stand.stage.rows_when("each path fires again", 20, resumed).await;
        let record = stand.stage.sandbox().record();
        for path in paths {
            let told = &told[path];
            assert_eq!(told.fire_code, Some(429));
            let refused = calls_of(&record, told)[0].answered_at.unwrap();
            let later = |row: &&Row| row.path == path && row.cycle > told.cycle;
            let later: Vec<&Row> = rows.iter().filter(later).collect();
            assert_eq!(later[0].verdict(), "missed/rate_limited", "{:#?}", later[0]);
            for call in later.iter().flat_map(|row| calls_of(&record, row)) {
                assert!(call.at >= refused + seconds(WAIT), "{path} called {} after {refused}", call.at);
            }
        }
    });
}
