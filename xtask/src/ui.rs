//! The console's page: `cargo xtask ui`, and the first step of every command that builds the binary, which embeds it.
//!
//! Nothing is done when nothing changed: what the page was built from is remembered as a hash beside its packages. The hash
//! is taken before the build, so a file that is saved during it makes the next call build again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::node::Project;
use crate::packages;

/// The page's project.
pub(crate) const FOLDER: &str = "console/ui";

/// What is no source.
const MADE: [&str; 4] = ["node_modules", "dist", "coverage", ".vite"];

/// `cargo xtask ui`.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    if !packages::ensure_for_page()? {
        return Ok(ExitCode::from(packages::EXIT_UNAVAILABLE));
    }
    Ok(if build()? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the page if that can be; says so if it can't.
pub(crate) fn build_if_possible() {
    match packages::ensure_for_page().and_then(|ready| Ok(ready && build()?)) {
        Ok(true) => {}
        Ok(false) => println!("The page is not built in: the API works, and /ui says how to build it."),
        Err(error) => println!("The page is not built in: {error:#}"),
    }
}

/// Builds the page if anything changed since it was built; whether it is there now.
pub(crate) fn build() -> anyhow::Result<bool> {
    let project = Project::at(FOLDER);
    let sources = hash_of(project.folder())?;
    if !project.install()? {
        return Ok(false);
    }
    let stamp = project.folder().join("node_modules/.page-built-from");
    let is_built = project.folder().join("dist/index.html").exists();
    if is_built && fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(true);
    }
    if stamp.exists() {
        fs::remove_file(&stamp).with_context(|| format!("can't remove {}", stamp.display()))?;
    }
    if !project.npm(&["run", "--silent", "build"])? {
        return Ok(false);
    }
    fs::write(&stamp, sources).with_context(|| format!("can't write {}", stamp.display()))?;
    Ok(true)
}

/// Of the names and contents of all sources.
fn hash_of(folder: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).with_context(|| format!("can't read {}", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        if MADE.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
