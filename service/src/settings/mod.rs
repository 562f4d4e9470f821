//! The settings: read from one TOML file, checked as a whole, resolved into what each part is told (design §6).

mod aftermath;
mod export;
mod file;
mod mapping;
mod platform;
mod secrets;
mod stores;
mod times;
mod unknown;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canary_domain::{Backend, Cadence, SlotKey};
use canary_outbound::SearchSettings;
use canary_runner::{Agent, Calls, Route, SecretSource};
use canary_validators::Mapping;
use url::Url;

pub use aftermath::Webhooks;
pub use export::ExportSettings;
use file::File;
pub use file::Part;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The setting's path, like `paths[2].from`; empty for the file as a whole.
    pub setting: String,
    /// Its line in the file, where known.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Complaint {
    fn about(setting: &str, what: &str) -> Self {
        Self { setting: setting.to_owned(), line: None, what: what.to_owned() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.what)
    }
}

/// Everything that is wrong with the settings of one file.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {}", .complaints.iter().map(ToString::to_string).collect::<Vec<_>>().join(&format!("\n{file}: ")))]
pub struct SettingsError {
    /// The file.
    pub file: String,
    /// What is wrong, in the order of the file as far as possible.
    pub complaints: Vec<Complaint>,
}

/// Where the board lives.
#[derive(Clone, Debug)]
pub enum BoardSettings {
    /// In this process.
    Memory,
    /// In Redis or Valkey.
    Redis {
        /// Its address.
        url: SecretSource,
        /// Before every key.
        prefix: String,
    },
}

/// Where the ledger lives.
#[derive(Clone, Debug)]
pub enum LedgerSettings {
    /// In a file.
    Sqlite(PathBuf),
    /// In Postgres.
    Postgres {
        /// Its address.
        url: SecretSource,
        /// Whether `run` brings the schema up to date.
        migrate: bool,
    },
}

/// What the validators sign in to the EventStore with.
#[derive(Clone, Debug)]
pub enum EventStoreBearer {
    /// A token.
    Token(SecretSource),
    /// An agent's token.
    Agent(Arc<Agent>),
}

/// The local frame.
#[derive(Clone, Debug)]
pub struct LocalFrame {
    /// Its name.
    pub name: String,
    /// The EventStore's WebSocket.
    pub event_store_ws: Url,
    /// The EventStore's REST calls.
    pub event_store: Url,
    /// What to sign in with there.
    pub bearer: EventStoreBearer,
}

/// What the console is told.
#[derive(Clone, Debug)]
pub struct ConsoleSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where metrics are served, if not there.
    pub metrics_listen: Option<SocketAddr>,
    /// Who may use the admin API.
    pub admin_token_file: Option<PathBuf>,
}

/// The times of `[cadence]` that are no cadence.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Time between two sweeps of the judge.
    pub sweep_every: Duration,
    /// Time from firing to the end of the watch.
    pub watch: Duration,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// Time from a deadline until missing coverage is called blindness.
    pub blind_after: Duration,
    /// Silence after which a socket is opened again.
    pub silence_after: Duration,
    /// Time between two polls of the backstop.
    pub backstop_every: Duration,
}

/// The settings, checked and resolved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The deployment's name.
    pub canary: String,
    /// What this instance runs.
    pub parts: Vec<Part>,
    /// The slot key, if it is not the ledger's.
    pub slot_key: Option<SlotKey>,
    /// When slots are due.
    pub cadence: Cadence,
    /// The other times.
    pub times: Times,
    /// Time from firing to the deadline, a backend.
    pub deadlines: HashMap<Backend, Duration>,
    /// Where the board lives.
    pub board: BoardSettings,
    /// Where the ledger lives.
    pub ledger: LedgerSettings,
    /// What the console is told.
    pub console: ConsoleSettings,
    /// Where closed rows go, if they go anywhere.
    pub export: Option<ExportSettings>,
    /// Who is told of a path's changes, if anybody.
    pub webhooks: Option<Webhooks>,
    /// Where the platform's logs are searched, if they are.
    pub log_search: Option<SearchSettings>,
    /// The local frame.
    pub local: LocalFrame,
    /// The paths, in the file's order.
    pub routes: Vec<Arc<Route>>,
    /// Where the calls go.
    pub calls: Calls,
    /// Where an event says what.
    pub mapping: Mapping,
    /// What works but should be looked at.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// With all that is wrong, each with the setting's path and the remedy.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SettingsError {
            file: file.clone(),
            complaints: vec![Complaint::about("", &format!("can't be read: {error}"))],
        })?;
        Self::parse(&text).map_err(|complaints| SettingsError { file, complaints })
    }

    /// Checks a file's text.
    ///
    /// # Errors
    /// With all that is wrong.
    pub fn parse(text: &str) -> Result<Self, Vec<Complaint>> {
        let file = unknown::parse(text).map_err(|complaint| vec![complaint])?;
        resolve(&file)
    }

    /// Whether this instance runs a part.
    #[must_use]
    pub fn runs(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

fn resolve(file: &File) -> Result<Settings, Vec<Complaint>> {
    let mut complaints = Complaints::default();
    let platform = platform::resolve(file, &mut complaints);
    let cadence = complaints.keep(times::cadence(file));
    let times = times::times(file, &mut complaints);
    let slot_key = complaints.keep(stores::slot_key(file));
    let board = complaints.keep(stores::board(file));
    let ledger = complaints.keep(stores::ledger(file));
    complaints.check(!file.canary.is_empty(), "canary", "this deployment needs a name");
    complaints.check(!file.roles.is_empty(), "roles", "no role is given; leave it out for all of them");
    complaints.check(
        file.console.admin_token_file.is_some() || file.console.listen.ip().is_loopback(),
        "console.listen",
        "others can reach this address: set console.admin_token_file, or listen on 127.0.0.1",
    );
    let export = file.export.as_ref().and_then(|section| export::resolve(section, &mut complaints));
    let webhooks = file.webhooks.as_ref().and_then(|section| aftermath::webhooks(section, &mut complaints));
    let log_search =
        file.evidence.as_ref().and_then(|section| complaints.keep(aftermath::evidence(section)).flatten());
    let deadlines = Backend::ALL.iter().map(|backend| (*backend, file.deadlines.of(*backend))).collect();
    let mapping = complaints.keep(mapping::mapping(&file.platform.mapping));
    let calls = complaints.keep(mapping::calls(&file.platform.mapping));
    match (platform, cadence, slot_key, board, ledger, mapping.zip(calls), complaints.0.is_empty()) {
        (
            Some(platform),
            Some(cadence),
            Some(slot_key),
            Some(board),
            Some(ledger),
            Some((mapping, calls)),
            true,
        ) => Ok(Settings {
            canary: file.canary.clone(),
            parts: parts(file),
            slot_key,
            cadence,
            times,
            deadlines,
            board,
            ledger,
            console: ConsoleSettings {
                listen: file.console.listen,
                metrics_listen: file.console.metrics_listen,
                admin_token_file: file.console.admin_token_file.clone(),
            },
            warnings: warnings(platform.warnings, file, export.as_ref()),
            export,
            webhooks,
            log_search,
            local: platform.local,
            routes: platform.routes,
            calls,
            mapping,
        }),
        _ => Err(complaints.0),
    }
}

/// All that works but should be looked at.
fn warnings(of_platform: Vec<String>, file: &File, export: Option<&ExportSettings>) -> Vec<String> {
    let of_evidence = file.evidence.as_ref().and_then(aftermath::warning);
    let others = [export.and_then(ExportSettings::warning), of_evidence, told_by_nobody(file)];
    of_platform.into_iter().chain(others.into_iter().flatten()).collect()
}

/// What follows a verdict is done by the leading judge.
fn told_by_nobody(file: &File) -> Option<String> {
    let idle = (file.webhooks.is_some() || file.evidence.is_some()) && !file.roles.contains(&Part::Judge);
    idle.then(|| {
        "webhooks, evidence: this instance does not run the judge, so it tells nobody and searches nothing"
            .to_owned()
    })
}

/// What this instance runs: an export without a receiver is left out (design §13).
fn parts(file: &File) -> Vec<Part> {
    let runs = |part: &Part| *part != Part::Export || file.export.is_some();
    file.roles.iter().copied().filter(runs).collect()
}

/// Collects what is wrong, so that one run shows all of it.
#[derive(Default)]
struct Complaints(Vec<Complaint>);

impl Complaints {
    fn keep<T>(&mut self, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.0.push(complaint)).ok()
    }

    fn check(&mut self, holds: bool, setting: &str, what: &str) {
        if !holds {
            self.0.push(Complaint::about(setting, what));
        }
    }
}
