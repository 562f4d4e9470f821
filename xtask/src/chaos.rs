//! `cargo xtask chaos`: the real binary under seeded faults, for as long as one likes.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::{cargo, packages};

/// As in sysexits.h: something that this needs is not available.
const EXIT_UNAVAILABLE: u8 = 69;

const BUILD_CANARY: [&str; 6] = ["build", "--locked", "--package", "canary-service", "--bin", "canary"];
const BUILD_CHAOS: [&str; 6] = ["build", "--locked", "--package", "canary-tests", "--bin", "chaos"];

/// Builds both, and runs the seeds; the exit code is 1 if one was violated.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    if !packages::ensure_for_servers()? {
        return Ok(ExitCode::from(EXIT_UNAVAILABLE));
    }
    for build in [&BUILD_CANARY, &BUILD_CHAOS] {
        if !cargo::run(build)?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    let chaos = cargo::program("debug", "chaos")?;
    let status = Command::new(&chaos)
        .arg("--keep")
        .arg(cargo::target()?.join("chaos"))
        .args(arguments)
        .env("CANARY_BIN", cargo::program("debug", "canary")?)
        .status()
        .with_context(|| format!("can't run {}", chaos.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
