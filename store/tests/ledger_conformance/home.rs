//! A database of one's own, of either make.

use std::path::PathBuf;
use std::sync::Arc;

use canary_store::{Ledger, Outbox, PostgresLedger, SqliteLedger};
use canary_test_servers::shared_postgres;
use secrecy::SecretString;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};
use tempfile::TempDir;

/// The deployment most tests are about.
pub const CANARY: &str = "prod";

/// Where a test's ledgers live.
pub enum Home {
    Postgres { url: String, sql: PgPool },
    Sqlite { folder: TempDir, sql: SqlitePool },
}

impl Home {
    pub async fn postgres() -> Self {
        let home = Self::empty_postgres();
        home.ledger().migrate().await.unwrap();
        home
    }

    pub async fn sqlite() -> Self {
        let home = Self::empty_sqlite();
        home.ledger().migrate().await.unwrap();
        home
    }

    /// One like this, without a schema.
    pub fn another(&self) -> Self {
        match self {
            Self::Postgres { .. } => Self::empty_postgres(),
            Self::Sqlite { .. } => Self::empty_sqlite(),
        }
    }

    pub fn empty_postgres() -> Self {
        let url = shared_postgres().create_database().unwrap();
        let sql = PgPoolOptions::new().max_connections(1).connect_lazy(&url).unwrap();
        Self::Postgres { url, sql }
    }

    pub fn empty_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canary.db");
        let sql = SqlitePoolOptions::new().max_connections(1).connect_lazy(path.to_str().unwrap()).unwrap();
        Self::Sqlite { folder, sql }
    }

    pub fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger_of(CANARY)
    }

    /// Another instance's, or another deployment's, on the same database.
    pub fn ledger_of(&self, canary: &str) -> Arc<dyn Ledger> {
        match self {
            Self::Postgres { url, .. } => {
                Arc::new(PostgresLedger::connect(&SecretString::from(url.as_str()), canary).unwrap())
            }
            Self::Sqlite { .. } => Arc::new(SqliteLedger::open(&self.file(), canary).unwrap()),
        }
    }

    pub fn outbox(&self) -> Arc<dyn Outbox> {
        self.outbox_of(CANARY)
    }

    /// What is left to do once verdicts are written, as another instance or deployment sees it.
    pub fn outbox_of(&self, canary: &str) -> Arc<dyn Outbox> {
        match self {
            Self::Postgres { url, .. } => {
                Arc::new(PostgresLedger::connect(&SecretString::from(url.as_str()), canary).unwrap())
            }
            Self::Sqlite { .. } => Arc::new(SqliteLedger::open(&self.file(), canary).unwrap()),
        }
    }

    pub fn file(&self) -> PathBuf {
        match self {
            Self::Postgres { .. } => panic!("a server has no file"),
            Self::Sqlite { folder, .. } => folder.path().join("canary.db"),
        }
    }

    /// Runs SQL behind the ledger's back.
    pub async fn execute(&self, sql: &str) {
        let sql_text = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres { sql, .. } => drop(sqlx::raw_sql(sql_text).execute(sql).await.unwrap()),
            Self::Sqlite { sql, .. } => drop(sqlx::raw_sql(sql_text).execute(sql).await.unwrap()),
        }
    }

    /// Asks for one column of texts behind the ledger's back.
    pub async fn texts(&self, sql: &str) -> Vec<Option<String>> {
        let sql_text = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Postgres { sql, .. } => sqlx::query_scalar(sql_text).fetch_all(sql).await.unwrap(),
            Self::Sqlite { sql, .. } => sqlx::query_scalar(sql_text).fetch_all(sql).await.unwrap(),
        }
    }
}
