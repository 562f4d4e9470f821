//! Node.js and npm: whether they are here, and npm projects with exactly the packages of their lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::packages::is_in_path;

/// The Debian packages, of which each brings the program of its name here.
const PROGRAMS: [(&str, &str); 2] = [("node", "nodejs"), ("npm", "npm")];

/// What Vite asks for: the first minor release that will do of each major release; every later major one does.
const NODE_20: (u32, u32) = (20, 19);
const NODE_22: (u32, u32) = (22, 12);

/// The Debian packages that are missing.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    PROGRAMS.into_iter().filter(|(program, _)| !is_in_path(program)).map(|(_, package)| package).collect()
}

/// What to say of a Node.js that is too old.
///
/// # Errors
/// When there is none, or it doesn't say its version.
pub(crate) fn too_old() -> anyhow::Result<Option<String>> {
    let output =
        Command::new("node").arg("--version").stdin(Stdio::null()).output().context("can't run node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim();
    let known = parse(version).with_context(|| format!("node --version says {version:?}"))?;
    Ok((!will_do(known)).then(|| {
        let ((major, minor), (next, its_minor)) = (NODE_20, NODE_22);
        format!("Node.js {version} is too old: {major}.{minor}, {next}.{its_minor} or newer is needed, see https://nodejs.org/en/download")
    }))
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v')?.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn will_do(version: (u32, u32)) -> bool {
    version >= NODE_22 || (version >= NODE_20 && version.0 == NODE_20.0)
}

/// An npm project of this workspace.
pub(crate) struct Project {
    folder: PathBuf,
}

impl Project {
    /// The one in a folder, named from the workspace's root.
    pub fn at(folder: &str) -> Self {
        Self { folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Installs the packages of the lock file, if they are not those that are there; whether they are there now.
    pub fn install(&self) -> anyhow::Result<bool> {
        let lock_file = self.folder.join("package-lock.json");
        let lock = fs::read(&lock_file).with_context(|| format!("can't read {}", lock_file.display()))?;
        // Written last, and removed by npm together with the packages.
        let installed = self.folder.join("node_modules/.installed-lock.json");
        if fs::read(&installed).is_ok_and(|installed| installed == lock) {
            return Ok(true);
        }
        if !self.npm(&["ci", "--no-audit", "--no-fund"])? {
            return Ok(false);
        }
        fs::write(&installed, lock).with_context(|| format!("can't write {}", installed.display()))?;
        Ok(true)
    }

    /// Runs npm in the project; whether it succeeded.
    pub fn npm(&self, arguments: &[&str]) -> anyhow::Result<bool> {
        let status =
            Command::new("npm").args(arguments).current_dir(&self.folder).stdin(Stdio::null()).status();
        Ok(status.with_context(|| format!("can't run npm {}", arguments.join(" ")))?.success())
    }

    /// A program that one of its packages brings.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("node_modules/.bin").join(name));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_vite_refuses_are_too_old() {
        let will_do = |text| will_do(parse(text).unwrap());
        assert!(["v20.19.0", "v20.20.2", "v22.12.0", "v23.0.0", "v24.1.0"].into_iter().all(will_do));
        assert!(!["v18.20.4", "v20.18.1", "v21.7.3", "v22.11.0"].into_iter().any(will_do));
    }

    #[test]
    fn what_is_no_version_is_not_taken_for_one() {
        assert_eq!(["", "20.19.0", "v20", "vx.y.z"].map(parse), [None; 4]);
    }
}
