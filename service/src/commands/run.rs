//! `canary run`: the canary as configured, until SIGTERM.

use std::future::pending;

use anyhow::Result;

use crate::instance::Instance;
use crate::settings::Settings;
use crate::supervisor::Supervisor;

pub(super) async fn run(settings: Settings) -> Result<u8> {
    let mut supervisor = Supervisor::new();
    let built = tokio::select! {
        built = Instance::build(settings, &mut supervisor) => built?,
        signal = Supervisor::signalled() => {
            signal?;
            None
        }
    };
    match built {
        Some(instance) => {
            instance.start(&mut supervisor)?;
            supervisor.run(pending::<()>()).await?;
        }
        // Told to stop while the board was still away.
        None => drop(supervisor.run(async {}).await?),
    }
    Ok(0)
}
