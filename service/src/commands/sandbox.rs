//! `canary sandbox`: the two-frame platform alone.

use std::path::Path;

use anyhow::{Context as _, Result};
use canary_sandbox::{Config, FaultSet, Sandbox};

use crate::cli::SandboxArgs;
use crate::exit::Usage;
use crate::sample;
use crate::supervisor::Supervisor;

pub(super) async fn run(args: SandboxArgs) -> Result<u8> {
    let ports = args
        .ports
        .map(<[u16; 2]>::try_from)
        .transpose()
        .map_err(|_| Usage("--ports takes two ports".into()))?;
    let sandbox = Sandbox::start(Config { ports, ..Config::default() }).await?;
    if let Some(file) = &args.faults {
        sandbox.faults().set(read_faults(file)?);
    }
    for name in canary_sandbox::FRAMES {
        let urls = sandbox.frame(name);
        println!(
            "frame {name}  registry {}  events {}  control {}",
            urls.registry, urls.event_store_ws, urls.control
        );
    }
    if let Some(folder) = &args.write_config {
        let file = sample::write_files(&sandbox, folder, &sample::Cadence::default())?;
        println!("configuration {}", file.display());
    }
    Supervisor::signalled().await?;
    sandbox.shutdown().await;
    Ok(0)
}

/// Reads a set of faults, in the form that `POST /sandbox/faults` takes.
pub(super) fn read_faults(file: &Path) -> Result<FaultSet> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no set of faults", file.display()))
}
