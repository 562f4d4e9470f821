//! Board and ledger, as the settings name them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_store::{Board, Ledger, MemoryBoard, PostgresLedger, RedisBoard, SqliteLedger};

use crate::settings::{BoardSettings, LedgerSettings, Settings};

/// The board. Redis need not answer yet.
///
/// # Errors
/// When the address can't be used.
pub(crate) fn board(settings: &Settings) -> Result<Arc<dyn Board>> {
    Ok(match &settings.board {
        BoardSettings::Memory => Arc::new(MemoryBoard::new()),
        BoardSettings::Redis { url, prefix } => {
            let url = url.read().map_err(anyhow::Error::msg)?;
            Arc::new(RedisBoard::connect(&url, prefix.clone()).context("redis")?)
        }
    })
}

/// The ledger. Postgres need not answer yet.
///
/// # Errors
/// When the address or the file can't be used.
pub(crate) fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>> {
    Ok(match &settings.ledger {
        LedgerSettings::Sqlite(path) => {
            Arc::new(SqliteLedger::open(path, &settings.canary).context("embedded")?)
        }
        LedgerSettings::Postgres { url, .. } => {
            let url = url.read().map_err(anyhow::Error::msg)?;
            Arc::new(PostgresLedger::connect(&url, &settings.canary).context("postgres")?)
        }
    })
}

/// Whether `run` brings the schema up to date.
pub(crate) fn migrates(settings: &Settings) -> bool {
    match settings.ledger {
        LedgerSettings::Sqlite(_) => true,
        LedgerSettings::Postgres { migrate, .. } => migrate,
    }
}
