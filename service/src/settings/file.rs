//! The configuration file as it is written (design §6, §13): names, types and defaults, unknown keys refused.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use canary_domain::Backend;
use serde::{Deserialize, Deserializer, de::Error as _};
use strum::{Display, EnumString, VariantArray};
use url::Url;

pub use super::aftermath::{EvidenceSection, WebhooksSection};

/// A part of the canary that an instance may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantArray, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Part {
    /// Fires slots.
    Runner,
    /// Watches events.
    Validators,
    /// Decides and writes.
    Judge,
    /// Answers over HTTP.
    Console,
    /// Pushes closed rows to a time-series store.
    Export,
}

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    pub canary: String,
    #[serde(default = "all_parts")]
    pub roles: Vec<Part>,
    pub slot_key_file: Option<PathBuf>,
    pub slot_key_env: Option<String>,
    #[serde(default)]
    pub cadence: CadenceSection,
    #[serde(default)]
    pub deadlines: DeadlinesSection,
    pub redis: Option<RedisSection>,
    pub postgres: Option<PostgresSection>,
    #[serde(default)]
    pub embedded: EmbeddedSection,
    #[serde(default)]
    pub console: ConsoleSection,
    pub export: Option<ExportSection>,
    pub webhooks: Option<WebhooksSection>,
    pub evidence: Option<EvidenceSection>,
    #[serde(default)]
    pub platform: PlatformSection,
    #[serde(default)]
    pub frames: BTreeMap<String, FrameSection>,
    #[serde(default)]
    pub agents: BTreeMap<String, AgentSection>,
    #[serde(default)]
    pub paths: Vec<PathSection>,
}

fn all_parts() -> Vec<Part> {
    Part::VARIANTS.to_vec()
}

/// `[cadence]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CadenceSection {
    pub fire_every: Span,
    pub spread: Span,
    pub sweep_every: Span,
    pub watch: Span,
    pub call_timeout: Span,
    pub blind_after: Span,
    pub silence_after: Span,
    pub backstop_every: Span,
}

impl Default for CadenceSection {
    fn default() -> Self {
        let seconds = |seconds| Span(Duration::from_secs(seconds));
        Self {
            fire_every: seconds(60),
            spread: seconds(10),
            sweep_every: seconds(5),
            watch: seconds(600),
            call_timeout: seconds(10),
            blind_after: seconds(60),
            silence_after: seconds(30),
            backstop_every: seconds(10),
        }
    }
}

/// `[deadlines]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeadlinesSection {
    pub intra: Option<Span>,
    pub r#async: Option<Span>,
    #[serde(rename = "2pc")]
    pub two_pc: Option<Span>,
}

impl DeadlinesSection {
    /// The deadline of a backend: as written, or the table's (design §3.1).
    pub fn of(&self, backend: Backend) -> Duration {
        let written = match backend {
            Backend::Intra => self.intra,
            Backend::Async => self.r#async,
            Backend::TwoPc => self.two_pc,
        };
        written.map_or(backend.rule().deadline, |span| span.0)
    }
}

/// `[redis]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSection {
    pub url: Option<Address>,
    pub url_file: Option<PathBuf>,
    pub url_env: Option<String>,
    #[serde(default)]
    pub prefix: String,
}

/// `[postgres]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSection {
    pub url_file: Option<PathBuf>,
    pub url_env: Option<String>,
    #[serde(default = "yes")]
    pub migrate: bool,
}

fn yes() -> bool {
    true
}

/// `[embedded]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedSection {
    pub path: PathBuf,
}

impl Default for EmbeddedSection {
    fn default() -> Self {
        Self { path: "canary.db".into() }
    }
}

/// `[console]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleSection {
    pub listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub admin_token_file: Option<PathBuf>,
}

impl Default for ConsoleSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            metrics_listen: None,
            admin_token_file: None,
        }
    }
}

/// `[export]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportSection {
    pub remote_write: Address,
    #[serde(default = "half_a_minute")]
    pub every: Span,
}

fn half_a_minute() -> Span {
    Span(Duration::from_secs(30))
}

/// `[frames.<name>]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameSection {
    #[serde(default)]
    pub local: bool,
    pub registry: Option<Address>,
    pub event_store_ws: Option<Address>,
    pub event_store: Option<Address>,
    pub token_file: Option<PathBuf>,
    pub token_env: Option<String>,
    pub agent: Option<String>,
}

/// `[agents.<name>]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSection {
    pub frame: String,
    pub did: String,
    pub client_id: Option<String>,
    pub client_secret_file: Option<PathBuf>,
    pub client_secret_env: Option<String>,
}

/// `[[paths]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathSection {
    pub name: String,
    #[serde(deserialize_with = "backend")]
    pub backend: Backend,
    pub from: String,
    pub to: String,
    pub amount: String,
}

fn backend<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Backend, D::Error> {
    const WORDS: [&str; 3] = ["intra", "async", "2pc"];
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::unknown_variant(&text, &WORDS))
}

/// `[platform]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlatformSection {
    pub mapping: MappingSection,
}

/// `[platform.mapping]`: JSON pointers from the event's root.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingSection {
    pub position: Option<String>,
    pub event_type: Option<String>,
    pub occurred_at: Option<String>,
    pub source_frame: Option<String>,
    pub transfer_id: Option<String>,
    pub memo: Option<String>,
    pub from_agent_id: Option<String>,
    pub to_agent_id: Option<String>,
    pub amount: Option<String>,
    pub payer_agent_id: Option<String>,
    pub answer: AnswerMapping,
    pub events: BTreeMap<String, String>,
    pub calls: CallsMapping,
}

/// `[platform.mapping.answer]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerMapping {
    pub transfer_id: Option<String>,
}

/// `[platform.mapping.calls]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallsMapping {
    pub token: Option<String>,
    pub balance: Option<String>,
    pub transfer: Option<String>,
    pub cross_transfer: Option<String>,
}

/// An address. What is wrong with one is said without repeating it, since it may hold a password.
#[derive(Clone)]
pub struct Address(pub Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Url::parse(&text).map(Self).map_err(|error| D::Error::custom(format!("this is no address: {error}")))
    }
}

/// The longest time a setting may name; nothing the canary waits for takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// A length of time, written like `60s`, `1h 30m` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match humantime::parse_duration(&text) {
            Ok(time) if time <= LONGEST => Ok(Self(time)),
            Ok(_) => Err(D::Error::custom(format!("`{text}` is longer than a day"))),
            Err(error) => Err(D::Error::custom(format!(
                "`{text}` is no length of time ({error}); write it like \"60s\""
            ))),
        }
    }
}
