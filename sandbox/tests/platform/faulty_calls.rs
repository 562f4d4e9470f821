//! Faults of HTTP calls: what is answered, how late, and whether it lands all the same.

use std::time::Duration;

use anyhow::{Context, Result};
use canary_sandbox::{AnswerBody, Backend, Call, CallFault, Effect, Fault, What};
use reqwest::Method;
use tokio::time::{Instant, timeout};

use crate::client::{Order, World, across};

/// A 5xx to a transfer that lands all the same.
fn landing(status: u16) -> CallFault {
    CallFault::Answers {
        call: Call::Transfer,
        status,
        body: AnswerBody::Json,
        error_code: None,
        retry_after_s: None,
        after_ms: 0,
        lands: true,
    }
}

/// What the only transfer call so far did to the tokens, and whether it was answered.
async fn effect(world: &World) -> Result<(Effect, bool)> {
    world
        .recorded("a call", |record| record.calls.first().map(|call| (call.effect, call.status.is_some())))
        .await
}

#[tokio::test]
async fn a_transfer_can_be_refused_with_any_4xx() -> Result<()> {
    let world = World::quick().await?;
    world.fault(CallFault::Answers {
        call: Call::Transfer,
        status: 403,
        body: AnswerBody::Json,
        error_code: Some("policy_denied".into()),
        retry_after_s: None,
        after_ms: 0,
        lands: false,
    });
    let answered = world.send(&Order::default()).await?;
    assert_eq!((answered.status, answered.json()["error_code"].as_str()), (403, Some("policy_denied")));
    assert!(answered.json()["detail"].is_string());
    assert_eq!(effect(&world).await?, (Effect::Nothing, true));
    Ok(())
}

#[tokio::test]
async fn a_5xx_lands_or_not_as_the_rule_says() -> Result<()> {
    for (lands, effected) in [(false, Effect::Nothing), (true, Effect::Moved)] {
        let world = World::quick().await?;
        world.fault(if lands { landing(503) } else { CallFault::answers(Call::Transfer, 503) });
        assert_eq!(world.send(&Order::default()).await?.status, 503);
        assert_eq!(effect(&world).await?, (effected, true));
        assert_eq!(world.sandbox.record().events.is_empty(), !lands);
    }
    Ok(())
}

#[tokio::test]
async fn after_a_5xx_that_landed_the_same_key_gets_the_true_answer() -> Result<()> {
    let world = World::quick().await?;
    world.fault(Fault::from(landing(500)).first(1));
    let order = Order { key: Some("k"), ..across("2pc") };
    assert_eq!(world.send(&order).await?.status, 500);
    assert_eq!(world.send(&order).await?.status, 200);
    let record = world.sandbox.record();
    assert_eq!([record.calls[0].effect, record.calls[1].effect], [Effect::Moved, Effect::Repeated]);
    assert_eq!(world.balance("charlie").await?, "1000000.01");
    Ok(())
}

#[tokio::test]
async fn a_429_says_when_to_come_back_and_a_proxy_speaks_html() -> Result<()> {
    let world = World::quick().await?;
    let answer = |status, body, retry_after_s| CallFault::Answers {
        call: Call::Transfer,
        status,
        body,
        error_code: None,
        retry_after_s,
        after_ms: 0,
        lands: false,
    };
    world.fault(answer(429, AnswerBody::Json, Some(7)));
    let limited = world.send(&Order::default()).await?;
    assert_eq!((limited.status, limited.headers["retry-after"].to_str()?), (429, "7"));
    world.fault(answer(502, AnswerBody::Html, None));
    let proxied = world.send(&Order::default()).await?;
    assert_eq!(proxied.status, 502);
    assert!(proxied.text.starts_with("<html>"));
    assert!(proxied.headers["content-type"].to_str()?.starts_with("text/html"));
    world.fault(answer(500, AnswerBody::Empty, None));
    assert_eq!(world.send(&Order::default()).await?.text, "");
    Ok(())
}

#[tokio::test]
async fn a_rule_strikes_its_backend_only() -> Result<()> {
    let world = World::quick().await?;
    world.fault(Fault::from(CallFault::answers(Call::Transfer, 500)).by(Backend::Async));
    assert_eq!(world.send(&Order::default()).await?.status, 200);
    assert_eq!(world.send(&across("2pc")).await?.status, 200);
    assert_eq!(world.send(&across("async")).await?.status, 500);
    Ok(())
}

#[tokio::test]
async fn a_slow_call_moves_tokens_at_once_and_answers_late() -> Result<()> {
    let world = World::quick().await?;
    world.fault(CallFault::Slow { call: Call::Transfer, by_ms: 1_000, lands: true });
    let order = Order::default();
    let token = world.token("alpha").await?;
    let started = Instant::now();
    let (answer, moved_after) = tokio::join!(world.order(&token, &order).send(), async {
        let moved =
            |record: canary_sandbox::Record| (!record.movements.is_empty()).then(|| started.elapsed());
        world.recorded("the move", moved).await
    });
    assert_eq!(answer?.status(), 200);
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(moved_after? < Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn a_slow_call_that_does_not_land_ends_in_a_504() -> Result<()> {
    let world = World::quick().await?;
    world.fault(CallFault::Slow { call: Call::Transfer, by_ms: 20, lands: false });
    assert_eq!(world.send(&Order::default()).await?.status, 504);
    assert_eq!(effect(&world).await?, (Effect::Nothing, true));
    Ok(())
}

#[tokio::test]
async fn a_hanging_call_is_never_answered_and_lands_or_not() -> Result<()> {
    for (lands, effected) in [(false, Effect::Nothing), (true, Effect::Moved)] {
        let world = World::quick().await?;
        let token = world.token("alpha").await?;
        world.fault(CallFault::Hangs { call: Call::Transfer, lands });
        let request = world.order(&token, &Order::default()).timeout(Duration::from_millis(200)).send();
        assert!(request.await.is_err_and(|error| error.is_timeout()));
        assert_eq!(effect(&world).await?, (effected, false));
        timeout(Duration::from_secs(10), world.sandbox.shutdown()).await.context("shutdown hangs")?;
    }
    Ok(())
}

#[tokio::test]
async fn a_hanging_call_is_cut_when_the_faults_change_and_a_shutdown_does_not_wait_for_one() -> Result<()> {
    let world = World::quick().await?;
    let token = world.token("alpha").await?;
    world.fault(CallFault::Hangs { call: Call::Transfer, lands: false });
    let order = Order::default();
    let (answer, ()) = tokio::join!(world.order(&token, &order).send(), async {
        effect(&world).await.map(drop).unwrap_or_default();
        world.sandbox.faults().clear();
    });
    assert!(answer.is_err_and(|error| !error.is_timeout()));
    world.fault(CallFault::Hangs { call: Call::Transfer, lands: false });
    let request = world.order(&token, &order).send();
    let shutdown = async {
        world.recorded("the second call", |record| (record.calls.len() == 2).then_some(())).await?;
        timeout(Duration::from_secs(10), world.sandbox.shutdown()).await.context("shutdown hangs")
    };
    let (answer, done) = tokio::join!(request, shutdown);
    assert!(answer.is_err());
    done
}

#[tokio::test]
async fn a_reset_call_ends_without_an_answer_and_lands_or_not() -> Result<()> {
    for (lands, effected) in [(false, Effect::Nothing), (true, Effect::Moved)] {
        let world = World::quick().await?;
        let token = world.token("alpha").await?;
        world.fault(CallFault::Reset { call: Call::Transfer, lands });
        let answer = world.order(&token, &Order::default()).send().await;
        assert!(answer.is_err_and(|error| error.is_request() && !error.is_timeout()));
        assert_eq!(effect(&world).await?, (effected, false));
    }
    Ok(())
}

#[tokio::test]
async fn signing_in_balance_and_rest_can_fail_too() -> Result<()> {
    let world = World::quick().await?;
    for status in [401, 403, 500] {
        world.fault(CallFault::answers(Call::Token, status));
        assert_eq!(world.sign_in("alpha", "secret-alpha").await?.status(), status);
    }
    world.fault(Fault::from(CallFault::answers(Call::Balance, 500)));
    assert!(world.balance("alpha").await.is_err());
    world.fault(Fault::from(CallFault::answers(Call::Events, 502)).on("a"));
    assert_eq!(world.page("a", "").await?.status, 502);
    assert_eq!(world.page("b", "").await?.status, 200);
    world.fault(CallFault::Hangs { call: Call::Token, lands: false });
    let hanging = timeout(Duration::from_millis(100), world.sign_in("alpha", "secret-alpha")).await;
    assert!(hanging.is_err());
    Ok(())
}

#[tokio::test]
async fn a_token_expires_under_its_bearers_feet_once_or_for_ever() -> Result<()> {
    let world = World::quick().await?;
    let order = Order::default();
    let token = world.token("alpha").await?;
    world.fault(Fault::from(What::TokenExpired).first(1));
    assert_eq!(world.order(&token, &order).send().await?.status(), 401);
    assert_eq!(world.order(&token, &order).send().await?.status(), 401, "a disowned token stays disowned");
    let token = world.token("alpha").await?;
    assert_eq!(world.order(&token, &order).send().await?.status(), 200);
    world.fault(What::TokenExpired);
    for _ in 0..3 {
        let token = world.token("alpha").await?;
        assert_eq!(world.order(&token, &order).send().await?.status(), 401);
    }
    assert!(world.sandbox.record().calls.iter().any(|call| call.status == Some(401) && !call.moved()));
    Ok(())
}

#[tokio::test]
async fn faults_are_posted_and_read_as_json() -> Result<()> {
    let world = World::quick().await?;
    let set = r#"{"rules":[{"what":{"call":{"answers":{"call":"transfer","status":418}}},"only":{"frame":"a","first":1}}]}"#;
    assert_eq!(world.control(Method::POST, "faults", Some(set)).await?.status, 200);
    let shown = world.control(Method::GET, "faults", None).await?.json();
    assert_eq!(shown["rules"][0]["only"], serde_json::json!({"frame": "a", "first": 1}));
    assert_eq!(world.send(&Order::default()).await?.status, 418);
    assert_eq!(world.send(&Order::default()).await?.status, 200);
    let wrong = world.control(Method::POST, "faults", Some(r#"{"rules":[{"what":"nonsense"}]}"#)).await?;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("nonsense"));
    assert_eq!(world.sandbox.faults().current().rules.len(), 1, "a bad set changes nothing");
    assert_eq!(world.control(Method::POST, "faults", Some("{}")).await?.status, 200);
    assert!(world.sandbox.faults().current().rules.is_empty());
    Ok(())
}
