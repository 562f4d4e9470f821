//! Leads an instance over proxies: its configuration is the deployment's, but for some addresses.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::guardian::Guardian;
use crate::{Deployment, Instance, port};

/// A configuration with some addresses replaced, from which an instance can be started again and again.
#[derive(Clone, Debug)]
pub struct Detour {
    /// All but `[console]`.
    toml: String,
    log: String,
}

impl Detour {
    /// The deployment's `canary.toml` with each `(from, to)` replaced.
    ///
    /// # Panics
    /// If one of them doesn't occur there.
    #[must_use]
    pub fn of(deployment: &Deployment, detours: &[(String, String)]) -> Self {
        let toml = std::fs::read_to_string(deployment.folder().join("canary.toml")).unwrap();
        let mut toml = toml.split_once("\n[console]").unwrap().0.to_owned();
        for (from, to) in detours {
            assert!(toml.contains(from.as_str()), "{from} is not in {toml}");
            toml = toml.replace(from.as_str(), to);
        }
        Self { toml, log: deployment.log_filter().to_owned() }
    }

    /// Starts `canary run` on it, with a console of its own.
    ///
    /// # Panics
    /// If it can't be started.
    #[must_use]
    pub fn launch(&self) -> Instance {
        // Its own, since the deployment's can't be had: it owns the process, and the folder of file and log.
        let guardian = Arc::new(Guardian::new());
        let console = SocketAddr::from(([127, 0, 0, 1], port::free()));
        let file = guardian.folder().join("detour.toml");
        std::fs::write(&file, format!("{}\n[console]\nlisten = \"{console}\"\n", self.toml)).unwrap();
        Instance::start(guardian, &file, console, &[("RUST_LOG", &self.log)])
    }
}

/// Starts `canary run` with each `(from, to)` replaced in its `canary.toml`.
///
/// # Panics
/// If one of them doesn't occur there, or it can't be started.
#[must_use]
pub fn launch_through(deployment: &Deployment, detours: &[(String, String)]) -> Instance {
    Detour::of(deployment, detours).launch()
}
