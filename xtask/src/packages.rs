//! The programs that the commands need beside Rust: installed where that is possible, else named.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::node;

/// As in sysexits.h: something that this needs is not available.
pub(crate) const EXIT_UNAVAILABLE: u8 = 69;

const APT: &str = "/usr/bin/apt-get";
const CHROMIUM: &str = "chromium";

/// Sees that everything the tests need is here; false, with a line on what to install, where only somebody else can do that.
pub(crate) fn ensure_for_tests() -> anyhow::Result<bool> {
    let servers = canary_test_servers::missing_packages();
    let missing = missing_for_tests();
    if !missing.is_empty() {
        if !install("The tests need", &missing)? {
            return Ok(false);
        }
        servers.iter().try_for_each(|package| switch_off(package))?;
        let still = missing_for_tests();
        ensure!(still.is_empty(), "installed, but not found: {}", still.join(" "));
    }
    node_is_right()
}

/// Sees that the servers are here that watch the demo; false, with a line on what to install, where only somebody else can
/// do that.
pub(crate) fn ensure_for_monitoring() -> anyhow::Result<bool> {
    ensure_servers("The monitoring stack needs", &canary_test_servers::missing_monitoring_packages())
}

/// Sees that Redis and PostgreSQL are here; false, with a line on what to install, where only somebody else can do that.
pub(crate) fn ensure_for_servers() -> anyhow::Result<bool> {
    ensure_servers("Chaos needs", &canary_test_servers::missing_packages())
}

fn ensure_servers(who_needs: &str, missing: &[&str]) -> anyhow::Result<bool> {
    if missing.is_empty() {
        return Ok(true);
    }
    let installed = install(who_needs, missing)?;
    if installed {
        missing.iter().try_for_each(|package| switch_off(package))?;
    }
    Ok(installed)
}

/// Sees that the page can be built; false, with a line on what to install, where only somebody else can do that.
pub(crate) fn ensure_for_page() -> anyhow::Result<bool> {
    let missing = node::missing_packages();
    Ok((missing.is_empty() || install("The page's build needs", &missing)?) && node_is_right()?)
}

fn missing_for_tests() -> Vec<&'static str> {
    let browser = (!is_in_path(CHROMIUM) && !browser_is_named()).then_some(CHROMIUM);
    canary_test_servers::missing_packages()
        .into_iter()
        .chain(browser)
        .chain(node::missing_packages())
        .collect()
}

fn node_is_right() -> anyhow::Result<bool> {
    let too_old = node::too_old()?;
    if let Some(what) = &too_old {
        println!("{what}");
    }
    Ok(too_old.is_none())
}

/// False, with a line, where this isn't root on Debian.
fn install(who_needs: &str, missing: &[&str]) -> anyhow::Result<bool> {
    let packages = missing.join(" ");
    if !is_root()? || !Path::new(APT).exists() {
        println!("{who_needs} these Debian packages (or the same programs from elsewhere): {packages}");
        println!("As root: apt-get update && apt-get install --no-install-recommends {packages}");
        return Ok(false);
    }
    println!("installing {packages}");
    run(&mut apt(&["update"]))?;
    run(apt(&["install", "--yes", "--no-install-recommends"]).args(missing))?;
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

/// Whether a shell would find this program.
pub(crate) fn is_in_path(program: &str) -> bool {
    let found = Command::new("/bin/sh")
        .args(["-c", r#"command -v "$1""#, "sh", program])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

#[expect(
    clippy::disallowed_methods,
    reason = "how a developer names another browser to the tests of the page"
)]
fn browser_is_named() -> bool {
    std::env::var_os("CHROMIUM").is_some()
}

fn is_root() -> anyhow::Result<bool> {
    Ok(std::fs::metadata("/proc/self").context("can't tell which user runs this")?.uid() == 0)
}
