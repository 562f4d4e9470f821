//! What the actions of operators have in common: the path has to be there, and the trail is written first.
//!
//! An action is not done unless its row of the audit trail was written before: the other order could act without a
//! trace. So that row says what an operator asked for. What came of it follows in a second row where the first does not
//! tell: always of a test, whose id it names, and of anything else if it failed. If the ledger goes away between
//! the two, or who asked hangs up, the first stands alone.

use std::time::Duration;

use canary_domain::{HoldKind, Moment};
use canary_store::AuditEntry;
use serde::Serialize;
use tokio::time::timeout;
use tracing::{info, warn};
use utoipa::ToSchema;

use super::context::Context;
use crate::access::Operator;
use crate::problem::{Kind, Problem};

/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// The longest the second row may take to be written.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);

/// An action, as the trail names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Action {
    Pause,
    Resume,
    Fire,
    Maintenance,
}

/// Why slots of a path are skipped now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Held {
    Paused,
    Maintenance,
}

impl From<HoldKind> for Held {
    fn from(kind: HoldKind) -> Self {
        match kind {
            HoldKind::Pause => Self::Paused,
            HoldKind::Maintenance => Self::Maintenance,
        }
    }
}

/// A path and whether it is held.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldPath {
    pub(crate) path: String,
    pub(crate) held: Option<Held>,
}

impl Context {
    /// The moment, on the board's clock.
    pub(crate) fn now(&self) -> Moment {
        (self.clock)()
    }

    /// Refuses the name of a path that the plan does not have.
    pub(crate) fn known(&self, path: &str) -> Result<(), Problem> {
        match self.plan.path(path) {
            Some(_) => Ok(()),
            None => Err(Problem::new(Kind::NotFound, format!("there is no path `{path}`"))),
        }
    }

    /// Writes down what is about to be done.
    pub(crate) async fn audit(
        &self,
        operator: &Operator,
        action: Action,
        path: Option<&str>,
        detail: Option<String>,
    ) -> Result<(), Problem> {
        let Operator { caller, peer } = operator;
        let entry = AuditEntry {
            at: self.now(),
            actor: caller.name.clone(),
            role: caller.role.as_str().to_owned(),
            action: action.to_string(),
            path: path.map(str::to_owned),
            detail,
            remote: Some(peer.to_string()),
        };
        self.ledger.audit(&entry).await?;
        info!(actor = caller.name, %action, path, detail = entry.detail, remote = %peer, "an operator acts");
        Ok(())
    }

    /// Writes down what came of it. It is done by now, so the answer does not depend on this.
    pub(crate) async fn came_of_it(
        &self,
        operator: &Operator,
        action: Action,
        path: Option<&str>,
        detail: String,
    ) {
        let written = timeout(WRITTEN_WITHIN, self.audit(operator, action, path, Some(detail.clone()))).await;
        if !matches!(written, Ok(Ok(()))) {
            warn!(%action, path, detail, "what came of an operator's action is not in the trail");
        }
    }

    /// Does what was written down; a failure is written down, too.
    pub(crate) async fn carry_out<T>(
        &self,
        operator: &Operator,
        action: Action,
        path: Option<&str>,
        doing: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let done = doing.await;
        if let Err(problem) = &done {
            self.came_of_it(operator, action, path, format!("failed: {}", problem.detail())).await;
        }
        done
    }

    /// Why slots of this path are skipped now; a pause outlasts a window, so it goes first.
    pub(crate) async fn held(&self, path: &str) -> Result<Option<Held>, Problem> {
        let now = self.now();
        let holds = self.ledger.holds(now).await?;
        let on = |kind| holds.iter().any(|hold| hold.kind == kind && hold.skips(path, now).is_some());
        Ok(if on(HoldKind::Pause) {
            Some(Held::Paused)
        } else if on(HoldKind::Maintenance) {
            Some(Held::Maintenance)
        } else {
            None
        })
    }
}

/// An operator's reason, trimmed; `None` if there is none left.
pub(crate) fn reason(given: Option<String>) -> Result<Option<String>, Problem> {
    let reason = given.map(|given| given.trim().to_owned()).filter(|reason| !reason.is_empty());
    let length = reason.as_ref().map_or(0, |reason| reason.chars().count());
    if length > MAX_REASON {
        let detail = format!("reason: {length} characters; it may have at most {MAX_REASON}");
        return Err(Problem::field("reason", detail));
    }
    Ok(reason)
}
