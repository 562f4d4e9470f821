//! Board and ledger, as the settings name them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_store::{Board, Ledger, MemoryBoard, PostgresLedger, RedisBoard, SqliteLedger};

use crate::exit::BadSetting;
use crate::settings::{BoardSettings, LedgerSettings, Settings};

/// The board. Redis need not answer yet.
///
/// # Errors
/// When the address can't be used.
pub(crate) fn board(settings: &Settings) -> Result<Arc<dyn Board>> {
    Ok(match &settings.board {
        BoardSettings::Memory => Arc::new(MemoryBoard::new()),
        BoardSettings::Redis { url, prefix } => {
            let bad = |what| BadSetting { setting: "redis", what };
            let url = url.read().map_err(bad)?;
            Arc::new(RedisBoard::connect(&url, prefix.clone()).map_err(|error| bad(error.to_string()))?)
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
            let bad = |what| BadSetting { setting: "postgres", what };
            let url = url.read().map_err(bad)?;
            Arc::new(PostgresLedger::connect(&url, &settings.canary).map_err(|error| bad(error.to_string()))?)
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
