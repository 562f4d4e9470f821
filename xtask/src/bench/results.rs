//! What one benchmark came to: kept in the target folder, where a later page finds it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use canary_figures::Figure;
use serde::{Deserialize, Serialize};

use crate::cargo;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When it began, as `2026-11-21 01:22`, UTC.
    pub at: String,
    /// How many processes wanted a processor before it began, over the last minute.
    pub load: String,
    pub quick: bool,
    pub figures: Vec<Figure>,
}

impl Results {
    pub fn begin(quick: bool) -> anyhow::Result<Self> {
        let date = Command::new("date").args(["-u", "+%Y-%m-%d %H:%M"]).output().context("can't run date")?;
        ensure!(date.status.success(), "date ended with {}", date.status);
        let load = fs::read_to_string("/proc/loadavg").context("can't read the load")?;
        let load = load.split(' ').next().unwrap_or_default().to_owned();
        Ok(Self { at: String::from_utf8(date.stdout)?.trim().to_owned(), load, quick, figures: Vec::new() })
    }

    pub fn keep(&self, bench: &str) -> anyhow::Result<()> {
        let file = file(bench)?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, serde_json::to_vec(self)?).with_context(|| format!("can't write {}", file.display()))
    }

    /// What this benchmark came to last; `None` if it never ran here, or with an older version of this program.
    pub fn last(bench: &str) -> anyhow::Result<Option<Self>> {
        let Ok(json) = fs::read(file(bench)?) else { return Ok(None) };
        Ok(serde_json::from_slice(&json).ok())
    }
}

fn file(bench: &str) -> anyhow::Result<PathBuf> {
    Ok(cargo::target()?.join("bench").join(format!("{bench}.json")))
}
