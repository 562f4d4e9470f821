//! How often one may guess a token, and fire.

use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::desk::{Desk, OPERATOR, VIEWER, kind, line};

const UNKNOWN: (StatusCode, StatusCode) = (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED);

async fn refused(answer: Response, most: u64) -> anyhow::Result<()> {
    let seconds: u64 = answer.headers()["retry-after"].to_str()?.parse()?;
    assert!((1..=most).contains(&seconds), "{seconds}");
    assert_eq!(kind(answer, 429).await?, "too-many-requests");
    Ok(())
}

#[tokio::test]
async fn a_peer_may_guess_five_tokens_at_once_and_whoever_has_one_always_gets_in() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let sign_in = async |token: &str| {
        desk.of_page(Method::POST, "/session").json(&json!({ "token": token })).send().await
    };
    let bear = async |token| desk.with_token(Method::GET, "/session", token).send().await;
    // By whatever way, they are counted together.
    for _ in 0..2 {
        assert_eq!((sign_in("guess").await?.status(), bear("guess").await?.status()), UNKNOWN);
    }
    assert_eq!(sign_in("guess").await?.status(), 401);
    refused(sign_in("guess").await?, 7).await?;
    refused(bear("guess").await?, 7).await?;
    for _ in 0..9 {
        assert_eq!(sign_in(VIEWER).await?.status(), 200, "it may be somebody else behind the same proxy");
        assert_eq!(bear(VIEWER).await?.status(), 200);
    }
    refused(bear("guess").await?, 7).await?;
    assert_eq!(desk.of_page(Method::DELETE, "/session").send().await?.status(), 204);
    Ok(())
}

#[tokio::test]
async fn each_operator_may_fire_six_tests_at_once() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let carl = "carl's token";
    let lines = [("ann", VIEWER), ("bob", OPERATOR), ("carl", carl)];
    let lines: String = lines.iter().map(|(name, token)| line(name, "operator", token)).collect();
    desk.retoken(&lines, &cookie, 200).await?;
    let fire = async |token| desk.with_token(Method::POST, "/paths/p-async/fire", token).send().await;
    for _ in 0..8 {
        let mistyped = desk.with_token(Method::POST, "/paths/p-asink/fire", OPERATOR).send().await?;
        assert_eq!(kind(mistyped, 404).await?, "not-found", "it takes no test");
    }
    for _ in 0..6 {
        assert_eq!(fire(OPERATOR).await?.status(), 202);
    }
    refused(fire(OPERATOR).await?, 11).await?;
    assert_eq!(fire(carl).await?.status(), 202, "another operator counts apart");
    for _ in 0..5 {
        assert_eq!(fire("nobody's token").await?.status(), 401, "who is not known is counted as such");
    }
    assert_eq!(desk.world.fired.lock().unwrap().len(), 7);
    assert_eq!(desk.audited("fire").await?, 14, "what was asked for, and what came of it");
    Ok(())
}
