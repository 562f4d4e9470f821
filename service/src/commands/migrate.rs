//! `canary migrate`: brings the ledger's schema up to date.

use anyhow::Result;

use crate::settings::Settings;
use crate::stores;

pub(super) async fn run(settings: Settings) -> Result<u8> {
    let ledger = stores::ledger(&settings)?;
    ledger.migrate().await?;
    ledger.ping().await?;
    println!("{} is up to date", ledger.describe());
    Ok(0)
}
