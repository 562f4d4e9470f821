//! Running cargo on this workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context;

/// A cargo command in the workspace's root. It never asks: its input is empty.
///
/// What `cargo run` has told this program of its own package is taken out of the environment. Some build scripts look there,
/// and would be run again, with all that depends on them, whenever a developer's own cargo and this one take turns.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(arguments).current_dir(root()).stdin(Stdio::null());
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        cargo.env_remove(name);
    }
    cargo
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo to its end, its output passed through.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<ExitStatus> {
    command(arguments).status().with_context(|| format!("can't run cargo {}", arguments.join(" ")))
}

/// Cargo's target folder: the one that this program is in, whatever it is called.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("can't tell where this program is")?;
    let target = own.parent().and_then(Path::parent).context("this program is in no target folder")?;
    Ok(target.to_owned())
}

/// Where cargo puts a program of this workspace.
pub(crate) fn program(profile_folder: &str, name: &str) -> anyhow::Result<PathBuf> {
    Ok(target()?.join(profile_folder).join(name))
}
