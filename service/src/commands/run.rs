//! `canary run`: the canary as configured, until SIGTERM.

use std::future::pending;

use anyhow::Result;

use crate::instance::Instance;
use crate::settings::Settings;
use crate::supervisor::Supervisor;

pub(super) async fn run(settings: Settings) -> Result<u8> {
    let mut supervisor = Supervisor::new();
    let stop = supervisor.stop();
    let instance = tokio::select! {
        built = Instance::build(settings, &stop) => built?,
        signal = Supervisor::signalled() => { signal?; None }
    };
    let Some(instance) = instance else { return Ok(0) };
    instance.start(&mut supervisor).await?;
    supervisor.run(pending::<()>()).await?;
    Ok(0)
}
