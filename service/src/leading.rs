//! One role of one instance: the lease and the work that depends on it, ended in the right order.

use std::sync::Arc;

use anyhow::Result;
use canary_domain::{Clock, NodeId, Role};
use canary_store::{Annotation, Board, LeaseTimes, Leases, Ledger, Seat};
use canary_telemetry::LeaseMetrics;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// What contending for a role takes.
#[derive(Clone)]
pub(crate) struct Contender {
    pub board: Arc<dyn Board>,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Arc<dyn Clock>,
    pub node: NodeId,
    pub metrics: Arc<LeaseMetrics>,
}

impl Contender {
    /// Contends for the role and does its work until `stop`. The lease is handed back once the work has ended, so that
    /// a successor starts neither too early nor late.
    ///
    /// # Errors
    /// When the work fails.
    pub async fn run<W>(self, role: Role, stop: CancellationToken, work: impl FnOnce(Seat) -> W) -> Result<()>
    where
        W: Future<Output = Result<()>>,
    {
        let (leases, seat) =
            Leases::new(Arc::clone(&self.board), role, self.node.clone(), LeaseTimes::default());
        // The work's end ends the contention, too: nobody leads a role that does nothing.
        let (stopping, stopped) = (stop.child_token(), CancellationToken::new());
        let work = work(seat.clone());
        let worked = async {
            let result = work.await;
            stopping.cancel();
            stopped.cancel();
            result
        };
        let (result, (), ()) =
            tokio::join!(worked, leases.run(stopping.clone(), stopped.clone()), self.follow(role, seat));
        result
    }

    /// Says who leads, to the metrics and on the time line.
    async fn follow(&self, role: Role, mut seat: Seat) {
        loop {
            let lead = seat.borrow_and_update().as_ref().map(canary_store::Leadership::term);
            match lead {
                Some(term) => {
                    self.metrics.leads(role, term);
                    self.annotate("leader_change", format!("{} leads as {role} in term {term}", self.node))
                        .await;
                }
                None => self.metrics.follows(role),
            }
            if seat.changed().await.is_err() {
                return;
            }
        }
    }

    /// Puts a mark on the time line; one that can't be written is not worth waiting for.
    pub async fn annotate(&self, kind: &str, text: String) {
        let mark =
            Annotation { at: self.clock.now(), kind: kind.into(), text, node: Some(self.node.clone()) };
        if let Err(error) = self.ledger.annotate(&mark).await {
            debug!(%error, kind, "a mark was not written");
        }
    }
}
