//! A configuration for a canary on the sandbox: every path of the matrix, with the sandbox's own addresses and secrets.
//!
//! It is written to files and read like any other, so that the demo runs what production runs.

use std::fmt::Write as _;
use std::fs::{create_dir_all, write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use canary_sandbox::{AgentSeed, Sandbox};

/// The cadence to write, in whole seconds.
#[derive(Clone, Debug)]
pub(crate) struct Cadence {
    pub fire_every: u32,
    pub spread: u32,
    pub sweep_every: u32,
    pub watch: u32,
    pub blind_after: u32,
    pub silence_after: u32,
    pub deadline: u32,
    pub listen: String,
    /// Where closed results are pushed to, if anywhere.
    pub export: Option<String>,
}

impl Default for Cadence {
    /// Short, so that one can watch it: the sandbox's saga takes a fraction of a second.
    fn default() -> Self {
        Self {
            fire_every: 10,
            spread: 3,
            sweep_every: 1,
            watch: 60,
            blind_after: 20,
            silence_after: 5,
            deadline: 10,
            listen: "127.0.0.1:8080".into(),
            export: None,
        }
    }
}

/// Every path of the matrix: name, backend, sender, receiver.
const MATRIX: [(&str, &str, &str, &str); 6] = [
    ("a-intra", "intra", "alpha", "bravo"),
    ("a-async-b", "async", "alpha", "charlie"),
    ("b-async-a", "async", "charlie", "alpha"),
    ("a-2pc", "2pc", "alpha", "bravo"),
    ("a-2pc-b", "2pc", "alpha", "charlie"),
    ("b-2pc-a", "2pc", "charlie", "alpha"),
];

/// Writes `canary.toml` and its secrets into a folder; answers the file.
///
/// # Errors
/// When a file can't be written.
pub(crate) fn write_files(sandbox: &Sandbox, folder: &Path, cadence: &Cadence) -> Result<PathBuf> {
    create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    // The files are named in the configuration, which may be used from another place.
    let folder = &folder.canonicalize().with_context(|| format!("{} can't be found", folder.display()))?;
    let secret = |name: &str, value: &str| -> Result<PathBuf> {
        let file = folder.join(name);
        write(&file, value).with_context(|| format!("{} can't be written", file.display()))?;
        Ok(file)
    };
    let token = secret("event-store.token", &sandbox.frame("a").event_store_token)?;
    let mut agents = String::new();
    for AgentSeed { name, frame, did, client_id, client_secret, .. } in sandbox.agents() {
        let file = secret(&format!("{name}.secret"), client_secret)?;
        writeln!(
            agents,
            "[agents.{name}]\nframe = {frame:?}\ndid = {did:?}\nclient_id = {client_id:?}\nclient_secret_file = {file:?}\n"
        )?;
    }
    let file = folder.join("canary.toml");
    let text = format!(
        "{}{}{}{agents}{}",
        head(folder, cadence),
        export(cadence.export.as_deref()),
        frames(sandbox, &token),
        paths()
    );
    write(&file, text).with_context(|| format!("{} can't be written", file.display()))?;
    Ok(file)
}

fn head(folder: &Path, cadence: &Cadence) -> String {
    let Cadence {
        fire_every, spread, sweep_every, watch, blind_after, silence_after, deadline, listen, ..
    } = cadence;
    let ledger = folder.join("canary.db");
    format!(
        "canary = \"sandbox\"\n\n[cadence]\nfire_every = \"{fire_every}s\"\nspread = \"{spread}s\"\nsweep_every = \"{sweep_every}s\"\n\
         watch = \"{watch}s\"\nblind_after = \"{blind_after}s\"\ncall_timeout = \"5s\"\nsilence_after = \"{silence_after}s\"\nbackstop_every = \"2s\"\n\n\
         [deadlines]\nintra = \"{deadline}s\"\nasync = \"{deadline}s\"\n\"2pc\" = \"{deadline}s\"\n\n\
         [embedded]\npath = {ledger:?}\n\n[console]\nlisten = {listen:?}\n\n"
    )
}

fn export(to: Option<&str>) -> String {
    to.map(|url| format!("[export]\nremote_write = {url:?}\nevery = \"5s\"\n\n")).unwrap_or_default()
}

fn frames(sandbox: &Sandbox, token: &Path) -> String {
    let (a, b) = (sandbox.frame("a"), sandbox.frame("b"));
    format!(
        "[frames.a]\nlocal = true\nregistry = {:?}\nevent_store_ws = {:?}\nevent_store = {:?}\ntoken_file = {token:?}\n\n\
         [frames.b]\nregistry = {:?}\n\n",
        a.registry, a.event_store_ws, a.event_store, b.registry
    )
}

fn paths() -> String {
    MATRIX
        .iter()
        .map(|(name, backend, from, to)| {
            format!("[[paths]]\nname = {name:?}\nbackend = {backend:?}\nfrom = {from:?}\nto = {to:?}\namount = \"0.01\"\n\n")
        })
        .collect()
}
