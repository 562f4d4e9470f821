//! The OpenAPI document, and that answers are what it says.

use std::path::Path;

use canary_domain::Backend;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::desk::{Desk, OPERATOR, told};
use crate::stand::Stand;

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
    for outcome in canary_domain::Outcome::ALL {
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

    async fn check(&self, method: &str, path: &str, answer: Response) -> anyhow::Result<()> {
        let status = answer.status().as_u16().to_string();
        let media = answer.headers()["content-type"].to_str()?.to_owned();
        let body: Value = answer.json().await?;
        let operation = &self.0["paths"][format!("/api/v1/canaries{path}")][method];
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

#[tokio::test]
async fn answers_are_what_the_document_says() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let checker = Checker::new(&desk).await?;
    let passed = desk.write(Backend::Async, Some(500)).await?;
    desk.write(Backend::Async, None).await?;
    let get = async |path: &str| desk.with_token(Method::GET, path, OPERATOR).send().await;
    for path in ["/session", "/accounting", "/results"] {
        checker.check("get", path, get(path).await?).await?;
    }
    checker.check("get", "/results/{test_id}", get(&format!("/results/{passed}")).await?).await?;
    checker.check("get", "/results/{test_id}", get("/results/7").await?).await?;
    checker.check("get", "/results", get("/results?outcome=7").await?).await?;
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
