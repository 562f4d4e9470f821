//! The servers that tests run against: installed where that is possible, else named.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

const APT: &str = "/usr/bin/apt-get";

/// Sees that Redis and PostgreSQL are here; false, with a line on what to install, where only somebody else can do that.
pub(crate) fn ensure_installed() -> anyhow::Result<bool> {
    let missing = canary_test_servers::missing_packages();
    if missing.is_empty() {
        return Ok(true);
    }
    let packages = missing.join(" ");
    if !is_root()? || !Path::new(APT).exists() {
        println!("The tests need these Debian packages (or the same programs from elsewhere): {packages}");
        println!("As root: apt-get update && apt-get install --no-install-recommends {packages}");
        return Ok(false);
    }
    println!("installing {packages}");
    run(&mut apt(&["update"]))?;
    run(apt(&["install", "--yes", "--no-install-recommends"]).args(&missing))?;
    missing.iter().try_for_each(|package| switch_off(package))?;
    let still = canary_test_servers::missing_packages();
    ensure!(still.is_empty(), "installed, but not found: {}", still.join(" "));
    Ok(true)
}

/// Debian starts a server when it is installed, and at boot; the tests start their own. The services bear the packages'
/// names.
fn switch_off(service: &str) -> anyhow::Result<()> {
    run(Command::new("service").args([service, "stop"]))?;
    run(Command::new("update-rc.d").args([service, "disable"]))
}

fn apt(arguments: &[&str]) -> Command {
    let mut apt = Command::new(APT);
    apt.args(["--quiet", "-o", "Acquire::Retries=3"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("can't run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    Ok(std::fs::metadata("/proc/self").context("can't tell which user runs this")?.uid() == 0)
}
