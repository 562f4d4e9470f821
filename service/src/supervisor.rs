//! The owner of every task: each has a name, and one that ends early ends the process with failure.
//!
//! Shutdown is soft first: tasks are told to stop and may end what is under way; what has not ended after the
//! grace is dropped, and its name is said.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

/// How long tasks may take to end; the process ends within 10 s of SIGTERM.
const GRACE: Duration = Duration::from_secs(9);

/// The tasks of the process.
pub(crate) struct Supervisor {
    tasks: JoinSet<Result<()>>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Supervisor {
    /// Owns no task yet.
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), names: HashMap::new(), stop: CancellationToken::new() }
    }

    /// Cancelled when tasks are to end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task. It has to run until [`Supervisor::stop`].
    pub fn start(&mut self, name: &'static str, task: impl Future<Output = Result<()>> + Send + 'static) {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Ends with SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When the process can't listen for them.
    pub async fn signalled() -> Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }

    /// Runs until SIGTERM or SIGINT, or until `done`, then stops all tasks.
    ///
    /// # Errors
    /// When a task ended early, or failed, or could not be stopped.
    pub async fn run<T>(mut self, done: impl Future<Output = T>) -> Result<Option<T>> {
        let ended = tokio::select! {
            signal = Self::signalled() => signal.map(|()| None),
            value = done => Ok(Some(value)),
            Some(ended) = self.tasks.join_next_with_id() => Err(self.early(ended)),
        };
        info!("stopping");
        self.stop.cancel();
        let stopped = self.join().await;
        let value = ended?;
        stopped.map(|()| value)
    }

    fn early(&self, ended: std::result::Result<(Id, Result<()>), tokio::task::JoinError>) -> anyhow::Error {
        match ended {
            Ok((id, Ok(()))) => anyhow::anyhow!("the task `{}` ended early", self.name(id)),
            Ok((id, Err(error))) => error.context(format!("the task `{}` failed", self.name(id))),
            Err(error) => anyhow::anyhow!("the task `{}` broke: {error}", self.name(error.id())),
        }
    }

    /// Joins all tasks, also after one has failed: the others still have leases to hand back. Answers the first failure.
    async fn join(&mut self) -> Result<()> {
        let deadline = Instant::now() + GRACE;
        let mut failed = None;
        while let Ok(Some(ended)) = timeout_at(deadline, self.tasks.join_next_with_id()).await {
            match ended {
                Ok((id, Ok(()))) => {
                    debug!(task = self.name(id), "stopped");
                    self.names.remove(&id);
                }
                Ok((_, Err(_))) | Err(_) => {
                    let error = self.early(ended);
                    warn!(error = format!("{error:#}"), "a task failed while stopping");
                    failed.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if self.tasks.is_empty() {
            return Ok(());
        }
        let left: Vec<&str> = self.names.values().copied().collect();
        bail!("tasks did not stop in time: {}", left.join(", "))
    }

    fn name(&self, id: Id) -> &'static str {
        self.names.get(&id).copied().unwrap_or("unnamed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_task_that_ends_early_ends_everything_and_is_named() {
        let mut supervisor = Supervisor::new();
        let stop = supervisor.stop();
        supervisor.start("lasting", async move {
            stop.cancelled().await;
            Ok(())
        });
        supervisor.start("short", async { Ok(()) });
        let error = supervisor.run(pending::<()>()).await.unwrap_err();
        assert_eq!(error.to_string(), "the task `short` ended early");
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_that_names_its_task() {
        let mut supervisor = Supervisor::new();
        supervisor.start("panics", async { panic!("on purpose") });
        let error = supervisor.run(pending::<()>()).await.unwrap_err();
        assert!(error.to_string().contains("`panics` broke"), "{error}");
    }

    #[tokio::test]
    async fn when_all_is_done_tasks_are_stopped_softly() {
        let mut supervisor = Supervisor::new();
        let stop = supervisor.stop();
        supervisor.start("lasting", async move {
            stop.cancelled().await;
            Ok(())
        });
        assert_eq!(supervisor.run(async { 7 }).await.unwrap(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_dropped_and_named() {
        let mut supervisor = Supervisor::new();
        supervisor.start("stubborn", pending());
        let error = supervisor.run(async {}).await.unwrap_err();
        assert!(error.to_string().contains("stubborn"), "{error}");
    }
}
