//! Contract, sections 1 and 2: signing in and moving tokens.

use std::time::Duration;

use anyhow::Result;
use canary_sandbox::{AgentSeed, Config, Effect, Sandbox};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::client::{Order, World, across, did, quick};

#[tokio::test]
async fn wrong_credentials_and_missing_fields_are_refused_in_the_contracts_shapes() -> Result<()> {
    let world = World::quick().await?;
    let refused = world.sign_in("alpha", "wrong").await?;
    assert_eq!(refused.status(), 401);
    let body: Value = refused.json().await?;
    assert!(body["detail"].is_string() && body["error_code"].is_null());
    let url = format!("{}/auth/agent/token", world.sandbox.frame("a").registry);
    let invalid = world.http.post(url).form(&[("username", "x")]).send().await?;
    assert_eq!(invalid.status(), 422);
    let body: Value = invalid.json().await?;
    assert_eq!(body["detail"][0]["loc"], json!(["body", "password"]));
    Ok(())
}

#[tokio::test]
async fn a_token_ends_with_its_time() -> Result<()> {
    let world = World::with(Config { token_ttl: Duration::from_millis(300), ..quick() }).await?;
    let token = world.token("alpha").await?;
    assert_eq!(world.order(&token, &Order::default()).send().await?.status(), 200);
    loop {
        let status = world.order(&token, &Order::default()).send().await?.status().as_u16();
        if status == 401 {
            break;
        }
        assert_eq!(status, 200);
    }
    assert_eq!(world.order("no-token", &Order::default()).send().await?.status(), 401);
    Ok(())
}

#[tokio::test]
async fn every_backend_moves_the_amount_and_takes_the_fee() -> Result<()> {
    let world = World::quick().await?;
    for (order, status, word) in [
        (Order::default(), 200, "completed"),
        (across("async"), 202, "initiated"),
        (across("2pc"), 200, "completed"),
        (Order { backend: "2pc", ..Order::default() }, 200, "completed"),
    ] {
        let answered = world.send(&order).await?;
        assert_eq!(answered.status, status, "{}", answered.text);
        let body = answered.json();
        assert_eq!(body["status"], word);
        assert_eq!(body["sender_agent_id"], did("alpha"));
        assert_eq!(body["receiver_agent_id"], did(order.to));
        assert_eq!(body["amount"], "0.01");
        assert_eq!(body["fee_amount"], "0.0001");
        assert_eq!(body["attached_message"], "lunch");
        for field in ["transaction_id", "new_sender_balance", "timestamp"] {
            assert!(body[field].is_string(), "{field} of {body}");
        }
    }
    assert_eq!(world.balance("alpha").await?, "999999.9596");
    assert_eq!(world.balance("bravo").await?, "1000000.02");
    world.recorded("the saga's credit", |record| (record.movements.len() == 12).then_some(())).await?;
    assert_eq!(world.balance("charlie").await?, "1000000.02");
    assert_eq!(world.sandbox.record().residual, Decimal::ZERO);
    Ok(())
}

#[tokio::test]
async fn one_key_moves_tokens_once_and_gets_the_same_answer_again() -> Result<()> {
    let world = World::quick().await?;
    for backend in ["intra", "async", "2pc"] {
        let target = if backend == "intra" { Order::default() } else { across(backend) };
        let key = format!("key-{backend}");
        let order = Order { key: Some(&key), ..target };
        let before = world.balance("alpha").await?;
        let (one, two) = tokio::try_join!(world.send(&order), world.send(&order))?;
        let three = world.send(&order).await?;
        assert_eq!((one.status, &one.text), (two.status, &two.text));
        assert_eq!((one.status, &one.text), (three.status, &three.text));
        let spent: Decimal = before.parse::<Decimal>()? - world.balance("alpha").await?.parse::<Decimal>()?;
        assert_eq!(spent.to_string(), "0.0101");
        let other = world.send(&Order { amount: "0.02", ..order }).await?;
        assert_eq!(other.status, 409);
        assert_eq!(other.json()["error_code"], "idempotency_key_reused");
    }
    let effects: Vec<Effect> = world.sandbox.record().calls.iter().map(|call| call.effect).collect();
    let once = |effect| effects.iter().filter(|seen| **seen == effect).count();
    assert_eq!((once(Effect::Moved), once(Effect::Repeated), once(Effect::Nothing)), (3, 6, 3));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_moves_nothing() -> Result<()> {
    let world = World::quick().await?;
    let long = "x".repeat(257);
    for (order, status, code) in [
        (Order { amount: "1000000", ..Order::default() }, 409, "insufficient_funds"),
        (Order { to: "charlie", ..Order::default() }, 404, "receiver_unknown"),
        (Order { to: "bravo", ..across("async") }, 404, "receiver_unknown"),
        (Order { to: "bravo", ..across("2pc") }, 404, "receiver_unknown"),
        (Order { target: "z", ..across("2pc") }, 404, "registry_unknown"),
        (Order { to: "alpha", ..Order::default() }, 400, "same_account"),
    ] {
        let answered = world.send(&order).await?;
        assert_eq!((answered.status, answered.json()["error_code"].as_str()), (status, Some(code)));
    }
    for (order, loc) in [
        (Order { message: &long, ..Order::default() }, json!(["body", "message"])),
        (Order { amount: "-1", ..Order::default() }, json!(["body", "amount"])),
        (across("3pc"), json!(["query", "backend"])),
    ] {
        let answered = world.send(&order).await?;
        assert_eq!(answered.status, 422);
        let complaint = &answered.json()["detail"][0];
        assert_eq!(complaint["loc"], loc);
        assert!(complaint["msg"].is_string() && complaint["type"].is_string());
    }
    assert_eq!(world.balance("alpha").await?, "1000000");
    let record = world.sandbox.record();
    assert!(record.movements.is_empty() && record.events.is_empty());
    assert_eq!(record.calls.len(), 9);
    assert!(record.calls.iter().all(|call| call.status.is_some() && !call.moved()));
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_no_json_is_422() -> Result<()> {
    let world = World::quick().await?;
    let token = world.token("alpha").await?;
    let url = format!("{}/teg/transfer", world.sandbox.frame("a").registry);
    let answer = world.http.post(url).bearer_auth(token).body("{").send().await?;
    assert_eq!(answer.status(), 422);
    Ok(())
}

#[tokio::test]
async fn the_record_tells_who_sent_what_and_what_came_of_it() -> Result<()> {
    let world = World::quick().await?;
    let id = world.sent(&Order { key: Some("k1"), ..across("2pc") }).await?;
    let record = world.sandbox.record();
    let [call] = record.calls.as_slice() else { panic!("{:?}", record.calls) };
    assert_eq!(call.transfer_id.as_deref(), Some(id.as_str()));
    assert_eq!(call.idempotency_key.as_deref(), Some("k1"));
    assert_eq!(call.sender, Some(did("alpha")));
    assert_eq!((call.receiver.clone(), call.target_registry.as_deref()), (Some(did("charlie")), Some("b")));
    assert_eq!(
        (call.amount.map(|a| a.to_string()), call.message.as_deref()),
        (Some("0.01".into()), Some("lunch"))
    );
    assert_eq!((call.status, call.moved()), (Some(200), true));
    assert!(call.answered_at.is_some_and(|answered| answered >= call.at));
    let over_http: canary_sandbox::Record =
        serde_json::from_str(&world.control(reqwest::Method::GET, "record", None).await?.text)?;
    assert_eq!(over_http.calls.len(), 1);
    assert_eq!(over_http.calls[0].at, call.at);
    Ok(())
}

#[tokio::test]
async fn an_agent_of_a_frame_that_is_not_there_stops_the_start() {
    let stray = AgentSeed {
        name: "stray".into(),
        frame: "c".into(),
        did: "did:avt:stray".into(),
        client_id: "stray".into(),
        client_secret: "stray".into(),
        balance: Decimal::ONE,
    };
    let started = Sandbox::start(Config { agents: vec![stray], ..quick() }).await;
    assert!(started.is_err_and(|error| error.to_string().contains("stray")));
}

#[tokio::test]
async fn a_taken_port_is_named_in_the_error() -> Result<()> {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = taken.local_addr()?.port();
    let started = Sandbox::start(Config { ports: Some([port, 0]), ..quick() }).await;
    assert!(started.is_err_and(|error| error.to_string().contains(&port.to_string())));
    Ok(())
}
