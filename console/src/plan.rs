//! What is to happen, as the settings say: what the page shows of it, and what an operator may name.

use std::time::Duration;

use canary_domain::{Amount, Backend, Cadence};

/// The plan of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The deployment's name.
    pub canary: String,
    /// When slots are due.
    pub cadence: Cadence,
    /// The pause between two sweeps of the judge.
    pub sweep_every: Duration,
    /// How long a test is watched after it was fired.
    pub watch: Duration,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// How long after its deadline a test waits for coverage.
    pub blind_after: Duration,
    /// The silence after which a reactor connects again.
    pub silence_after: Duration,
    /// How often a reactor polls while its socket is down or a gap is open.
    pub backstop_every: Duration,
    /// Whether closed rows are exported.
    pub exports: bool,
    /// The paths, in their order.
    pub paths: Vec<PlannedPath>,
}

impl Plan {
    /// A path by its name.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&PlannedPath> {
        self.paths.iter().find(|path| path.name == name)
    }
}

/// A path of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedPath {
    /// Its name.
    pub name: String,
    /// How it moves money.
    pub backend: Backend,
    /// Where it begins.
    pub source_frame: String,
    /// Where it ends.
    pub dest_frame: String,
    /// How much it moves.
    pub amount: Amount,
    /// The sending agent's name.
    pub from: String,
    /// The receiving agent's name.
    pub to: String,
    /// The time in which a test has to be done.
    pub deadline: Duration,
}

/// A folder of the source, for the page's help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The folder, like `runner/`.
    pub folder: &'static str,
    /// The crate's description.
    pub what: String,
}

/// Why a test was not fired on demand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FireRefused {
    /// The plan has no such path.
    #[error("there is no such path")]
    UnknownPath,
    /// Something that a test needs is not there.
    #[error("{0}")]
    Unavailable(String),
}
