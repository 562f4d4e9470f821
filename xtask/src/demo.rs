//! `cargo xtask demo`: the real binary, built for release with its page, on a sandbox platform of its own.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::{cargo, ui};

/// Becomes `canary demo`, so that signals and the exit code are its own; returns only if that can't be.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    ui::build_if_possible();
    let build = ["build", "--release", "--locked", "--package", "canary-service", "--bin", "canary"];
    if !cargo::run(&build)?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let canary = cargo::program("release", "canary")?;
    let error = Command::new(&canary).arg("demo").args(arguments).exec();
    Err(error).with_context(|| format!("can't run {}", canary.display()))
}
