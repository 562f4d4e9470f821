//! What follows a verdict: who is told of a path's changes (`[webhooks]`), and where logs are searched (`[evidence]`).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use canary_outbound::{Endpoint, SearchSettings, Secret};
use canary_runner::SecretSource;
use reqwest::header::HeaderName;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::Url;

use super::file::{Address, Span};
use super::platform::{loopback, with_scheme};
use super::{Complaint, Complaints, secrets};

/// `[webhooks]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksSection {
    #[serde(default = "three")]
    pub failing_after: usize,
    pub console_url: Option<Address>,
    #[serde(default)]
    pub endpoints: Vec<EndpointSection>,
}

/// `[[webhooks.endpoints]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSection {
    pub name: String,
    pub url: Option<Address>,
    pub url_file: Option<PathBuf>,
    pub url_env: Option<String>,
    pub secret_file: Option<PathBuf>,
    pub secret_env: Option<String>,
    #[serde(default = "ten_seconds")]
    pub timeout: Span,
    #[serde(default = "a_day")]
    pub give_up_after: Span,
}

/// `[evidence]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceSection {
    pub log_url: Option<String>,
    pub log_url_file: Option<PathBuf>,
    pub log_url_env: Option<String>,
    #[serde(default = "authorization")]
    pub log_auth_header: String,
    pub log_auth_file: Option<PathBuf>,
    pub log_auth_env: Option<String>,
    #[serde(default = "ten_seconds")]
    pub log_after: Span,
    #[serde(default = "ten_seconds")]
    pub log_timeout: Span,
}

fn three() -> usize {
    3
}

fn ten_seconds() -> Span {
    Span::seconds(10)
}

fn a_day() -> Span {
    Span::seconds(24 * 3_600)
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// What webhooks are told, but for the deployment's name and paths.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// So many tests in a row that did not pass make a path failing.
    pub failing_after: usize,
    /// Where people find the console.
    pub console_url: Option<Url>,
    /// Who is told.
    pub endpoints: Vec<Endpoint>,
}

/// The longest that a receiver or a log server may take.
const LONGEST: Duration = Duration::from_secs(60);
/// More failures in a row than this are not counted.
const MOST_FAILURES: usize = 100;

pub(super) fn webhooks(section: &WebhooksSection, complaints: &mut Complaints) -> Option<Webhooks> {
    complaints.check(
        (1..=MOST_FAILURES).contains(&section.failing_after),
        "webhooks.failing_after",
        &format!("{} is not from 1 to {MOST_FAILURES}", section.failing_after),
    );
    complaints.check(
        !section.endpoints.is_empty(),
        "webhooks.endpoints",
        "there is none; leave [webhooks] out, or say who is told",
    );
    let mut names = BTreeSet::new();
    for (index, endpoint) in section.endpoints.iter().enumerate() {
        let setting = format!("webhooks.endpoints[{index}].name");
        let twice = format!("`{}` is the name of another endpoint", endpoint.name);
        complaints.check(names.insert(&endpoint.name), &setting, &twice);
    }
    let console_url = section
        .console_url
        .as_ref()
        .and_then(|address| complaints.keep(with_scheme(address, "webhooks.console_url", ["https", "http"])));
    let endpoints = section.endpoints.iter().enumerate();
    let endpoints: Vec<Option<Endpoint>> =
        endpoints.map(|(index, section)| complaints.keep(endpoint(index, section))).collect();
    let endpoints = endpoints.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Webhooks { failing_after: section.failing_after, console_url, endpoints })
}

fn endpoint(index: usize, section: &EndpointSection) -> Result<Endpoint, Complaint> {
    let setting = format!("webhooks.endpoints[{index}]");
    let simple =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !simple(&section.name) {
        let what =
            format!("`{}` is no name for an endpoint; use letters, digits, `-`, `_` and `.`", section.name);
        return Err(Complaint::about(&format!("{setting}.name"), &what));
    }
    let keys =
        secrets::source(&setting, "secret", section.secret_file.as_ref(), section.secret_env.as_ref())?;
    let missing = "is missing; name the file that holds the key that messages are signed with";
    let keys = keys.ok_or_else(|| Complaint::about(&format!("{setting}.secret_file"), missing))?;
    let endpoint = Endpoint {
        name: section.name.clone(),
        url: secret(url(&setting, section)?),
        keys: secret(keys),
        timeout: bounded(section.timeout, &format!("{setting}.timeout"))?,
        give_up_after: section.give_up_after.0,
    };
    endpoint.check().map_err(|what| Complaint::about(&setting, &what))?;
    Ok(endpoint)
}

fn url(setting: &str, section: &EndpointSection) -> Result<SecretSource, Complaint> {
    let named = secrets::source(setting, "url", section.url_file.as_ref(), section.url_env.as_ref())?;
    let setting = format!("{setting}.url");
    match (&section.url, named) {
        (Some(Address(url)), None) if url.password().is_some() => {
            let what = "holds a password; secrets are never written into this file: use url_file or url_env";
            Err(Complaint::about(&setting, what))
        }
        (Some(Address(url)), None) => Ok(constant(url.as_str())),
        (None, Some(source)) => Ok(source),
        (None, None) => {
            Err(Complaint::about(&setting, "is missing; or name a url_file, if the address is a secret"))
        }
        (Some(_), Some(_)) => {
            Err(Complaint::about(&setting, "is given twice; keep one of url, url_file and url_env"))
        }
    }
}

fn constant(text: &str) -> SecretSource {
    let text = text.to_owned();
    SecretSource::new(move || Ok(text.clone().into()))
}

fn secret(source: SecretSource) -> Secret {
    Secret::new(move || source.read())
}

fn bounded(span: Span, setting: &str) -> Result<Duration, Complaint> {
    if (Duration::from_millis(100)..=LONGEST).contains(&span.0) {
        Ok(span.0)
    } else {
        Err(Complaint::about(setting, &format!("{:?} is not from 100ms to {LONGEST:?}", span.0)))
    }
}

/// `None` without an address: nothing is searched.
pub(super) fn evidence(section: &EvidenceSection) -> Result<Option<SearchSettings>, Complaint> {
    let named =
        secrets::source("evidence", "log_url", section.log_url_file.as_ref(), section.log_url_env.as_ref())?;
    let url = match (&section.log_url, named) {
        (Some(text), None) => constant(text),
        (None, Some(source)) => source,
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let what = "is given twice; keep one of log_url, log_url_file and log_url_env";
            return Err(Complaint::about("evidence.log_url", what));
        }
    };
    let template = url.read().map_err(|what| Complaint::about("", &what))?;
    SearchSettings::check_template(template.expose_secret())
        .map_err(|error| Complaint::about("evidence.log_url", &error.to_string()))?;
    if section.log_url.as_ref().is_some_and(|text| Url::parse(text).is_ok_and(|url| url.password().is_some()))
    {
        let what =
            "holds a password; secrets are never written into this file: use log_url_file or log_auth_file";
        return Err(Complaint::about("evidence.log_url", what));
    }
    let header = HeaderName::from_bytes(section.log_auth_header.as_bytes());
    let auth_header = header.map_err(|_| {
        let what = format!("`{}` is no header's name", section.log_auth_header);
        Complaint::about("evidence.log_auth_header", &what)
    })?;
    let auth = secrets::source(
        "evidence",
        "log_auth",
        section.log_auth_file.as_ref(),
        section.log_auth_env.as_ref(),
    )?;
    Ok(Some(SearchSettings {
        url: secret(url),
        auth_header,
        auth: auth.map(secret),
        after: section.log_after.0,
        timeout: bounded(section.log_timeout, "evidence.log_timeout")?,
    }))
}

/// What travels in the clear beyond this machine: what logs are signed in to with.
pub(super) fn warning(section: &EvidenceSection) -> Option<String> {
    let url = Url::parse(section.log_url.as_ref()?).ok()?;
    let signs_in = section.log_auth_file.is_some() || section.log_auth_env.is_some();
    (signs_in && url.scheme() == "http" && !loopback(&url)).then(|| {
        "evidence.log_url: what it is signed in to with travels unencrypted beyond this machine".to_owned()
    })
}
