//! One transfer, and all the ways in which it can end.

use std::sync::Arc;

use canary_domain::{Backend, Clock as _, Facts, FireStatus, Origin, Reason};
use canary_runner::Right;
use canary_store::MemoryBoard;
use tokio::time::Instant;

use crate::bench::{Bench, SECRET};
use crate::platform::{ACCEPTED, Platform, Reply, UNAUTHORIZED};

/// Fires one test over a platform with this script; answers the bench and what the board knows then.
async fn fire(script: impl FnOnce(&Platform)) -> (Bench, Facts) {
    let bench = Bench::new().await;
    script(&bench.platform);
    let lead = bench.lead().await;
    let facts = bench.registered(&lead).await;
    bench.firer().fire(&(&lead).into(), bench.route(), facts).await;
    let known = bench.facts().await.pop().unwrap();
    (bench, known)
}

#[tokio::test]
async fn an_accepted_call_carries_the_tests_id_and_its_answer_is_noted() {
    let (bench, facts) = fire(|_| {}).await;
    let [call] = bench.platform.calls().try_into().unwrap();
    assert_eq!(call.path, "/teg/transfer");
    assert_eq!(call.key, Some(facts.test.test_id.to_string()));
    assert_eq!(call.bearer.as_deref(), Some("Bearer token-1"));
    let expected = format!(
        r#"{{"amount":"0.01","message":"canary-{}","receiver_agent_id":"did:bravo"}}"#,
        facts.test.test_id
    );
    assert_eq!(call.body, expected);
    assert_eq!((facts.fire_status(), facts.transfer_id()), (Some(FireStatus::Accepted), Some("t-1")));
    let fired_at = facts.fired_at.unwrap();
    assert!(facts.test.registered_at <= fired_at && fired_at <= facts.answer.unwrap().at);
}

#[tokio::test]
async fn a_transfer_across_frames_names_its_backend_and_the_target_frame() {
    for backend in [Backend::Async, Backend::TwoPc] {
        let bench = Bench::with(backend, Arc::new(MemoryBoard::new())).await;
        let lead = bench.lead().await;
        let facts = bench.registered(&lead).await;
        bench.firer().fire(&(&lead).into(), bench.route(), facts).await;
        let [call] = bench.platform.calls().try_into().unwrap();
        assert_eq!(call.path, format!("/teg/cross-registry-transfer?backend={backend}"));
        assert!(call.body.contains(r#""target_registry":"b""#), "{}", call.body);
    }
}

#[tokio::test]
async fn an_expired_token_is_asked_for_once_more_and_the_call_made_once_more() {
    let (bench, facts) = fire(|platform| platform.transfers([UNAUTHORIZED, ACCEPTED])).await;
    let calls = bench.platform.calls();
    let bearers: Vec<_> = calls.iter().filter_map(|call| call.bearer.as_deref()).collect();
    assert_eq!(bearers, ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(calls[0].key, calls[1].key);
    assert!(
        facts.fired_at > Some(bench.clock.at(calls[0].at)),
        "it counts from the call that was not refused"
    );
    assert_eq!(facts.fire_status(), Some(FireStatus::Accepted));
}

#[tokio::test]
async fn unauthorized_for_ever_is_a_rejection_after_the_second_call() {
    let (bench, facts) = fire(|platform| platform.transfers(vec![UNAUTHORIZED; 5])).await;
    assert_eq!(bench.platform.calls().len(), 2);
    let answer = facts.answer.unwrap();
    assert_eq!((answer.status, answer.code), (FireStatus::Rejected, Some(401)));
}

#[tokio::test]
async fn credentials_that_are_not_accepted_send_nothing_and_blame_nobody() {
    let (bench, facts) = fire(|platform| platform.tokens([UNAUTHORIZED])).await;
    assert!(bench.platform.calls().is_empty());
    let withheld = facts.withheld.unwrap();
    assert_eq!((withheld.reason, withheld.code, facts.fired_at), (Reason::Credentials, Some(401), None));
}

#[tokio::test]
async fn a_sign_in_that_is_refused_after_a_401_is_the_canarys_own_trouble() {
    let token = Reply::Json(200, r#"{"access_token":"old","token_type":"bearer"}"#);
    let (bench, facts) = fire(|platform| {
        platform.tokens([token, UNAUTHORIZED]);
        platform.transfers([UNAUTHORIZED]);
    })
    .await;
    assert_eq!(bench.platform.calls().len(), 1);
    assert_eq!(facts.withheld.unwrap().reason, Reason::Credentials);
}

#[tokio::test]
async fn a_sign_in_that_hangs_is_tried_once_for_all_who_wait_for_it() {
    let bench = Bench::new().await;
    bench.platform.tokens(vec![Reply::Never; 5]);
    let firer = bench.firer();
    let sign_in = || firer.agents().token(&bench.route().from);
    let (first, second, third) = tokio::join!(sign_in(), sign_in(), sign_in());
    assert!(first.is_err() && second.is_err() && third.is_err());
    assert_eq!(bench.platform.sign_ins(), 1);
    assert!(sign_in().await.is_err());
    assert_eq!(bench.platform.sign_ins(), 2, "who comes later asks anew");
}

#[tokio::test]
async fn an_error_page_that_repeats_the_request_does_not_put_the_token_into_the_row() {
    let echo = Reply::Json(400, r#"{"detail":"bad request: Authorization: Bearer token-1"}"#);
    let (_bench, facts) = fire(|platform| platform.transfers([echo])).await;
    assert_eq!(facts.answer.unwrap().error.unwrap().detail, "bad request: Authorization: Bearer …");
}

#[tokio::test]
async fn neither_an_error_page_nor_a_refused_sign_in_puts_the_client_secret_into_the_row() {
    let echo = r#"{"detail":"username=canary-alpha&password=SECRET","error_code":"SECRET"}"#
        .replace("SECRET", SECRET);
    let echo: &'static str = Box::leak(echo.into_boxed_str());
    let (_bench, facts) = fire(|platform| platform.transfers([Reply::Json(422, echo)])).await;
    let error = facts.answer.unwrap().error.unwrap();
    assert_eq!(
        (error.code.as_deref(), error.detail.as_str()),
        (Some("…"), "username=canary-alpha&password=…")
    );
    let (_bench, facts) = fire(|platform| platform.tokens([Reply::Json(503, echo)])).await;
    let answer = facts.answer.unwrap();
    let detail = answer.error.unwrap().detail;
    assert_eq!(answer.code, Some(503));
    assert!(detail.contains("username=canary-alpha") && !detail.contains(SECRET), "{detail}");
    let elsewhere = Reply::Json(200, r#"{"token": "opaque-token-of-somebody"}"#);
    let (_bench, facts) = fire(|platform| platform.tokens([elsewhere])).await;
    let detail = facts.answer.unwrap().error.unwrap().detail;
    assert!(detail.ends_with("answered 200 without a token"), "{detail}");
}

#[tokio::test]
async fn a_sign_in_that_breaks_is_the_platforms_unavailability() {
    for reply in [Reply::Json(503, "{}"), Reply::Html(200), Reply::Never] {
        let (bench, facts) = fire(|platform| platform.tokens([reply])).await;
        assert!(bench.platform.calls().is_empty());
        let answer = facts.answer.unwrap();
        assert_eq!(answer.status, FireStatus::Unavailable);
        assert_eq!(answer.error.unwrap().code.as_deref(), Some("sign_in"));
    }
}

#[tokio::test]
async fn every_answer_to_the_call_is_called_by_its_name() {
    for (reply, status, code) in [
        (Reply::Json(409, "{}"), FireStatus::Rejected, Some(409)),
        (Reply::Json(503, "{}"), FireStatus::Unavailable, Some(503)),
        (Reply::Html(200), FireStatus::Unavailable, Some(200)),
        (Reply::Never, FireStatus::Timeout, None),
    ] {
        let (bench, facts) = fire(|platform| platform.transfers([reply.clone()])).await;
        let answer = facts.answer.unwrap();
        assert_eq!((answer.status, answer.code), (status, code), "{reply:?}");
        assert_eq!(bench.platform.calls().len(), 1, "nothing is retried: {reply:?}");
    }
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_unavailable() {
    let mut bench = Bench::new().await;
    let lead = bench.lead().await;
    let facts = bench.registered(&lead).await;
    let firer = bench.firer();
    // Signed in while it was there; gone when the call is made.
    firer.agents().token(&bench.route().from).await.unwrap();
    let route = Arc::clone(bench.route());
    bench.platform = Platform::start().await;
    firer.fire(&(&lead).into(), &route, facts).await;
    assert_eq!(bench.facts().await[0].fire_status(), Some(FireStatus::Unavailable));
}

#[tokio::test]
async fn a_leader_whose_lease_may_have_run_out_sends_nothing() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    let facts = bench.registered(&lead).await;
    let stale = canary_store::Leadership::new(lead.role(), lead.holder(), Instant::now());
    bench.firer().fire(&(&stale).into(), bench.route(), facts).await;
    assert!(bench.platform.calls().is_empty());
    let withheld = bench.facts().await.pop().unwrap().withheld.unwrap();
    assert_eq!(withheld.reason, Reason::LeaseLost);
}

#[tokio::test]
async fn an_order_that_is_too_old_sends_nothing() {
    let bench = Bench::new().await;
    let test = bench.settings.free_test(bench.route(), Origin::Fire, bench.clock.now());
    assert!(bench.board.register_free(&test).await.unwrap());
    let stale = Right::Ordered { until: Instant::now() };
    let fired = bench.firer().fire(&stale, bench.route(), Facts::registered(test)).await;
    assert!(bench.platform.calls().is_empty());
    let withheld = bench.facts().await.pop().unwrap().withheld.unwrap();
    assert_eq!((withheld.reason, fired.facts.fired_at), (Reason::Overrun, None));
}

#[tokio::test]
async fn a_test_that_the_board_forgot_meanwhile_is_put_back_with_its_answer() {
    let bench = Bench::new().await;
    let lead = bench.lead().await;
    let facts = bench.registered(&lead).await;
    let forgetful = Bench { board: Arc::new(MemoryBoard::new()), ..bench };
    forgetful.firer().fire(&(&lead).into(), forgetful.route(), facts).await;
    let known = forgetful.facts().await.pop().unwrap();
    assert_eq!((known.fire_status(), known.restored), (Some(FireStatus::Accepted), true));
    assert!(forgetful.board.open_count().await.unwrap() == 1);
}
