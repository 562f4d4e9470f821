//! Signing in and out, and what a session is worth.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canary_domain::SlotKey;
use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use serde_json::json;

use crate::desk::{Desk, OPERATOR, VIEWER, kind, line, told};
use crate::stand::{Stand, edge};

#[tokio::test]
async fn a_sign_in_gives_a_session_of_the_tokens_role() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let request = desk.of_page(Method::POST, "/session").json(&json!({ "token": OPERATOR }));
    let answer = request.send().await?;
    let set = answer.headers()[SET_COOKIE].to_str()?.to_owned();
    assert!(set.starts_with("canary-session-9f86d081="), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let session = json!({ "name": "bob", "role": "operator", "auth": "session" });
    assert_eq!(told(answer, 200).await?, session);

    let cookie = set.split(';').next().unwrap();
    assert_eq!(desk.whoami(&format!("theme=dark; {cookie}")).await?, Ok(session));
    let paused = desk.of_page(Method::POST, "/paths/p-async/pause").header(COOKIE, cookie).send().await?;
    assert_eq!(paused.status(), 200);

    let of_viewer = desk.sign_in(VIEWER).await?;
    let session = json!({ "name": "ann", "role": "viewer", "auth": "session" });
    assert_eq!(desk.whoami(&of_viewer).await?, Ok(session));
    let paused = desk.of_page(Method::POST, "/paths/p-async/pause").header(COOKIE, of_viewer).send().await?;
    assert_eq!(kind(paused, 403).await?, "forbidden");
    Ok(())
}

#[tokio::test]
async fn where_there_is_tls_the_cookie_is_of_this_host_alone() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let request = desk.bare(Method::POST, "/session").json(&json!({ "token": VIEWER }));
    let request = request.header(ORIGIN, "https://canary.example").header(HOST, "canary.example");
    let answer = request.send().await?;
    let set = answer.headers()[SET_COOKIE].to_str()?;
    assert!(set.starts_with("__Host-canary-9f86d081="), "{set}");
    assert!(set.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();
    assert_eq!(desk.whoami(cookie).await?.unwrap()["name"], "ann");
    let both = format!("canary-session-9f86d081=planted; {cookie}");
    assert_eq!(desk.whoami(&both).await?.unwrap()["name"], "ann", "what only TLS can set goes first");
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_not_known_signs_nobody_in() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for token in ["wrong", "", "Bob's token"] {
        let answer = desk.of_page(Method::POST, "/session").json(&json!({ "token": token })).send().await?;
        assert!(!answer.headers().contains_key(SET_COOKIE));
        assert_eq!(kind(answer, 401).await?, "unauthorized", "{token}");
    }
    let answer = desk.of_page(Method::POST, "/session").json(&json!({})).send().await?;
    assert_eq!(told(answer, 422).await?["field"], "token");
    assert_eq!(desk.whoami("canary-session-9f86d081=").await?, Err(401));
    assert_eq!(desk.whoami("other=1").await?, Err(401));
    Ok(())
}

#[tokio::test]
async fn a_session_is_good_on_every_instance_with_the_same_key_and_on_no_other() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let another = desk.another().await?;
    assert_eq!(another.whoami(&cookie).await?.unwrap()["name"], "ann");
    *another.world.key.lock().unwrap() = Some(SlotKey::new(vec![8; 32])?);
    assert_eq!(another.whoami(&cookie).await?, Err(401));
    let foreign = another.sign_in(VIEWER).await?;
    assert_eq!(desk.whoami(&foreign).await?, Err(401));
    Ok(())
}

#[tokio::test]
async fn a_session_is_found_beside_other_cookies_of_its_name() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let (name, _) = cookie.split_once('=').unwrap();
    for all in
        [format!("{name}=x; {cookie}"), format!("{cookie}; {name}=x"), format!("__Host-{name}=x; {cookie}")]
    {
        assert_eq!(desk.whoami(&all).await?.unwrap()["name"], "ann", "{all}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    *desk.world.now.lock().unwrap() = edge(30) + TimeDelta::hours(12) - TimeDelta::seconds(1);
    assert!(desk.whoami(&cookie).await?.is_ok());
    *desk.world.now.lock().unwrap() = edge(30) + TimeDelta::hours(12);
    assert_eq!(desk.whoami(&cookie).await?, Err(401));
    Ok(())
}

#[tokio::test]
async fn a_forged_session_is_worth_nothing() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    let value = cookie.trim_start_matches("canary-session-9f86d081=");
    let genuine = URL_SAFE_NO_PAD.decode(value)?;
    assert_eq!(genuine.len(), 8 + 32 + 3, "until, hash, name");
    for changed in 0..genuine.len() {
        let mut forged = genuine.clone();
        forged[changed] ^= 1;
        let cookie = format!("canary-session-9f86d081={}", URL_SAFE_NO_PAD.encode(forged));
        assert_eq!(desk.whoami(&cookie).await?, Err(401), "byte {changed}");
    }
    let of_bob = [&genuine[..40], b"bob"].concat();
    for forged in ["%%%".to_owned(), "AAAA".to_owned(), URL_SAFE_NO_PAD.encode(of_bob), format!("{value}A")] {
        assert_eq!(desk.whoami(&format!("canary-session-9f86d081={forged}")).await?, Err(401), "{forged}");
    }
    Ok(())
}

#[tokio::test]
async fn a_session_has_the_role_of_the_file_now_and_ends_with_its_line() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let (ann, bob) = (desk.sign_in(VIEWER).await?, desk.sign_in(OPERATOR).await?);
    let promoted = line("ann", "operator", VIEWER) + &line("bob", "operator", OPERATOR);
    desk.retoken(&promoted, &ann, 200).await?;
    assert_eq!(desk.whoami(&ann).await?.unwrap()["role"], "operator");

    let changed = line("ann", "viewer", VIEWER) + &line("bob", "operator", "bob's next token");
    desk.retoken(&changed, &ann, 403).await?;
    assert_eq!(desk.whoami(&bob).await?, Err(401), "its token was changed");

    desk.retoken(&line("bob", "operator", OPERATOR), &ann, 401).await?;
    assert_eq!(desk.whoami(&ann).await?, Err(401), "its line was removed");
    assert!(desk.whoami(&bob).await?.is_ok(), "the line is the one that it was made of again");
    Ok(())
}

#[tokio::test]
async fn until_the_key_is_known_only_tokens_are_good() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    *desk.world.key.lock().unwrap() = None;
    let answer = desk.of_page(Method::POST, "/session").json(&json!({ "token": VIEWER })).send().await?;
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(kind(answer, 503).await?, "starting");
    assert_eq!(desk.whoami(&cookie).await?, Err(503));
    let answer = desk.with_token(Method::GET, "/session", VIEWER).send().await?;
    let session = json!({ "name": "ann", "role": "viewer", "auth": "bearer" });
    assert_eq!(told(answer, 200).await?, session);
    Ok(())
}

#[tokio::test]
async fn signing_out_takes_the_cookie_away_and_may_be_repeated() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let cookie = desk.sign_in(VIEWER).await?;
    for cookie in [Some(cookie), None] {
        let request = desk.of_page(Method::DELETE, "/session");
        let request = cookie.into_iter().fold(request, |request, cookie| request.header(COOKIE, cookie));
        let answer = request.send().await?;
        assert_eq!(answer.status(), 204);
        let set: Vec<_> =
            answer.headers().get_all(SET_COOKIE).iter().map(|set| set.to_str().unwrap()).collect();
        assert!(
            set[0].starts_with("__Host-canary-9f86d081=; Path=/; Max-Age=0;") && set[0].ends_with("; Secure")
        );
        assert!(set[1].starts_with("canary-session-9f86d081=; Path=/; Max-Age=0;"), "{set:?}");
    }
    Ok(())
}

#[tokio::test]
async fn without_tokens_whoever_is_on_this_machine_is_an_operator() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let session = json!({ "name": "local", "role": "operator", "auth": "none" });
    assert_eq!(stand.whoami("").await?, Ok(session.clone()));
    let answer = stand.bare(Method::POST, "/session").json(&json!({ "token": "any" })).send().await?;
    assert!(!answer.headers().contains_key(SET_COOKIE));
    assert_eq!(told(answer, 200).await?, session);
    assert_eq!(stand.bare(Method::DELETE, "/session").send().await?.status(), 204);
    let answer = stand.bare(Method::POST, "/paths/p-async/pause").send().await?;
    assert_eq!(answer.status(), 200, "an action without a token, from no page");

    for (method, path) in [(Method::GET, "/session"), (Method::POST, "/session")] {
        let request =
            stand.of_page(method, path).header(HOST, "evil.example").json(&json!({ "token": "any" }));
        assert_eq!(kind(request.send().await?, 403).await?, "foreign-host", "{path}");
    }
    Ok(())
}
