//! The OpenAPI document, and that answers are what it says.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, EventType, Hold, HoldKind, Interval, Outcome, Role, TestId};
use canary_store::{AgentState, Annotation, Board, MemoryBoard, ReactorState};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::desk::{Desk, OPERATOR, told};
use crate::past::{Past, ago, until};
use crate::stand::{API, Stand, local};

async fn document(stand: &Stand) -> anyhow::Result<Value> {
    told(stand.get("/api/openapi.json").await?, 200).await
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_kept() -> anyhow::Result<()> {
    let stand = Stand::on_sqlite().await?;
    let served = stand.get("/api/openapi.json").await?.text().await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    #[expect(clippy::disallowed_methods, reason = "how a developer says that the change is meant")]
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &served)?;
    }
    assert!(
        served == std::fs::read_to_string(&file)?,
        "the API changed, and console/openapi.json did not; if that is meant, run \
         `UPDATE=1 cargo test -p canary-console openapi` and look at the difference"
    );
    Ok(())
}

#[tokio::test]
async fn everybody_may_read_the_document_and_it_names_what_is_served() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let document = document(&desk).await?;
    assert_eq!(document["openapi"], "3.1.0");
    for (path, method) in [
        ("", "get"),
        ("/cycles", "get"),
        ("/reactors", "get"),
        ("/trend", "get"),
        ("/about", "get"),
        ("/stream", "get"),
        ("/session", "get"),
        ("/session", "post"),
        ("/session", "delete"),
        ("/results", "get"),
        ("/results/{test_id}", "get"),
        ("/accounting", "get"),
        ("/paths/{path}/fire", "post"),
        ("/paths/{path}/pause", "post"),
        ("/paths/{path}/resume", "post"),
        ("/maintenance", "post"),
        ("/maintenance/end", "post"),
    ] {
        let operation = &document["paths"][format!("/api/v1/canaries{path}")][method];
        assert!(operation["responses"].is_object(), "{method} {path}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/status", "/status.json", "/badge/{file}"] {
        assert_eq!(document["paths"][path]["get"]["security"], json!([{}]), "{path} is for everybody");
    }
    for outcome in Outcome::ALL {
        let words = document["components"]["schemas"]["Outcome"]["enum"].as_array().unwrap();
        assert!(words.contains(&outcome.as_str().into()), "{outcome}");
    }
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["bearer", "plain_session", "session"]);
    Ok(())
}

/// Checks an answer against what the document says of its operation and status.
struct Checker(Value);

impl Checker {
    async fn new(stand: &Stand) -> anyhow::Result<Self> {
        let mut document = document(stand).await?;
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        let wholes = schemas.values().filter_map(|schema| schema["allOf"].as_array()).flatten();
        let parts: Vec<String> = wholes.filter_map(|part| part["$ref"].as_str().map(str::to_owned)).collect();
        for (name, schema) in schemas {
            // What the document does not name is a mistake of the document. A part of another is closed by its whole.
            if !parts.contains(&format!("#/components/schemas/{name}")) {
                schema["unevaluatedProperties"] = false.into();
            }
        }
        Ok(Self(document))
    }

    /// Every operation that reads; what is not of the admin API begins with two slashes.
    fn readings(&self) -> Vec<String> {
        let paths = self.0["paths"].as_object().unwrap().iter();
        let readings = paths.filter(|(_, item)| item["get"].is_object());
        readings.map(|(path, _)| path.strip_prefix(API).map_or(format!("/{path}"), str::to_owned)).collect()
    }

    async fn check(&self, method: &str, path: &str, answer: Response) -> anyhow::Result<()> {
        let status = answer.status().as_u16().to_string();
        let media = answer.headers()["content-type"].to_str()?.to_owned();
        let body: Value = answer.json().await?;
        let path = if path.starts_with("//") { path[1..].to_owned() } else { format!("{API}{path}") };
        let operation = &self.0["paths"][&path][method];
        let content = &operation["responses"][&status]["content"][&media];
        let name = content["schema"]["$ref"].as_str();
        let name = name.unwrap_or_else(|| panic!("{method} {path}: no {status} as {media}: {operation}"));
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": name,
            "components": self.0["components"],
        });
        let checker = jsonschema::validator_for(&schema)?;
        let wrong: Vec<String> =
            checker.iter_errors(&body).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?}");
        Ok(())
    }
}

/// A console with something of everything to show.
async fn full() -> anyhow::Result<(Stand, [TestId; 2])> {
    let (past, board) = (Past::begin().await?, MemoryBoard::new());
    for (minutes, outcome) in (1..).zip(Outcome::ALL) {
        past.slot(Backend::Async, ago(minutes), *outcome).await?;
        past.slot(Backend::TwoPc, ago(60 + minutes), *outcome).await?;
    }
    past.roll_up().await?;
    let hold = Hold { kind: HoldKind::Pause, path: Some("p-intra".into()), from: ago(5), until: None };
    past.ledger.place_hold(&hold, "bob", "too noisy").await?;
    let (kind, text) = ("process_start".into(), "node-1 began".into());
    past.ledger.annotate(&Annotation { at: ago(90), kind, text, node: Some("node-1".into()) }).await?;
    let runway = Some(Duration::from_secs(86_400));
    board
        .save_agent(&AgentState { agent: "alpha".into(), balance: "12.5".parse()?, runway, at: ago(2) })
        .await?;
    board.acquire(Role::Runner, &"node-1".into(), Duration::from_secs(60)).await?;
    let reactor = ReactorState {
        frame: "a".into(),
        event_type: EventType::TokensTransferred,
        node: "node-1".into(),
        position: Some(77),
        covered: Some(Interval { from: ago(9), until: ago(1) }),
        connected: true,
        last_event_at: Some(ago(1)),
        events_total: 1_000,
        matched_total: 3,
        reconnects_total: 2,
    };
    board.save_reactor(&reactor).await?;
    let stand = Stand::over(Arc::new(board), past.ledger, local(), tempfile::tempdir()?).await?;
    let passed = stand.write(Backend::Async, Some(500)).await?;
    let failed = stand.failure(Backend::Async).await?;
    until(&stand, API, |board| board["canary"] == "test").await?;
    Ok((stand, [passed, failed]))
}

#[tokio::test]
async fn answers_to_readers_are_what_the_document_says() -> anyhow::Result<()> {
    let (stand, [passed, failed]) = full().await?;
    let checker = Checker::new(&stand).await?;
    let one = format!("{API}/results/{passed}");
    // These are no JSON, and have tests of their own.
    let others = ["/stream", "//badge/{file}", "//metrics", "//status"];
    for path in checker.readings() {
        let asked = match path.as_str() {
            "/results/{test_id}" => one.clone(),
            other if others.contains(&other) => continue,
            public if public.starts_with("//") => public[1..].to_owned(),
            api => format!("{API}{api}"),
        };
        let answer = stand.get(&asked).await?;
        assert_eq!(answer.status(), 200, "{path}");
        checker.check("get", &path, answer).await?;
    }
    for (path, asked) in [
        ("/results/{test_id}", format!("/results/{failed}").as_str()),
        ("/results/{test_id}", "/results/7"),
        ("/results", "/results?outcome=7"),
        ("/cycles", "/cycles?minutes=0"),
        ("/trend", "/trend?days=x"),
        ("/stream", "/stream?last_event_id=x"),
    ] {
        checker.check("get", path, stand.get(&format!("{API}{asked}")).await?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn answers_to_actions_are_what_the_document_says() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let checker = Checker::new(&desk).await?;
    checker.check("get", "/accounting", desk.bare(Method::GET, "/accounting").send().await?).await?;
    let post = async |path: &str, body: Value| {
        desk.with_token(Method::POST, path, OPERATOR).json(&body).send().await
    };
    for (path, asked) in [
        ("/paths/{path}/pause", "/paths/p-2pc/pause"),
        ("/paths/{path}/resume", "/paths/p-2pc/resume"),
        ("/paths/{path}/fire", "/paths/p-2pc/fire"),
        ("/paths/{path}/fire", "/paths/nothing/fire"),
    ] {
        checker.check("post", path, post(asked, json!({})).await?).await?;
    }
    let window =
        json!({ "from": "2026-11-21T02:00:00Z", "to": "2026-11-21T03:00:00Z", "reason": "new switch" });
    checker.check("post", "/maintenance", post("/maintenance", window).await?).await?;
    checker.check("post", "/maintenance", post("/maintenance", json!({})).await?).await?;
    checker.check("post", "/maintenance/end", post("/maintenance/end", json!({})).await?).await?;
    let sign_in = desk.of_page(Method::POST, "/session").json(&json!({ "token": OPERATOR })).send().await?;
    checker.check("post", "/session", sign_in).await?;
    Ok(())
}
