//! Board and ledger, as the settings name them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use canary_store::{Board, Ledger, MemoryBoard, Outbox, PostgresLedger, RedisBoard, SqliteLedger};

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

/// The ledger, and what is left to do once its verdicts are written: one access to it, seen from two sides.
pub(crate) struct Opened {
    pub ledger: Arc<dyn Ledger>,
    pub outbox: Arc<dyn Outbox>,
}

impl Opened {
    fn new(make: Arc<impl Ledger + Outbox + 'static>) -> Self {
        Self { ledger: Arc::clone(&make) as _, outbox: make }
    }
}

/// The ledger. Postgres need not answer yet.
///
/// # Errors
/// When the address or the file can't be used.
pub(crate) fn ledger(settings: &Settings) -> Result<Arc<dyn Ledger>> {
    open(settings).map(|opened| opened.ledger)
}

/// As [`ledger`], from both sides.
///
/// # Errors
/// When the address or the file can't be used.
pub(crate) fn open(settings: &Settings) -> Result<Opened> {
    Ok(match &settings.ledger {
        LedgerSettings::Sqlite(path) => {
            Opened::new(Arc::new(SqliteLedger::open(path, &settings.canary).context("embedded")?))
        }
        LedgerSettings::Postgres { url, .. } => {
            let url = url.clone();
            let ledger = PostgresLedger::connect_from(move || url.read(), &settings.canary);
            let ledger =
                ledger.map_err(|error| BadSetting { setting: "postgres", what: error.to_string() })?;
            Opened::new(Arc::new(ledger))
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
