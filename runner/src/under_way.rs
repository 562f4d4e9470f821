//! Tests under way: each is a task that is owned, and seen through when the runner stops.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{error, warn};

/// How long calls under way may take to end once their owner is told to stop.
const GRACE: Duration = Duration::from_secs(6);

/// The tasks of tests. They end with it, wherever they are.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(JoinSet<()>);

impl UnderWay {
    /// Begins one.
    pub fn begin(&mut self, test: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(test);
    }

    /// Lets go of those that have ended.
    pub fn reap(&mut self) {
        while let Some(ended) = self.0.try_join_next() {
            report(ended);
        }
    }

    /// Lets them end within the grace.
    pub async fn see_through(mut self) {
        let ended = timeout(GRACE, async {
            while let Some(ended) = self.0.join_next().await {
                report(ended);
            }
        });
        if ended.await.is_err() {
            warn!(tests = self.0.len(), "stopped while calls were still under way");
        }
    }
}

/// A slot that broke is found again as a gap; any test that broke is judged by what is seen of it.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        error!(%error, "a test broke");
    }
}
