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
            let url = url.clone();
            let board = RedisBoard::connect_from(move || url.read(), prefix.clone());
            Arc::new(board.map_err(|error| BadSetting { setting: "redis", what: error.to_string() })?)
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
            let url = url.clone();
            let ledger = PostgresLedger::connect_from(move || url.read(), &settings.canary);
            Arc::new(ledger.map_err(|error| BadSetting { setting: "postgres", what: error.to_string() })?)
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
