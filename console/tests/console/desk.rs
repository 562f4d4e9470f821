//! A console with a viewer and an operator, over Postgres, and what its tests ask it.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use canary_console::Settings;
use canary_store::{Ledger, MemoryBoard, PostgresLedger};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::stand::{API, Stand, local, problem};

pub const VIEWER: &str = "ann's token";
pub const OPERATOR: &str = "bob's token";

/// `ann` may read, `bob` may act.
pub struct Desk {
    stand: Stand,
    ledger: Arc<PostgresLedger>,
    pub sql: PgPool,
}

impl Deref for Desk {
    type Target = Stand;

    fn deref(&self) -> &Stand {
        &self.stand
    }
}

/// A line of the token file.
pub fn line(name: &str, role: &str, token: &str) -> String {
    let digest: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:{role}:{digest}\n")
}

impl Desk {
    pub async fn open() -> anyhow::Result<Self> {
        let database = canary_test_servers::shared_postgres().create_database()?;
        let sql = PgPool::connect(&database).await?;
        let ledger = Arc::new(PostgresLedger::connect(&database.into(), "test")?);
        let stand = Self::stand(&ledger).await?;
        Ok(Self { stand, ledger, sql })
    }

    /// Another instance over the same ledger.
    pub async fn another(&self) -> anyhow::Result<Stand> {
        Self::stand(&self.ledger).await
    }

    async fn stand(ledger: &Arc<PostgresLedger>) -> anyhow::Result<Stand> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("tokens");
        std::fs::write(&file, line("ann", "viewer", VIEWER) + &line("bob", "operator", OPERATOR))?;
        let settings = Settings { admin_token_file: Some(file), ..local() };
        let ledger: Arc<dyn Ledger> = Arc::clone(ledger) as _;
        Stand::over(Arc::new(MemoryBoard::new()), ledger, settings, folder).await
    }

    /// Waits until it has looked at the ledger.
    pub async fn looks(&self) -> anyhow::Result<()> {
        until(async || Ok(self.with_token(Method::GET, "", VIEWER).send().await?.status() == 200)).await
    }

    /// Writes the token file anew, and waits until it is read: `token` is answered with this status then.
    pub async fn retoken(&self, lines: &str, cookie: &str, status: u16) -> anyhow::Result<()> {
        std::fs::write(self.folder.path().join("tokens"), lines)?;
        until(async || {
            let answer = self.of_page(Method::POST, "/paths/p-async/pause").header(COOKIE, cookie).send();
            Ok(answer.await?.status() == status)
        })
        .await
    }

    /// How often each action was noted.
    pub async fn audited(&self, action: &str) -> anyhow::Result<i64> {
        let count = sqlx::query_scalar("SELECT count(*) FROM canary_audit WHERE action = $1");
        Ok(count.bind(action).fetch_one(&self.sql).await?)
    }

    /// How many holds there are.
    pub async fn held(&self) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM canary_holds").fetch_one(&self.sql).await?)
    }
}

impl Stand {
    /// A request as the console's own page makes it.
    pub fn of_page(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("sec-fetch-site", "same-origin")
    }

    /// A request with nothing but its path.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{API}{path}", self.address))
    }

    /// A request of somebody with a token.
    pub fn with_token(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(token)
    }

    /// Signs in and answers the cookie, name and value.
    pub async fn sign_in(&self, token: &str) -> anyhow::Result<String> {
        let request = self.bare(Method::POST, "/session").header(ORIGIN, format!("http://{}", self.address));
        let answer = request.json(&serde_json::json!({ "token": token })).send().await?;
        anyhow::ensure!(answer.status() == 200, "{}", answer.status());
        let set = answer.headers()[SET_COOKIE].to_str()?;
        Ok(set.split(';').next().unwrap_or_default().to_owned())
    }

    /// What a session is told of itself; the status if it is refused.
    pub async fn whoami(&self, cookie: &str) -> anyhow::Result<Result<Value, u16>> {
        let answer = self.bare(Method::GET, "/session").header(COOKIE, cookie).send().await?;
        let status = answer.status().as_u16();
        Ok(if status == 200 { Ok(answer.json().await?) } else { Err(status) })
    }
}

/// The JSON of an answer that has to have this status.
pub async fn told(answer: Response, status: u16) -> anyhow::Result<Value> {
    let got = answer.status().as_u16();
    let text = answer.text().await?;
    anyhow::ensure!(got == status, "{got} instead of {status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

/// The kind of a problem of this status.
pub async fn kind(answer: Response, status: u16) -> anyhow::Result<String> {
    let problem = problem(answer, status).await?;
    Ok(problem["type"].as_str().unwrap().trim_start_matches("urn:canary:problem:").to_owned())
}

/// Waits for a condition.
pub async fn until(condition: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let met = async {
        while !condition().await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(10), met).await?
}
