//! Frames, agents and paths: who is where, and which way the money goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use canary_domain::{Amount, Backend};
use canary_runner::{Agent, Route, SecretSource};
use url::{Host, Url};

use super::file::{Address, AgentSection, File, FrameSection, PathSection};
use super::unknown::nearest;
use super::{Complaint, Complaints, EventStoreBearer, LocalFrame, secrets};

/// What the sections about the platform come to.
pub(super) struct Platform {
    pub local: LocalFrame,
    pub routes: Vec<Arc<Route>>,
    pub warnings: Vec<String>,
}

pub(super) fn resolve(file: &File, complaints: &mut Complaints) -> Option<Platform> {
    let senders: BTreeSet<&str> = file.paths.iter().map(|path| path.from.as_str()).collect();
    let signing: BTreeSet<&str> =
        file.frames.values().filter_map(|frame| frame.agent.as_deref()).chain(senders).collect();
    let agents: BTreeMap<&str, Arc<Agent>> = file
        .agents
        .iter()
        .filter_map(|(name, section)| {
            let agent = complaints.keep(agent(file, name, section, signing.contains(name.as_str())))?;
            Some((name.as_str(), Arc::new(agent)))
        })
        .collect();
    let local = complaints.keep(local_frame(file, &agents));
    let local_name = file.frames.iter().find(|(_, frame)| frame.local).map(|(name, _)| name.as_str());
    let routes = file
        .paths
        .iter()
        .enumerate()
        .filter_map(|(index, path)| complaints.keep(route(index, path, file, &agents, local_name)))
        .map(Arc::new)
        .collect();
    complaints.check(!file.paths.is_empty(), "paths", "there is none; the canary has nothing to fire");
    for (index, path) in file.paths.iter().enumerate() {
        let twice = file.paths[..index].iter().any(|other| other.name == path.name);
        complaints.check(
            !twice,
            &format!("paths[{index}].name"),
            &format!("`{}` is the name of another path", path.name),
        );
    }
    Some(Platform { local: local?, routes, warnings: warnings(file) })
}

fn agent(file: &File, name: &str, section: &AgentSection, signs_in: bool) -> Result<Agent, Complaint> {
    let setting = format!("agents.{name}");
    let frame = file
        .frames
        .get(&section.frame)
        .ok_or_else(|| unknown(&format!("{setting}.frame"), "frame", &section.frame, file.frames.keys()))?;
    let secret = secrets::source(
        &setting,
        "client_secret",
        section.client_secret_file.as_ref(),
        section.client_secret_env.as_ref(),
    )?;
    let missing =
        |what: &str, why: &str| Complaint::about(&format!("{setting}.{what}"), &format!("is missing; {why}"));
    let why = "an agent that sends has to sign in";
    if signs_in && section.client_id.is_none() {
        return Err(missing("client_id", why));
    }
    if signs_in && secret.is_none() {
        return Err(missing("client_secret_file", why));
    }
    let registry = match &frame.registry {
        Some(address) => {
            with_scheme(address, &format!("frames.{}.registry", section.frame), ["https", "http"])?
        }
        None if signs_in => {
            return Err(Complaint::about(
                &format!("frames.{}.registry", section.frame),
                "is missing; agents sign in there",
            ));
        }
        // Never called: this agent only receives.
        None => {
            Url::parse("http://localhost").map_err(|error| Complaint::about(&setting, &error.to_string()))?
        }
    };
    Ok(Agent {
        name: name.to_owned(),
        frame: section.frame.clone(),
        registry,
        did: section.did.clone(),
        client_id: section.client_id.clone().unwrap_or_default(),
        client_secret: secret.unwrap_or_else(|| SecretSource::new(|| Err("this agent only receives".into()))),
    })
}

fn local_frame(file: &File, agents: &BTreeMap<&str, Arc<Agent>>) -> Result<LocalFrame, Complaint> {
    let locals: Vec<(&String, &FrameSection)> = file.frames.iter().filter(|(_, frame)| frame.local).collect();
    let [(name, frame)] = locals.as_slice() else {
        let what = match locals.len() {
            0 => "no frame is local; set local = true on the one whose EventStore the validators watch"
                .to_owned(),
            _ => format!(
                "{} are both local; the canary watches one EventStore, so keep one",
                locals.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
            ),
        };
        return Err(Complaint::about("frames", &what));
    };
    let setting = format!("frames.{name}");
    let need = |address: &Option<Address>, key: &str, schemes: [&str; 2]| {
        let setting = format!("{setting}.{key}");
        let missing = || Complaint::about(&setting, "is missing; the local frame is watched there");
        with_scheme(address.as_ref().ok_or_else(missing)?, &setting, schemes)
    };
    let token = secrets::source(&setting, "token", frame.token_file.as_ref(), frame.token_env.as_ref())?;
    let bearer = match (token, &frame.agent) {
        (Some(token), None) => EventStoreBearer::Token(token),
        (None, Some(agent)) => EventStoreBearer::Agent(Arc::clone(
            agents
                .get(agent.as_str())
                .ok_or_else(|| unknown(&format!("{setting}.agent"), "agent", agent, file.agents.keys()))?,
        )),
        (Some(_), Some(_)) => {
            return Err(Complaint::about(&setting, "has both a token and an agent; keep one"));
        }
        (None, None) => {
            return Err(Complaint::about(
                &setting,
                "has neither token_file nor agent; the EventStore asks for a bearer token",
            ));
        }
    };
    Ok(LocalFrame {
        name: (*name).clone(),
        event_store_ws: need(&frame.event_store_ws, "event_store_ws", ["wss", "ws"])?,
        event_store: need(&frame.event_store, "event_store", ["https", "http"])?,
        bearer,
    })
}

pub(super) fn with_scheme(
    Address(url): &Address,
    setting: &str,
    schemes: [&str; 2],
) -> Result<Url, Complaint> {
    if schemes.contains(&url.scheme()) {
        Ok(url.clone())
    } else {
        let what = format!("`{}` is neither {} nor {}", url.scheme(), schemes[0], schemes[1]);
        Err(Complaint::about(setting, &what))
    }
}

fn route(
    index: usize,
    path: &PathSection,
    file: &File,
    agents: &BTreeMap<&str, Arc<Agent>>,
    local: Option<&str>,
) -> Result<Route, Complaint> {
    let setting = format!("paths[{index}]");
    let find = |key: &str, name: &str| {
        if !file.agents.contains_key(name) {
            return Err(unknown(&format!("{setting}.{key}"), "agent", name, file.agents.keys()));
        }
        agents
            .get(name)
            .cloned()
            .ok_or_else(|| Complaint::about(&format!("{setting}.{key}"), "see that agent's own section"))
    };
    let simple =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !simple(&path.name) {
        let what = format!("`{}` is no name for a path; use letters, digits, `-`, `_` and `.`", path.name);
        return Err(Complaint::about(&format!("{setting}.name"), &what));
    }
    let amount: Amount = path.amount.parse().map_err(|error: canary_domain::AmountError| {
        Complaint::about(&format!("{setting}.amount"), &error.to_string())
    })?;
    let (from, to) = (find("from", &path.from)?, find("to", &path.to)?);
    if from.did == to.did {
        return Err(Complaint::about(&setting, "sender and receiver are the same account"));
    }
    observable(path.backend, &from.frame, &to.frame, local)
        .map_err(|what| Complaint::about(&setting, &what))?;
    Ok(Route { name: path.name.clone(), backend: path.backend, from, to, amount })
}

/// Whether the local EventStore shows that such a transfer is done (contract §5).
fn observable(backend: Backend, from: &str, to: &str, local: Option<&str>) -> Result<(), String> {
    let within = from == to;
    match backend {
        Backend::Intra if !within => {
            Err(format!("intra moves money within one frame, not from `{from}` to `{to}`"))
        }
        Backend::Async if within => {
            Err("async moves money from one frame to another; both agents are in one".into())
        }
        Backend::Intra | Backend::TwoPc if within && local != Some(from) => Err(format!(
            "a transfer within frame `{from}` is seen in that frame's EventStore alone, which is not the local one"
        )),
        Backend::Intra | Backend::Async | Backend::TwoPc => Ok(()),
    }
}

fn unknown<'a>(setting: &str, kind: &str, given: &str, known: impl Iterator<Item = &'a String>) -> Complaint {
    let hint = nearest(given, known.map(String::as_str)).map(|known| format!("; did you mean `{known}`?"));
    Complaint::about(setting, &format!("there is no {kind} `{given}`{}", hint.unwrap_or_default()))
}

/// Addresses that carry secrets in the clear beyond this machine, and instances that could not agree.
fn warnings(file: &File) -> Vec<String> {
    let urls = file.frames.iter().flat_map(|(name, frame)| {
        [
            ("registry", &frame.registry),
            ("event_store_ws", &frame.event_store_ws),
            ("event_store", &frame.event_store),
        ]
        .into_iter()
        .filter_map(move |(key, url)| Some((format!("frames.{name}.{key}"), &url.as_ref()?.0)))
    });
    urls.filter(|(_, url)| matches!(url.scheme(), "http" | "ws") && !loopback(url))
        .map(|(setting, _)| format!("{setting}: tokens travel unencrypted beyond this machine"))
        .chain((file.redis.is_some() && file.postgres.is_none()).then(|| {
            "embedded: instances that share a Redis have to share this SQLite file, too; use [postgres] for several hosts"
                .to_owned()
        }))
        .collect()
}

pub(super) fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
